// Approving: nothing is sent before its consequences were shown, and on a terminal agreed to.
#include "core/json.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/fake_daemon.hpp"
#include "tests/cli/support/run_cli.hpp"

using namespace rollbackd;
using namespace rollbackd::cli::test;

namespace {

constexpr char const* losing = R"json({"id":"INC-7","state":"waiting","runs":[{"id":"RUN-2",
    "playbook":"restore","target":"v1","state":"waiting","plan":"abc","undoes":"data",
    "data_loss":"certain","data_loss_window":"changes since 2026-01-31T12:00:00Z (42 min)",
    "steps":[{"n":1,"name":"dump"},{"n":2,"name":"restore-copy"}]}]})json";

Answering daemon_with(std::string const& incident) {
    return by_line(
        {{"GET /v1/incidents/INC-7", {200, incident}},
         {"POST /v1/incidents/INC-7/approve",
          {200, R"({"id":"RUN-2","playbook":"restore","target":"v1","state":"running"})"}}}
    );
}

}  // namespace

TEST_CASE("approve spells out what is lost, the steps and the target") {
    FakeDaemon daemon(daemon_with(losing));
    auto const ran = run_cli_at(daemon.url(), {"approve", "INC-7", "--yes"});
    CHECK(ran.exit == 0);
    CHECK(ran.out.find("restore to v1") != std::string::npos);
    CHECK(
        ran.out.find("DATA WILL BE LOST: changes since 2026-01-31T12:00:00Z (42 min)") !=
        std::string::npos
    );
    CHECK(ran.out.find("dump, restore-copy") != std::string::npos);
    CHECK(ran.out.find("RUN-2 (restore to v1) is running") != std::string::npos);
}

TEST_CASE("on a terminal only y approves") {
    auto const [typed, exit, calls] = GENERATE(table<std::string, int, std::size_t>(
        {{"y\n", 0, 2}, {"n\n", 1, 1}, {"\n", 1, 1}, {"", 1, 1}, {"yep\n", 1, 1}}
    ));
    FakeDaemon daemon(daemon_with(losing));
    Around around;
    around.tty = true;
    around.typed = typed;
    auto const ran = run_cli_at(daemon.url(), {"approve", "INC-7"}, around);
    CHECK(ran.exit == exit);
    CHECK(daemon.seen().size() == calls);
    CHECK(ran.err.find("[y/N]") != std::string::npos);
}

TEST_CASE("with --yes nothing is asked") {
    FakeDaemon daemon(daemon_with(losing));
    Around around;
    around.tty = true;
    auto const ran = run_cli_at(daemon.url(), {"approve", "INC-7", "--yes"}, around);
    CHECK(ran.exit == 0);
    CHECK(ran.err.empty());
}

TEST_CASE("without a terminal the command itself is the decision, and says what is lost") {
    FakeDaemon daemon(daemon_with(losing));
    auto const ran = run_cli_at(daemon.url(), {"approve", "INC-7"});
    CHECK(ran.exit == 0);
    CHECK(ran.out.find("DATA WILL BE LOST") != std::string::npos);
    CHECK(daemon.seen().size() == 2);
}

TEST_CASE("with --json the consequences do not spoil standard output") {
    FakeDaemon daemon(daemon_with(losing));
    auto const ran = run_cli_at(daemon.url(), {"approve", "INC-7", "--json", "--yes"});
    CHECK(ran.exit == 0);
    CHECK(parse_json(ran.out));
    CHECK(ran.err.find("DATA WILL BE LOST") != std::string::npos);
}

TEST_CASE("a second approve names the run that is already on") {
    FakeDaemon daemon(daemon_with(
        R"({"id":"INC-7","state":"acting","runs":[{"id":"RUN-2","state":"running","plan":"abc"}]})"
    ));
    CHECK(run_cli_at(daemon.url(), {"approve", "INC-7"}).exit == 0);
    CHECK(*parse_json(daemon.seen().back().body) == *parse_json(R"({"plan":"abc"})"));
}

TEST_CASE("where nothing waits, nothing is sent") {
    FakeDaemon daemon(daemon_with(R"({"id":"INC-7","state":"open","runs":[]})"));
    auto const ran = run_cli_at(daemon.url(), {"approve", "INC-7"});
    CHECK(ran.exit == 1);
    CHECK(ran.err.find("no plan waits") != std::string::npos);
    CHECK(daemon.seen().size() == 1);
}
