#include "cli/narrator.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/fake_daemon.hpp"
#include "tests/cli/support/run_cli.hpp"

using namespace rollbackd;
using namespace rollbackd::cli;
using namespace rollbackd::cli::test;

namespace {

std::string event(int id, std::string const& kind, std::string const& body) {
    return "id: " + std::to_string(id) + "\nevent: " + kind +
           "\ndata: {\"seq\":" + std::to_string(id) + ",\"at\":\"2026-01-31T12:00:0" +
           std::to_string(id % 10) + "Z\",\"kind\":\"" + kind + "\",\"body\":" + body + "}\n\n";
}

constexpr char const* opened =
    R"json({"incident":{"id":"INC-7","service":"shop","severity":"P0",)json"
    R"json("triggers":[{"trigger":"errors","evaluation":{"why":"4 > 3"}}]}})json";

Reply stream(std::string const& events) {
    return {200, "", "", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + events};
}

}  // namespace

TEST_CASE("watch tells each event in plain words and ends after --count lines") {
    FakeDaemon daemon([](Seen const&) {
        return stream(
            ": hello\n\n" + event(1, "incident.opened", opened) +
            event(2, "incident.asked", R"({"id":"INC-7"})") +
            event(
                3, "incident.state",
                R"("{\"id\":\"INC-7\",\"state\":\"acting\",\"why\":\"by policy\"}")"
            ) +
            event(4, "incident.resolved", R"({"id":"INC-7"})")
        );
    });
    auto const ran = run_cli_at(daemon.url(), {"watch", "--from", "0", "--count", "2"});
    CHECK(ran.exit == 0);
    CHECK(
        ran.out ==
        "2026-01-31 12:00:01Z  INC-7 (shop) opened, P0: errors (4 > 3)\n"
        "2026-01-31 12:00:03Z  INC-7 (shop) is acting: by policy\n"
    );
    auto const seen = daemon.only();
    CHECK(seen.line() == "GET /v1/events");
    CHECK(seen.header("last-event-id") == "0");
    CHECK(seen.header("accept") == "text/event-stream");
}

TEST_CASE("a lost connection is taken up after the last event seen") {
    int calls = 0;
    FakeDaemon daemon([&](Seen const& seen) {
        if (seen.target == "/v1/status") return Reply{200, R"({"journal":{"seq":3}})"};
        ++calls;
        if (calls == 1) return stream(event(4, "incident.acked", R"({"id":"INC-7","by":"eve"})"));
        if (calls == 2) return Reply{200, "", "", "", true};
        return stream(event(5, "incident.resolved", R"({"id":"INC-7"})"));
    });
    auto const ran = run_cli_at(daemon.url(), {"watch", "--count", "2"});
    CHECK(ran.exit == 0);
    CHECK(ran.out.find("acknowledged by eve") != std::string::npos);
    CHECK(ran.out.find("is resolved") != std::string::npos);
    CHECK(ran.err.find("connection is lost") != std::string::npos);
    CHECK(ran.err.find("connected again") != std::string::npos);
    auto const seen = daemon.seen();
    REQUIRE(seen.size() == 4);
    CHECK(seen[1].header("last-event-id") == "3");
    CHECK(seen[2].header("last-event-id") == "4");
    CHECK(seen[3].header("last-event-id") == "4");
}

TEST_CASE("a record that cannot be read is said to be so") {
    FakeDaemon daemon([](Seen const&) {
        return stream("id: 9\nevent: incident.opened\ndata: {broken\n\n");
    });
    auto const ran = run_cli_at(daemon.url(), {"watch", "--count", "1", "--from", "0"});
    CHECK(ran.exit == 0);
    CHECK(ran.out.find("incident.opened: its record cannot be read") != std::string::npos);
}

TEST_CASE("with --json each event is one line of JSON") {
    FakeDaemon daemon([](Seen const&) { return stream(event(1, "x.y", R"({"a":"b"})")); });
    auto const ran = run_cli_at(daemon.url(), {"watch", "--json", "--count", "1", "--from", "0"});
    auto const line = parse_json(ran.out.substr(0, ran.out.find('\n')));
    REQUIRE(line);
    CHECK(text_of(*line, "id") == "1");
    CHECK(text_of(*line, "event") == "x.y");
    CHECK(line->at_pointer("/data/body/a") == "b");
}

TEST_CASE("a run is told by its playbook and its steps by their names") {
    Narrator narrator;
    CHECK(
        narrator.tell("run.planned", *parse_json(R"({"run":{"id":"RUN-9","incident":"INC-7",
            "reason":"errors is true","plan":{"playbook":"code-rollback","target":"v1"},
            "steps":[{"n":1,"name":"evidence"},{"n":2,"name":"checkout"}]}})")) ==
        "RUN-9 code-rollback to v1 (INC-7) is planned: errors is true"
    );
    CHECK(
        narrator.tell("step.intent", *parse_json(R"({"run":"RUN-9","n":2})")) ==
        "RUN-9 code-rollback to v1 (INC-7): step 2 of 2, checkout: starts"
    );
    CHECK(
        narrator.tell(
            "step.ended", *parse_json(R"({"run":"RUN-9","n":2,"state":"failed","exit":128})")
        ) == "RUN-9 code-rollback to v1 (INC-7): step 2 of 2, checkout: failed (exit 128)"
    );
    CHECK(narrator.tell("run.started", *parse_json(R"({"run":"RUN-1"})")) == "RUN-1 started");
}

TEST_CASE("a record of a kind this version does not know is still told, and harmless") {
    Narrator narrator;
    CHECK(narrator.tell("new.kind\x1b[2J", Json(nullptr)) == "new.kind\\x1b[2J");
    CHECK(
        narrator.tell(
            "incident.acked", *parse_json(R"({"id":"INC-7","by":"\u001b[2Jeve\nINC-8"})")
        ) == "INC-7 was acknowledged by \\x1b[2Jeve INC-8"
    );
}
