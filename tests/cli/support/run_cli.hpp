// Runs rollbackctl in this process, as a user would, with streams and environment of the test.
#pragma once

#include "cli/terminal.hpp"

#include <map>
#include <vector>

namespace rollbackd::cli::test {

struct Ran {
    int exit = -1;
    std::string out;
    std::string err;
};

struct Around {
    std::size_t width = 100;
    bool tty = false;
    bool colour = false;
    std::string typed;  // standard input
    std::map<std::string, std::string> environment;
};

Ran run_cli(std::vector<std::string> const& arguments, Around const& around = {});
/// With ROLLBACKD_URL set to `url`.
Ran run_cli_at(
    std::string const& url, std::vector<std::string> const& arguments, Around around = {}
);

}  // namespace rollbackd::cli::test
