#include "cli/table.hpp"

#include "cli/text.hpp"
#include "cli/view.hpp"
#include "tests/catch.hpp"

#include <sstream>

using namespace rollbackd::cli;

namespace {

std::vector<std::string> printed(Table const& table, std::size_t width, bool colour = false) {
    std::ostringstream out;
    std::istringstream in;
    Terminal const terminal{out, out, in, false, false, width, colour, {}};
    table.print(terminal, 2);
    std::vector<std::string> lines;
    std::istringstream text(out.str());
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
}

Table wide_table() {
    Table table(
        {{"ID", 6, 0},
         {"STATE", 6, 0},
         {"WHEN", 20, 1},
         {"TOOK", 6, 2, true},
         {"WHY", 16, 3, false, true}}
    );
    table.add(
        {{"INC-7"},
         {"frozen", Colour::red},
         {"2026-01-31 12:00:00Z"},
         {"4.2 s"},
         {"failure_ratio(requests, 5m) 4.1 % > 1 %, of 220 requests 日本語 and many more words"}}
    );
    table.add({{"INC-12345"}, {"open"}, {""}, {"12 min 3 s"}, {std::string(300, 'x')}});
    return table;
}

}  // namespace

TEST_CASE("no line of a table is wider than the terminal") {
    auto const width = GENERATE(40U, 60U, 80U, 200U);
    for (auto const& line : printed(wide_table(), width)) {
        INFO(line);
        CHECK(width_of(line) <= width);
        CHECK_FALSE(line.ends_with(' '));
    }
}

TEST_CASE("what does not fit is left out by importance, never the columns that must stay") {
    auto const head_at = [](std::size_t width) { return printed(wide_table(), width).front(); };
    CHECK(head_at(200).find("WHEN") != std::string::npos);
    CHECK(head_at(60).find("WHY") != std::string::npos);
    CHECK(head_at(40).find("WHEN") == std::string::npos);
    CHECK(head_at(40).find("ID") != std::string::npos);
    CHECK(head_at(40).find("STATE") != std::string::npos);
}

TEST_CASE("columns stand under their titles, numbers at their right") {
    Table table({{"NAME", 4, 0}, {"EXIT", 4, 0, true}, {"END", 3, 0}});
    table.add({{"größe"}, {"1"}, {"x"}});
    table.add({{"a"}, {"127"}, {"y"}});
    CHECK(
        printed(table, 80) ==
        std::vector<std::string>{
            "  NAME   EXIT  END",
            "  größe     1  x",
            "  a       127  y",
        }
    );
}

TEST_CASE("colour changes no column and is absent unless wanted") {
    auto const plain = printed(wide_table(), 80);
    auto const coloured = printed(wide_table(), 80, true);
    REQUIRE(plain.size() == coloured.size());
    std::string all;
    for (std::size_t i = 0; i < plain.size(); ++i) {
        std::string bare;
        for (std::size_t at = 0; at < coloured[i].size(); ++at) {
            if (coloured[i][at] == '\x1b') {
                at = coloured[i].find('m', at);
            } else {
                bare.push_back(coloured[i][at]);
            }
        }
        CHECK(bare == plain[i]);
        all += coloured[i];
        CHECK(plain[i].find('\x1b') == std::string::npos);
    }
    CHECK(all.find("\x1b[31mfrozen") != std::string::npos);
}

TEST_CASE("a label with a long name in it leaves room for what it says, on lines of their own") {
    std::ostringstream out;
    std::istringstream in;
    Terminal const terminal{out, out, in, false, false, 60, false, {}};
    std::string const label =
        "customer-facing-checkout's restore-yesterdays-database could not be run:";
    print_field(
        terminal, label, "pg_restore is not installed on this machine, see docs/steps.md", 0
    );
    std::istringstream lines(out.str());
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count) CHECK(width_of(line) <= 60);
    CHECK(count == 4);
    CHECK(out.str().find("  pg_restore is not installed") != std::string::npos);
}
