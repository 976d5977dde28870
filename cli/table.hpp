// A table that always fits: columns shrink to what they need, then to their minimum, then the least
// important ones are left out. No line is ever wider than the terminal.
#pragma once

#include "cli/terminal.hpp"

#include <vector>

namespace rollbackd::cli {

struct Column {
    std::string title;
    std::size_t width_least = 4;  // narrower than this it is left out instead
    int keep = 1;                 // columns with the lowest go first; 0: never left out
    bool right_aligned = false;
    bool wraps = false;  // long cells continue on the next line instead of being cut
};

struct Cell {
    std::string text;  // already clean
    Colour colour = Colour::none;
};

class Table {
public:
    explicit Table(std::vector<Column> columns);

    /// Missing cells are empty; `ensure`d not to be too many.
    void add(std::vector<Cell> cells);
    bool empty() const { return rows_.empty(); }
    void print(Terminal const& terminal, std::size_t indent = 0) const;

private:
    std::vector<std::size_t> fit(std::size_t width) const;

    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

}  // namespace rollbackd::cli
