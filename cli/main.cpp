// rollbackctl: the streams and signals of the process, and nothing else.
#include "cli/app.hpp"

#include <csignal>
#include <exception>
#include <iostream>

int main(int argc, char** argv) {
    // A peer or a pager that goes away is an error of that write, not the end of the process.
    (void)std::signal(SIGPIPE, SIG_IGN);
    std::ios::sync_with_stdio(false);
    try {
        auto terminal = rollbackd::cli::standard_terminal();
        return rollbackd::cli::run_command_line({argv + 1, argv + argc}, terminal);
    } catch (std::exception const& surprise) {
        std::cerr << "rollbackctl: a surprise inside the program: " << surprise.what() << '\n';
        return 1;
    }
}
