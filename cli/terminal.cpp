#include "cli/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>
#include <algorithm>
#include <cstdlib>
#include <iostream>

namespace rollbackd::cli {

namespace {

std::string_view code_of(Colour colour) {
    switch (colour) {
        case Colour::none:
            return "";
        case Colour::red:
            return "31";
        case Colour::green:
            return "32";
        case Colour::yellow:
            return "33";
        case Colour::blue:
            return "34";
        case Colour::bold:
            return "1";
        case Colour::dim:
            return "2";
    }
    return "";
}

std::optional<std::string> from_process(char const* name) {
    char const* const value = std::getenv(name);
    if (value == nullptr) return std::nullopt;
    return std::string(value);
}

std::size_t columns_of_terminal() {
    winsize size{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    if (auto const columns = from_process("COLUMNS")) {
        auto const number = std::strtoul(columns->c_str(), nullptr, 10);
        if (number > 0) return number;
    }
    return 100;
}

}  // namespace

std::string Terminal::paint(std::string_view text, Colour colour_wanted) const {
    if (!colour || colour_wanted == Colour::none) return std::string(text);
    return "\x1b[" + std::string(code_of(colour_wanted)) + "m" + std::string(text) + "\x1b[0m";
}

Terminal standard_terminal() {
    bool const out_is_tty = isatty(STDOUT_FILENO) == 1;
    auto const no_colour = from_process("NO_COLOR");
    bool const refused = no_colour && !no_colour->empty();
    bool const dumb = from_process("TERM").value_or("") == "dumb";
    return Terminal{
        .out = std::cout,
        .err = std::cerr,
        .in = std::cin,
        .out_is_tty = out_is_tty,
        .in_is_tty = isatty(STDIN_FILENO) == 1,
        .width = std::clamp(columns_of_terminal(), width_min, width_max),
        .colour = out_is_tty && !refused && !dumb,
        .environment = from_process,
    };
}

}  // namespace rollbackd::cli
