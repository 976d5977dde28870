// Where a command writes and what it may assume about it: made once by main from the real streams,
// or by a test from strings. Colour is used only on a terminal, never with NO_COLOR set.
#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

namespace rollbackd::cli {

enum class Colour { none, red, green, yellow, blue, bold, dim };

struct Terminal {
    std::ostream& out;
    std::ostream& err;
    std::istream& in;
    bool out_is_tty = false;
    bool in_is_tty = false;
    std::size_t width = 80;  // columns a line may take
    bool colour = false;
    std::function<std::optional<std::string>(char const*)> environment;

    std::string paint(std::string_view text, Colour colour_wanted) const;
};

/// The process's own streams; width from the terminal, then COLUMNS, else 100 (wide enough for a
/// log, narrow enough to read).
Terminal standard_terminal();

inline constexpr std::size_t width_min = 40;
inline constexpr std::size_t width_max = 200;

}  // namespace rollbackd::cli
