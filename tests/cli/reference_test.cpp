// docs/cli.md, --help and the parser say the same, because they come from one table.
#include "cli/app.hpp"
#include "cli/text.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/run_cli.hpp"

#include <fstream>
#include <set>
#include <sstream>

using namespace rollbackd::cli;
using namespace rollbackd::cli::test;

namespace {

std::vector<std::string> words_of(std::string const& text) {
    std::istringstream in(text);
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    return words;
}

}  // namespace

TEST_CASE("docs/cli.md is what the program says of itself") {
    std::ifstream file(ROLLBACKD_SOURCE_DIR "/docs/cli.md");
    std::ostringstream text;
    text << file.rdbuf();
    INFO("write it anew: rollbackctl --reference > docs/cli.md");
    CHECK(text.str() == run_cli({"--reference"}).out);
}

TEST_CASE("each command answers --help with its usage, arguments and example") {
    for (auto const& command : commands()) {
        auto words = words_of(command.name);
        words.push_back("--help");
        auto const ran = run_cli(words);
        INFO(command.name << ran.err);
        CHECK(ran.exit == 0);
        CHECK(ran.out.starts_with("Usage: rollbackctl " + command.name));
        std::istringstream lines(ran.out.substr(0, ran.out.find("Example:")));
        for (std::string line; std::getline(lines, line);) CHECK(width_of(line) <= 100);
        for (auto const& argument : command.arguments) {
            CHECK(ran.out.find(argument.name) != std::string::npos);
        }
        CHECK(ran.out.find(command.example) != std::string::npos);
    }
}

TEST_CASE("the whole help names every command and fits the terminal") {
    auto const width = GENERATE(60U, 80U, 200U);
    Around around;
    around.width = width;
    auto const ran = run_cli({"--help"}, around);
    CHECK(ran.exit == 0);
    for (auto const& command : commands()) {
        CHECK(ran.out.find("  " + command.name + " ") != std::string::npos);
    }
    std::istringstream lines(ran.out);
    for (std::string line; std::getline(lines, line);) {
        INFO(line);
        CHECK(width_of(line) <= width);
    }
}

TEST_CASE("the commands of the design are all there") {
    std::set<std::string> names;
    for (auto const& command : commands()) names.insert(command.name);
    for (auto const* name :
         {"status",  "services", "incidents", "show",          "explain",  "report", "raise",
          "run",     "approve",  "reject",    "ack",           "resolve",  "abort",  "confirm",
          "verdict", "deploy",   "versions",  "gate",          "release",  "pause",  "resume",
          "silence", "watch",    "check",     "test",          "backtest", "drill",  "runbook",
          "import",  "init",     "token new", "journal verify"}) {
        INFO(name);
        CHECK(names.contains(name));
    }
}

TEST_CASE("every example is a command line the parser takes") {
    for (auto const& command : commands()) {
        if (command.example.empty()) continue;
        CHECK(command.example.starts_with("rollbackctl " + command.name));
    }
}

TEST_CASE("the version is said on standard output") {
    auto const ran = run_cli({"--version"});
    CHECK(ran.exit == 0);
    CHECK(ran.out == "rollbackctl " ROLLBACKD_VERSION "\n");
}
