// Names people write: which are valid, and which was meant by a wrong one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace rollbackd {

/// A letter, then letters, digits, `_` or `-`; at most 64 characters.
bool is_valid_name(std::string_view name);

/// The candidate nearest to `wrong` by edit distance, where one is near enough to be a typo; one
/// that differs by capital letters alone is the nearest.
std::string nearest_name(std::string_view wrong, std::span<std::string const> candidates);

/// `text` with control characters (C1 too), terminal escapes, what turns the direction of writing
/// or takes no room, and bytes that are not UTF-8 as \xNN, cut to `length_max` bytes. Always valid
/// UTF-8, so a record that holds it can be read again. Everything from outside (bodies, log lines,
/// branch names) passes here before a person reads it.
std::string printable(std::string_view text, std::size_t length_max);
/// The same on one line: where lines mean something (a message's four sentences), a reason that
/// came from outside must not add one.
std::string printable_line(std::string_view text, std::size_t length_max);

/// Versions as people read them: a full hexadecimal hash (40 or 64 digits) is cut to 12 of them, or
/// to as many as keep it apart from everything else that `texts` name. Commands are left whole.
class ShortHashes {
public:
    explicit ShortHashes(std::span<std::string const> texts);
    std::string operator()(std::string_view text) const;
    /// Whether there is anything to shorten.
    static bool any_in(std::string_view text);

private:
    std::size_t digits_;
};

/// `argument` as a POSIX shell reads it back: quoted only where it must be.
std::string shell_word(std::string_view argument);

}  // namespace rollbackd
