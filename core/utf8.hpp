// UTF-8, decoded in one place: whoever shows, cuts or stores text from outside asks here what its
// bytes are, so that no two places disagree about what is well-formed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rollbackd {

struct CodePoint {
    std::uint32_t value = 0;
    std::size_t length = 0;  // bytes; 0: no well-formed character stands here
};

/// The character `text` (not empty) begins with; overlong forms and surrogates are not well-formed.
CodePoint decode_utf8(std::string_view text);

/// Where the first byte stands that is not part of a well-formed character; npos: nowhere.
std::size_t find_not_utf8(std::string_view text);

/// Beyond ASCII, what acts on a terminal or deceives the eye: C1 controls, line and paragraph
/// separators, direction marks and overrides, zero-width characters, tags.
bool is_deceptive(std::uint32_t point);

/// Each byte as \xNN.
void append_hex(std::string& out, std::string_view bytes);

}  // namespace rollbackd
