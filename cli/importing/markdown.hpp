// A runbook's Markdown, line by line: what kind of thing each one is. Only what an importer needs;
// nothing is rendered, and nothing is left out. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rollbackd::cli {

struct MarkdownLine {
    enum class Kind { heading, command, check, step, row, prose };
    Kind kind = Kind::prose;
    int number = 0;                  // from 1
    int level = 0;                   // of a heading
    std::string text;                // without its mark, on one line, harmless to show
    std::vector<std::string> cells;  // of a row
};

/// Blank lines, fences and the rule under a table's head say nothing and are left out.
std::vector<MarkdownLine> read_markdown(std::string_view text);

inline constexpr std::size_t runbook_bytes_max = 1024 * 1024;
inline constexpr std::size_t runbook_line_max = 2000;  // bytes of one line that are kept

}  // namespace rollbackd::cli
