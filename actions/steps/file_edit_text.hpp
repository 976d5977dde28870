// What file_edit does to a text: pure, so that every quirk of env files has a row in a test.
#pragma once

#include "core/error.hpp"

namespace rollbackd {

struct EditedText {
    std::string text;
    bool changed = false;  // false: it already said so, and not a byte is touched

    friend bool operator==(EditedText const&, EditedText const&) = default;
};

/// Sets `key` of an env file. `export `, spacing, quotes, trailing comments and line endings stay.
/// A key set twice: the last one is edited, because the last one wins. A missing key is appended,
/// with `export ` where every other line has it. The value is quoted where it needs to be.
Result<EditedText> set_env_key(std::string_view text, std::string_view key, std::string_view value);

/// Replaces the one line that is `line`, or begins with it where `prefix`. No such line: unchanged
/// where `value` is already a line, else an Error; more than one: an Error that numbers them.
Result<EditedText> replace_line(
    std::string_view text, std::string_view line, bool prefix, std::string_view value
);

}  // namespace rollbackd
