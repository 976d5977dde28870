// The whole command line as one function, so that tests run it as users do.
#pragma once

#include "cli/command.hpp"

namespace rollbackd::cli {

/// Parses `arguments` (without the program's name), carries the command out, answers the exit code.
int run_command_line(std::vector<std::string> const& arguments, Terminal& terminal);

/// Help of the whole program, or of one command, `width` columns wide.
std::string help(std::size_t width);
std::string help(Command const& command, std::size_t width);
/// docs/cli.md, made from the same table.
std::string reference();

}  // namespace rollbackd::cli
