// Text from outside made harmless where a person reads it: in a terminal (no escape sequences, no
// invisible or direction-changing characters) and in Markdown (no markup, no HTML).
#pragma once

#include <string>
#include <string_view>

namespace rollbackd::api {

/// One line of plain text: control bytes, C1 controls, bidi and zero-width characters and invalid
/// UTF-8 as \xNN; line breaks and tabs as blanks; cut to `bytes_max`.
std::string inert(std::string_view text, std::size_t bytes_max = 2000);

/// inert, and every character that Markdown or HTML could act on is escaped.
std::string markdown(std::string_view text, std::size_t bytes_max = 2000);

}  // namespace rollbackd::api
