// Text as a terminal shows it: outside text made harmless, columns counted, lines cut and wrapped.
// Everything the daemon or a file says passes through clean() or clean_block() before a person
// reads it, so that no log line or branch name can move a cursor or forge a line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rollbackd::cli {

inline constexpr std::size_t shown_text_max = 64 * 1024;

/// One line: control characters, C1 codes, direction marks and broken UTF-8 as \xNN, line ends and
/// tabs as a space.
std::string clean(std::string_view text);
/// The same, keeping line ends: for reports and evidence.
std::string clean_block(std::string_view text);

/// Columns `text` takes on a terminal: wide characters count two, combining marks none.
std::size_t width_of(std::string_view text);
/// `text`, at most `width` columns, ending in "…" where something was left out.
std::string cut(std::string_view text, std::size_t width);
/// `text` filled up with spaces to `width` columns.
std::string padded(std::string text, std::size_t width, bool right_aligned = false);
/// `text` broken at spaces into lines of at most `width` columns; a longer word is broken too.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

/// "1 step", "2 steps".
std::string counted(std::size_t count, std::string_view noun);

}  // namespace rollbackd::cli
