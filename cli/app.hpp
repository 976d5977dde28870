// The whole command line as one function, so that tests run it as users do.
#pragma once

#include "cli/command.hpp"

namespace rollbackd::cli {

/// Parses `arguments` (without the program's name), carries the command out, answers the exit code.
int run_command_line(std::vector<std::string> const& arguments, Terminal& terminal);

/// Help of the whole program, or of one command, `width` columns wide.
std::string help(std::size_t width);
std::string help(Command const& command, std::size_t width);
/// Exit codes and what they say.
std::vector<std::pair<std::string, std::string>> const& exit_codes();
/// rollbackctl(1) and, around the daemon's own --help, rollbackd(8): pages for man.
std::string manual();
std::string daemon_manual(std::string const& usage);
/// docs/cli.md, made from the same table.
std::string reference();

}  // namespace rollbackd::cli
