// Completion and manual pages, as text; tests/e2e/test_shells.py gives them to the real programs.
#include "cli/app.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/run_cli.hpp"

using namespace rollbackd::cli;
using namespace rollbackd::cli::test;

namespace {

bool holds(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

std::string script(std::string const& shell) {
    auto const ran = run_cli({"completion", shell});
    REQUIRE(ran.exit == 0);
    return ran.out;
}

}  // namespace

TEST_CASE("each script knows every command") {
    for (auto const& command : commands()) {
        CHECK(holds(script("bash"), "'" + command.name + "')"));
        CHECK(holds(script("zsh"), "'" + command.name + "')"));
        CHECK(holds(script("fish"), " -a " + command.name.substr(0, command.name.find(' '))));
    }
    CHECK(script("zsh").starts_with("#compdef rollbackctl"));
}

TEST_CASE("another shell is refused") {
    auto const ran = run_cli({"completion", "csh"});
    CHECK(ran.exit == 2);
    CHECK(holds(ran.err, "bash, zsh or fish"));
}

TEST_CASE("the manual pages say what --help says, and nothing in them is a request by mistake") {
    Around around;
    around.typed =
        "usage: rollbackd [--config FILE]\n  --config FILE  the policy\n  --check  check it\n";
    auto const pages = {run_cli({"--manual"}), run_cli({"--manual-of-daemon"}, around)};
    CHECK(holds(pages.begin()[1].out, ".TP\n\\fB\\-\\-config FILE\\fR\nthe policy\n"));
    for (auto const& command : commands()) {
        std::string name = command.name;
        for (auto at = name.find('-'); at != name.npos; at = name.find('-', at + 2)) {
            name.insert(at, "\\");
        }
        CHECK(holds(pages.begin()->out, ".SS \"" + name + "\""));
    }
}
