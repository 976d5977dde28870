// Text from outside made harmless where a person reads it as Markdown: no markup, no HTML, and none
// of what printable() shows.
#pragma once

#include <string>
#include <string_view>

namespace rollbackd::api {

/// Nobody reads more of one text from outside.
inline constexpr std::size_t shown_text_max = 2000;

/// printable_line(), and every character that Markdown or HTML could act on is escaped.
std::string markdown(std::string_view text, std::size_t bytes_max = shown_text_max);

}  // namespace rollbackd::api
