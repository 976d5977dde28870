#include "cli/importing/markdown.hpp"

#include "cli/text.hpp"
#include "core/names.hpp"

#include <algorithm>

namespace rollbackd::cli {

namespace {

std::string_view trimmed(std::string_view text) {
    auto const from = text.find_first_not_of(" \t\r");
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
}

/// One line that no YAML reader takes for two, and no terminal for a command.
std::string harmless(std::string_view text) {
    auto const kept =
        printable_line(clean(trimmed(text.substr(0, runbook_line_max))), runbook_line_max);
    std::string out;
    for (std::size_t i = 0; i < kept.size(); ++i) {
        auto const three = std::string_view(kept).substr(i, 3);
        bool const separator = three == "\xe2\x80\xa8" || three == "\xe2\x80\xa9";
        out.push_back(separator ? ' ' : kept[i]);
        if (separator) i += 2;
    }
    return out;
}

/// "**bold**" and "`code`" as the words they are.
std::string without_marks(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        bool const pair = text.substr(i, 2) == "**" || text.substr(i, 2) == "__";
        if (pair) ++i;
        if (pair || text[i] == '`') continue;
        out.push_back(text[i]);
    }
    return std::string(trimmed(out));
}

std::vector<std::string> cells_of(std::string_view row) {
    std::vector<std::string> cells;
    row.remove_prefix(1);
    while (!row.empty()) {
        auto const bar = row.find('|');
        cells.push_back(without_marks(harmless(row.substr(0, bar))));
        if (bar == std::string_view::npos) break;
        row.remove_prefix(bar + 1);
    }
    if (!cells.empty() && cells.back().empty()) cells.pop_back();
    return cells;
}

bool is_rule(std::string_view text) {
    return text.size() >= 3 && text.find_first_not_of("-=_*| :") == std::string_view::npos;
}

/// "1. ", "12) ": how long the mark is; 0: none.
std::size_t number_mark(std::string_view text) {
    auto const digits = text.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos || digits > 3) return 0;
    bool const mark = text[digits] == '.' || text[digits] == ')';
    return mark && text.substr(digits + 1).starts_with(' ') ? digits + 2 : 0;
}

bool is_bullet(std::string_view text) {
    return text.starts_with("- ") || text.starts_with("* ") || text.starts_with("+ ");
}

bool is_box(std::string_view text) {
    return text.size() >= 3 && text[0] == '[' && text[2] == ']' &&
           std::string_view(" xX").find(text[1]) != std::string_view::npos;
}

MarkdownLine line_of(std::string_view text) {
    using Kind = MarkdownLine::Kind;
    MarkdownLine line;
    auto const hashes = text.find_first_not_of('#');
    bool const heading = hashes != 0 && hashes != text.npos && hashes <= 6 && text[hashes] == ' ';
    if (heading) {
        line.kind = Kind::heading;
        line.level = int(hashes);
        text.remove_prefix(hashes);
    } else if (text.starts_with('|')) {
        line.kind = Kind::row;
        line.cells = cells_of(text);
    } else if (auto const mark = number_mark(text); mark > 0) {
        line.kind = Kind::step;
        text.remove_prefix(mark);
    } else if (is_bullet(text)) {
        text.remove_prefix(2);
    }
    auto const rest = trimmed(text);
    if (!heading && line.kind != Kind::row && is_box(rest)) {
        line.kind = Kind::check;
        text = rest.substr(3);
    }
    line.text = line.kind == Kind::row ? harmless(text) : without_marks(harmless(text));
    return line;
}

}  // namespace

std::vector<MarkdownLine> read_markdown(std::string_view text) {
    std::vector<MarkdownLine> out;
    std::string fence;  // that ends the block; empty: outside
    for (int number = 1; !text.empty(); ++number) {
        auto const end = std::min(text.find('\n'), text.size());
        auto const raw = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        bool const mark = raw.starts_with("```") || raw.starts_with("~~~");
        if (mark && (fence.empty() || raw.starts_with(fence))) {
            fence = fence.empty() ? std::string(raw.substr(0, 3)) : "";
            continue;
        }
        if (raw.empty() || (fence.empty() && is_rule(raw))) continue;
        MarkdownLine line;
        if (fence.empty()) {
            line = line_of(raw);
        } else {
            line.kind = MarkdownLine::Kind::command;
            line.text = harmless(raw);
        }
        line.number = number;
        if (!line.text.empty()) out.push_back(std::move(line));
    }
    return out;
}

}  // namespace rollbackd::cli
