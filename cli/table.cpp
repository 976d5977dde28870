#include "cli/table.hpp"

#include "cli/text.hpp"
#include "core/ensure.hpp"

#include <algorithm>
#include <numeric>
#include <ostream>

namespace rollbackd::cli {

namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t cell_lines_max = 6;

std::size_t total_of(std::vector<std::size_t> const& widths) {
    std::size_t shown = 0;
    std::size_t sum = 0;
    for (auto const width : widths) {
        if (width == 0) continue;
        sum += width;
        ++shown;
    }
    return shown == 0 ? 0 : sum + gap * (shown - 1);
}

std::vector<std::string> lines_of(Cell const& cell, Column const& column, std::size_t width) {
    if (!column.wraps) return {cut(cell.text, width)};
    auto lines = wrap(cell.text, width);
    if (lines.size() > cell_lines_max) {
        lines.resize(cell_lines_max);
        lines.back() = cut(lines.back() + " …", width);
    }
    return lines;
}

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::add(std::vector<Cell> cells) {
    ensure(cells.size() <= columns_.size(), "a table row has no more cells than columns");
    cells.resize(columns_.size());
    rows_.push_back(std::move(cells));
}

std::vector<std::size_t> Table::fit(std::size_t width) const {
    std::vector<std::size_t> widths(columns_.size());
    std::vector<std::size_t> least(columns_.size());
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        widths[i] = width_of(columns_[i].title);
        for (auto const& row : rows_) widths[i] = std::max(widths[i], width_of(row[i].text));
        least[i] = std::min(widths[i], columns_[i].width_least);
    }
    // Leave out what cannot be shown even at its least, the least important first.
    while (total_of(least) > width) {
        std::size_t victim = columns_.size();
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            if (least[i] == 0 || columns_[i].keep == 0) continue;
            if (victim == columns_.size() || columns_[i].keep <= columns_[victim].keep) victim = i;
        }
        if (victim == columns_.size()) break;
        least[victim] = widths[victim] = 0;
    }
    // Then take from the widest until it fits: short columns stay whole.
    while (total_of(widths) > width) {
        std::size_t widest = columns_.size();
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            if (widths[i] <= least[i]) continue;
            if (widest == columns_.size() || widths[i] > widths[widest]) widest = i;
        }
        if (widest == columns_.size()) break;
        --widths[widest];
    }
    return widths;
}

void Table::print(Terminal const& terminal, std::size_t indent) const {
    auto const widths = fit(terminal.width > indent ? terminal.width - indent : 1);
    auto const line = [&](std::vector<Cell> const& cells, std::vector<std::string> const& texts) {
        std::string out(indent, ' ');
        std::size_t trailing = 0;
        for (std::size_t i = 0; i < texts.size(); ++i) {
            if (widths[i] == 0) continue;
            if (texts[i].empty()) {
                trailing += widths[i] + gap;
                continue;
            }
            auto const whole = padded(texts[i], widths[i], columns_[i].right_aligned);
            auto const lead = columns_[i].right_aligned ? whole.size() - texts[i].size() : 0;
            out += std::string(trailing + lead, ' ') + terminal.paint(texts[i], cells[i].colour);
            trailing = whole.size() - texts[i].size() - lead + gap;
        }
        terminal.out << cut(out, terminal.colour ? out.size() : terminal.width) << '\n';
    };
    std::vector<Cell> head;
    std::vector<std::string> titles;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        head.push_back({columns_[i].title, Colour::dim});
        titles.push_back(cut(columns_[i].title, widths[i]));
    }
    line(head, titles);
    for (auto const& row : rows_) {
        std::vector<std::vector<std::string>> parts;
        std::size_t height = 1;
        for (std::size_t i = 0; i < row.size(); ++i) {
            parts.push_back(
                widths[i] == 0 ? std::vector<std::string>{}
                               : lines_of(row[i], columns_[i], widths[i])
            );
            height = std::max(height, parts.back().size());
        }
        for (std::size_t y = 0; y < height; ++y) {
            std::vector<std::string> texts;
            for (auto const& part : parts) texts.push_back(y < part.size() ? part[y] : "");
            line(row, texts);
        }
    }
}

}  // namespace rollbackd::cli
