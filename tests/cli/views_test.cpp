// What people see: within the terminal's width, without colour unless on a terminal, and with
// outside text made harmless.
#include "cli/text.hpp"
#include "core/json.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/fake_daemon.hpp"
#include "tests/cli/support/run_cli.hpp"

#include <sstream>

using namespace rollbackd;
using namespace rollbackd::cli;
using namespace rollbackd::cli::test;

namespace {

constexpr char const* incident =
    R"json({"id":"INC-7","service":"shop","state":"frozen","severity":"P0",
  "summary":"P0 shop: errors (failure_ratio(requests, 5m) 4.1 % > 1 %, of 220), for some users",
  "did":"ran payments-off (RUN-2), which was interrupted: step 2 ended unknown \u001b[2J",
  "next":"nothing by itself: the service is frozen until a person takes over",
  "must":"find out whether step 2 took effect, then: rollbackctl confirm INC-7 2",
  "command":"rollbackctl confirm INC-7 2",
  "opened_at":"2026-01-31T12:00:00.25Z","acted_at":"2026-01-31T12:00:01Z","resolved_at":null,
  "triggers":[{"name":"errors","verdict":"true","why":"failure_ratio(requests, 5m) 4.1 % > 1 %, of 220",
    "since":"2026-01-31T11:59:58Z"}],
  "refusals":[{"guard":"no_target","letter":"d","playbook":"code-rollback",
    "text":"no known-good version; record one with: rollbackctl deploy shop VERSION --known-good"}],
  "runs":[{"id":"RUN-2","playbook":"payments-off","target":null,"state":"interrupted",
    "reason":"errors is true","why":"step 2 ended unknown","data_loss":"possible",
    "data_loss_window":"payments of the last 4 min","started_at":"2026-01-31T12:00:01Z",
    "ended_at":"2026-01-31T12:00:31Z","steps":[
      {"n":1,"name":"capture_evidence-1","type":"capture_evidence","state":"done","exit":0,
       "started_at":"2026-01-31T12:00:01Z","ended_at":"2026-01-31T12:00:02Z","text":""},
      {"n":2,"name":"restart","type":"systemd","state":"unknown","exit":null,
       "started_at":"2026-01-31T12:00:02Z","ended_at":"2026-01-31T12:00:31Z",
       "text":"Connection to web1.example.com \u001b[2Jclosed\nby remote host"}]}],
  "duties":[{"n":1,"name":"tell-users","text":"Tell affected users","state":"open",
    "due_at":"2026-02-03T12:00:00Z"}]})json";

constexpr char const* service = R"json({"name":"shop","autonomy":"enforce","paused":false,
  "frozen_by":"INC-7","current":"v2","target":null,"target_why":"no known-good version",
  "watching":{"version":"v2","until":"2026-01-31T12:30:00Z"},"open_incidents":["INC-7","INC-8"],
  "signals":[{"name":"health","kind":"state","last_value":"failed",
    "last_reason":"refused: \u001b]0;owned\u0007","last_at":"2026-01-31T12:00:00Z","stale":false},
   {"name":"requests","kind":"outcomes","last_value":{"success":97,"failure":3,"neutral":0},
    "last_at":null,"stale":true},
   {"name":"disk","kind":"gauge","last_value":5.209763303312825E-1,"last_at":null,"stale":false},
   {"name":"free","kind":"gauge","last_value":4.92184756E10,"last_at":null,"stale":false}],
  "triggers":[{"name":"down","verdict":"unknown","why":"start_period","severity":"P0",
    "response":"code-rollback, safe-mode"},{"name":"errors","verdict":"true","why":"4 > 3",
    "severity":"P1","response":"alert"}]})json";

constexpr char const* deployments = R"json({"items":[{"version":"v2\u001b[31m","standing":"bad",
  "by":"ci","started_at":"2026-01-31T12:00:00Z","recorded_at":"2026-01-31T12:00:03Z"}]})json";

std::string list_of(std::string const& item) { return "{\"items\":[" + item + "],\"next\":null}"; }

Answering the_daemon() {
    std::string const status =
        R"({"autonomy":"enforce","role":"leader","paused":true,"paused_by":"eve\u001b[0m",)"
        R"("journal":{"writable":false},"open_incidents":[)" +
        std::string(incident) + "]}";
    std::string const reasons =
        "shop/down\n  unknown: start_period\n  health: " + std::string(300, 'x') + "\x1b[2J\n";
    std::string const report = "# INC-7\n\nA \x1b[31mreport\n";
    return by_line(
        {{"GET /v1/status", {200, status}},
         {"GET /v1/incidents?limit=50", {200, list_of(incident)}},
         {"GET /v1/incidents/INC-7", {200, incident}},
         {"GET /v1/services?limit=1000", {200, list_of(service)}},
         {"GET /v1/services/shop", {200, service}},
         {"GET /v1/services/shop/triggers/down/explain", {200, reasons, "text/plain"}},
         {"GET /v1/services/shop/deployments?limit=1000", {200, deployments}},
         {"GET /v1/silences?limit=1000", {200, list_of("")}},
         {"GET /v1/incidents/INC-7/report", {200, report, "text/markdown"}}}
    );
}

std::vector<std::vector<std::string>> const views{
    {"status"},           {"incidents"},        {"show", "INC-7"}, {"services"},
    {"services", "shop"}, {"versions", "shop"}, {"silences"},      {"explain", "shop/down"},
    {"report", "INC-7"},
};

}  // namespace

TEST_CASE("no view is wider than the terminal or steers it") {
    FakeDaemon daemon(the_daemon());
    for (auto const& words : views) {
        for (std::size_t const width : {60U, 80U, 200U}) {
            Around around;
            around.width = width;
            auto const ran = run_cli_at(daemon.url(), words, around);
            INFO(words.front() << " at " << width << "\n" << ran.out << ran.err);
            CHECK(ran.exit == 0);
            CHECK_FALSE(ran.out.empty());
            CHECK(ran.out.find('\x1b') == std::string::npos);
            CHECK(ran.out.find('\x07') == std::string::npos);
            std::istringstream lines(ran.out);
            for (std::string line; std::getline(lines, line);) CHECK(width_of(line) <= width);
        }
    }
}

TEST_CASE("colours come only when wanted, and outside text brings none of its own") {
    FakeDaemon daemon(the_daemon());
    Around around;
    around.colour = true;
    auto const ran = run_cli_at(daemon.url(), {"show", "INC-7"}, around);
    CHECK(ran.out.find("\x1b[31mfrozen\x1b[0m") != std::string::npos);
    CHECK(ran.out.find("\x1b[2J") == std::string::npos);
}

TEST_CASE("status tells each open incident in the order broken, done, next, you") {
    FakeDaemon daemon(the_daemon());
    auto const out = run_cli_at(daemon.url(), {"status"}).out;
    std::size_t at = 0;
    for (auto const* part :
         {"1 open incident", "Paused", "Journal:", "INC-7  P0  shop  frozen",
          "Broken:", "4.1 % > 1 %", "Done:", "ran payments-off", "Next:", "frozen",
          "You:", "rollbackctl confirm INC-7 2"}) {
        INFO(part << "\n" << out);
        at = out.find(part, at);
        REQUIRE(at != std::string::npos);
    }
}

TEST_CASE("status has what waits for somebody first, then the worst, then the oldest") {
    auto const one = [](std::string const& id, std::string const& severity,
                        std::string const& state, std::string const& asks) {
        return R"({"id":")" + id + R"(","severity":")" + severity + R"(","state":")" + state +
               R"(","service":"shop","asks":{"for":")" + asks + R"("}})";
    };
    std::string const status =
        R"({"autonomy":"enforce","open_incidents":[)" + one("INC-1", "P2", "open", "nothing") +
        "," + one("INC-2", "P1", "open", "nothing") + "," +
        one("INC-3", "P1", "waiting", "approval") + "," + one("INC-4", "P0", "open", "nothing") +
        "," + one("INC-5", "P1", "open", "nothing") + "," +
        one("INC-6", "P3", "frozen", "nothing") + "]}";
    FakeDaemon daemon(by_line({{"GET /v1/status", {200, status}}}));
    auto const out = run_cli_at(daemon.url(), {"status"}).out;
    std::size_t at = 0;
    for (auto const* id : {"INC-3 ", "INC-6 ", "INC-4 ", "INC-2 ", "INC-5 ", "INC-1 "}) {
        INFO(id << "\n" << out);
        at = out.find(id, at);
        REQUIRE(at != std::string::npos);
    }
}

TEST_CASE("a list that is cut short says so") {
    auto const cut = "{\"items\":[" + std::string(incident) + "],\"next\":\"INC-7\"}";
    FakeDaemon daemon(by_line({{"GET /v1/incidents?limit=1", {200, cut}}}));
    auto const out = run_cli_at(daemon.url(), {"incidents", "--limit", "1"}).out;
    CHECK(out.find("older ones are left out") != std::string::npos);
}

TEST_CASE("show tells steps with state, exit and duration, refusals with letters, duties") {
    FakeDaemon daemon(the_daemon());
    Around around;
    around.width = 160;
    auto const out = run_cli_at(daemon.url(), {"show", "INC-7"}, around).out;
    for (auto const* part :
         {"Opened:    2026-01-31 12:00:00Z", "after 750 ms", "possible: payments of the last 4 min",
          "29.0 s", "Connection to web1.example.com \\x1b[2Jclosed by remote host",
          "rollbackctl deploy shop", "tell-users: Tell affected users", "2026-02-03 12:00:00Z"}) {
        INFO(part << "\n" << out);
        CHECK(out.find(part) != std::string::npos);
    }
}

TEST_CASE("services tells version, target and true triggers; of one also why it has no target") {
    FakeDaemon daemon(the_daemon());
    Around around;
    around.width = 160;
    auto const all = run_cli_at(daemon.url(), {"services"}, around).out;
    for (auto const* part : {"shop", "frozen by INC-7", "v2", "2026-01-31 12:30:00Z", "errors"}) {
        INFO(part << "\n" << all);
        CHECK(all.find(part) != std::string::npos);
    }
    auto const one = run_cli_at(daemon.url(), {"services", "shop"}, around).out;
    for (auto const* part :
         {"none: no known-good version", "failed: refused: \\x1b]0;owned\\x07", "97 ok, 3 failed",
          "stale", "code-rollback, safe-mode", "0.520976", "49218475600"}) {
        INFO(part << "\n" << one);
        CHECK(one.find(part) != std::string::npos);
    }
}

TEST_CASE("services tells what steps have left on, and which playbook could not be run") {
    constexpr char const* shop = R"({"name":"shop","frozen_by":null,"mode":"safe_mode",
        "open_incidents":["INC-8"],"playbooks":[{"name":"restart","ready":true,"ready_why":""},
        {"name":"unseen","ready":null,"ready_why":""},
        {"name":"code-rollback","ready":false,"ready_why":"git is \u001b[2J not installed"}]})";
    FakeDaemon daemon(by_line(
        {{"GET /v1/services?limit=1000", {200, R"({"items":[)" + std::string(shop) + "]}"}},
         {"GET /v1/services/shop", {200, shop}}}
    ));
    for (auto const& words : {std::vector<std::string>{"services"}, {"services", "shop"}}) {
        auto const out = run_cli_at(daemon.url(), words).out;
        INFO(out);
        CHECK(out.find("safe_mode, INC-8") != std::string::npos);
        CHECK(out.find("shop's code-rollback could not be run:") != std::string::npos);
        CHECK(out.find("git is \\x1b[2J not installed") != std::string::npos);
        CHECK(out.find("unseen") == std::string::npos);
        CHECK(out.find("restart") == std::string::npos);
    }
}

TEST_CASE("with --json passes on what the API said, byte by byte") {
    FakeDaemon daemon(the_daemon());
    CHECK(
        run_cli_at(daemon.url(), {"show", "INC-7", "--json"}).out == std::string(incident) + "\n"
    );
}

TEST_CASE("answers of another shape show little and break nothing") {
    auto const body = GENERATE(
        as<std::string>(), "null", "[]", "7", R"({"items":{"a":1}})",
        R"({"items":[null,7,"x",{"triggers":[[]],"runs":"none"}],"triggers":5,"runs":[{"steps":[1]}]})"
    );
    FakeDaemon daemon([&](Seen const&) { return Reply{200, body}; });
    for (auto const& words : views) {
        INFO(words.front() << " " << body);
        CHECK(run_cli_at(daemon.url(), words).exit <= 1);
    }
}

TEST_CASE("a watch shows again what has changed, in one place on a terminal") {
    std::size_t asked = 0;
    FakeDaemon daemon([&](Seen const&) {
        Reply reply;
        reply.body = ++asked == 1 ? list_of("") : list_of(incident);
        return reply;
    });
    Around around;
    auto const plain = run_cli_at(daemon.url(), {"incidents", "--watch", "--count", "2"}, around);
    INFO(plain.out << plain.err);
    CHECK(plain.exit == 0);
    CHECK(plain.out.starts_with("no incidents\n"));
    CHECK(plain.out.find("INC-7") != std::string::npos);
    CHECK(plain.out.find('\x1b') == std::string::npos);
    around.tty = true;
    auto const page = run_cli_at(daemon.url(), {"incidents", "--watch", "--count", "1"}, around);
    CHECK(page.out.starts_with("\x1b[H\x1b[2J"));
    CHECK(run_cli_at(daemon.url(), {"status", "--watch", "--count", "0"}).exit == 2);
}

TEST_CASE("a run at work shows for how long, and its budget") {
    FakeDaemon daemon([](Seen const&) {
        Reply reply;
        reply.body = R"json({"id":"INC-1","service":"shop","state":"acting","severity":"P0",
          "runs":[{"id":"RUN-1","playbook":"code-rollback","target":"v1","state":"running",
          "started_at":"2026-01-31T12:00:00Z","ended_at":null,"budget":"5m","steps":[]}]})json";
        return reply;
    });
    auto const ran = run_cli_at(daemon.url(), {"show", "INC-1"});
    INFO(ran.out);
    CHECK(ran.out.find("running  for ") != std::string::npos);
    CHECK(ran.out.find(", budget 5m") != std::string::npos);
}
