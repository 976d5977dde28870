#include "tests/cli/support/run_cli.hpp"

#include "cli/app.hpp"

#include <sstream>

namespace rollbackd::cli::test {

Ran run_cli(std::vector<std::string> const& arguments, Around const& around) {
    std::ostringstream out;
    std::ostringstream err;
    std::istringstream in(around.typed);
    Terminal terminal{
        .out = out,
        .err = err,
        .in = in,
        .out_is_tty = around.tty,
        .in_is_tty = around.tty,
        .width = around.width,
        .colour = around.colour,
        .environment = [&](char const* name) -> std::optional<std::string> {
            auto const found = around.environment.find(name);
            if (found == around.environment.end()) return std::nullopt;
            return found->second;
        },
    };
    int const exit = run_command_line(arguments, terminal);
    return {exit, out.str(), err.str()};
}

Ran run_cli_at(std::string const& url, std::vector<std::string> const& arguments, Around around) {
    around.environment["ROLLBACKD_URL"] = url;
    return run_cli(arguments, around);
}

}  // namespace rollbackd::cli::test
