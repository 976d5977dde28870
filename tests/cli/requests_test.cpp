// Which request each command makes, to the letter of the API.
#include "core/json.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/fake_daemon.hpp"
#include "tests/cli/support/run_cli.hpp"

#include <unistd.h>

using namespace rollbackd;
using namespace rollbackd::cli::test;

namespace {

struct Case {
    std::vector<std::string> words;
    std::string line;
    std::string body;  // JSON; empty: none
};

constexpr char const* waiting_incident = R"({"id":"INC-7","state":"waiting","runs":[
    {"id":"RUN-1","playbook":"restart","state":"failed","plan":"old"},
    {"id":"RUN-2","playbook":"code-rollback","state":"waiting","plan":"abc"}],
    "duties":[{"n":1,"name":"tell-users","state":"open"}]})";

std::vector<Case> looking() {
    return {
        Case{{"services"}, "GET /v1/services?limit=1000", ""},
        Case{{"services", "shop"}, "GET /v1/services/shop", ""},
        Case{{"incidents"}, "GET /v1/incidents?limit=50", ""},
        Case{
            {"incidents", "--service", "shop", "--severity", "P0", "--state", "open", "--limit", "5"
            },
            "GET /v1/incidents?limit=5&service=shop&severity=P0&state=open",
            ""
        },
        Case{{"show", "INC-7"}, "GET /v1/incidents/INC-7", ""},
        Case{{"explain", "INC-7"}, "GET /v1/incidents/INC-7/explain", ""},
        Case{{"explain", "shop/errors"}, "GET /v1/services/shop/triggers/errors/explain", ""},
        Case{{"gate", "shop", "v1"}, "GET /v1/services/shop/versions/v1", ""},
        Case{{"status"}, "GET /v1/status", ""},
        Case{{"report", "INC-7"}, "GET /v1/incidents/INC-7/report", ""},
        Case{{"versions", "shop"}, "GET /v1/services/shop/deployments?limit=1000", ""},
        Case{{"silences"}, "GET /v1/silences?limit=1000", ""},
    };
}

std::vector<Case> deciding() {
    return {
        Case{
            {"approve", "INC-7", "--plan", "h"},
            "POST /v1/incidents/INC-7/approve",
            R"({"plan":"h"})"
        },
        Case{
            {"reject", "INC-7", "--plan", "h"}, "POST /v1/incidents/INC-7/reject", R"({"plan":"h"})"
        },
        Case{{"ack", "INC-7"}, "POST /v1/incidents/INC-7/ack", "{}"},
        Case{
            {"resolve", "INC-7", "--reason", "mended"},
            "POST /v1/incidents/INC-7/resolve",
            R"({"reason":"mended"})"
        },
        Case{{"abort", "INC-7"}, "POST /v1/incidents/INC-7/abort", "{}"},
        Case{
            {"confirm", "INC-7", "3"},
            "POST /v1/incidents/INC-7/steps/3/confirm",
            R"({"outcome":"done"})"
        },
        Case{
            {"confirm", "INC-7", "3", "--not-done"},
            "POST /v1/incidents/INC-7/steps/3/confirm",
            R"({"outcome":"not_done"})"
        },
        Case{
            {"confirm", "INC-7", "duty:2", "--does-not-apply", "--reason", "no users"},
            "POST /v1/incidents/INC-7/duties/2/confirm",
            R"({"reason":"no users","outcome":"does_not_apply"})"
        },
        Case{
            {"verdict", "INC-7", "--false-positive"},
            "POST /v1/incidents/INC-7/verdict",
            R"({"verdict":"false-positive"})"
        },
    };
}

std::vector<Case> operating() {
    return {
        Case{
            {"raise", "shop", "errors", "--reason", "seen it"},
            "POST /v1/services/shop/triggers/errors/raise",
            R"({"reason":"seen it"})"
        },
        Case{
            {"run", "shop", "restart", "--input", "a=1=2", "--input", "b=", "--reason", "why"},
            "POST /v1/services/shop/playbooks/restart/runs",
            R"({"reason":"why","dry_run":false,"inputs":{"a":"1=2","b":""}})"
        },
        Case{
            {"run", "shop", "deploy", "--dry-run"},
            "POST /v1/services/shop/playbooks/deploy/runs",
            R"({"dry_run":true,"inputs":{}})"
        },
        Case{{"deploy", "shop", "v1"}, "POST /v1/services/shop/deployments", R"({"version":"v1"})"},
        Case{
            {"deploy", "shop", "v1", "--started-at", "2026-01-31T13:00:00+01:00", "--known-good",
             "--schema-compatible"},
            "POST /v1/services/shop/deployments",
            R"({"version":"v1","started_at":"2026-01-31T12:00:00.000000Z","known_good":true,
                "schema_compatible":true})"
        },
        Case{
            {"deploy", "shop", "v1", "--schema-compatible=false"},
            "POST /v1/services/shop/deployments",
            R"({"version":"v1","schema_compatible":false})"
        },
        Case{{"release", "shop", "v1"}, "POST /v1/services/shop/versions/v1/release", "{}"},
        Case{{"pause"}, "POST /v1/pause", "{}"},
        Case{{"pause", "shop"}, "POST /v1/pause", R"({"service":"shop"})"},
        Case{{"resume", "shop"}, "POST /v1/resume", R"({"service":"shop"})"},
        Case{
            {"silence", "shop", "--for", "2h", "--reason", "work"},
            "POST /v1/silences",
            R"({"reason":"work","service":"shop","for":"2h"})"
        },
        Case{{"silences", "--end", "SIL-3"}, "DELETE /v1/silences/SIL-3", ""},
        Case{{"reload"}, "POST /v1/config/reload", "{}"},
    };
}

std::vector<Case> every_case() {
    auto all = looking();
    for (auto const& group : {deciding(), operating()}) {
        all.insert(all.end(), group.begin(), group.end());
    }
    return all;
}

}  // namespace

TEST_CASE("each command is exactly one request of the API") {
    auto const [words, line, body] = GENERATE(from_range(every_case()));
    FakeDaemon daemon([](Seen const&) { return Reply{}; });
    auto const ran = run_cli_at(daemon.url(), words);
    INFO(line << "\n" << ran.err);
    CHECK(ran.exit == 0);
    CHECK(ran.err.empty());
    auto const seen = daemon.only();
    CHECK(seen.line() == line);
    if (body.empty()) {
        CHECK(seen.body.empty());
    } else {
        CHECK(seen.header("content-type") == "application/json");
        CHECK(*parse_json(seen.body) == *parse_json(body));
    }
}

TEST_CASE("names and versions from outside cannot change the path") {
    FakeDaemon daemon([](Seen const&) { return Reply{}; });
    CHECK(run_cli_at(daemon.url(), {"release", "a/b?c", "../v 1#é"}).exit == 0);
    CHECK(daemon.only().target == "/v1/services/a%2Fb%3Fc/versions/..%2Fv%201%23%C3%A9/release");
}

TEST_CASE("a segment of dots alone is encoded too") {
    FakeDaemon daemon([](Seen const&) { return Reply{}; });
    CHECK(run_cli_at(daemon.url(), {"show", ".."}).exit == 0);
    CHECK(daemon.only().target == "/v1/incidents/%2E%2E");
}

TEST_CASE("the token comes from the file, then from the environment, and nowhere else") {
    FakeDaemon daemon([](Seen const&) { return Reply{}; });
    Around around;
    CHECK(run_cli_at(daemon.url(), {"services"}, around).exit == 0);
    around.environment["ROLLBACKD_TOKEN"] = "from-environment";
    CHECK(run_cli_at(daemon.url(), {"services"}, around).exit == 0);
    auto const seen = daemon.seen();
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].header("authorization").empty());
    CHECK(seen[1].header("authorization") == "Bearer from-environment");
}

TEST_CASE("an idempotency key goes with changing calls only") {
    FakeDaemon daemon([](Seen const&) { return Reply{}; });
    CHECK(
        run_cli_at(daemon.url(), {"deploy", "shop", "v1", "--idempotency-key", "job-1"}).exit == 0
    );
    CHECK(run_cli_at(daemon.url(), {"services", "--idempotency-key", "job-1"}).exit == 0);
    auto const seen = daemon.seen();
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].header("idempotency-key") == "job-1");
    CHECK(seen[1].header("idempotency-key").empty());
}

TEST_CASE("approve names the plan that waits, not an older one") {
    FakeDaemon daemon(by_line(
        {{"GET /v1/incidents/INC-7", {200, waiting_incident}},
         {"POST /v1/incidents/INC-7/approve",
          {200, R"({"id":"RUN-2","playbook":"code-rollback","state":"running"})"}}}
    ));
    auto const ran = run_cli_at(daemon.url(), {"approve", "INC-7"});
    CHECK(ran.exit == 0);
    auto const seen = daemon.seen();
    REQUIRE(seen.size() == 2);
    CHECK(*parse_json(seen[1].body) == *parse_json(R"({"plan":"abc"})"));
}

TEST_CASE("documents are asked for as text, with --json as JSON") {
    FakeDaemon daemon([](Seen const&) { return Reply{}; });
    for (auto const* command : {"explain", "report"}) {
        CHECK(run_cli_at(daemon.url(), {command, "INC-7"}).exit == 0);
        CHECK(run_cli_at(daemon.url(), {command, "INC-7", "--json"}).exit == 0);
    }
    auto const seen = daemon.seen();
    REQUIRE(seen.size() == 4);
    CHECK(seen[0].header("accept") == "text/plain");
    CHECK(seen[2].header("accept") == "text/markdown");
    CHECK(seen[1].header("accept") == "application/json");
    CHECK(seen[3].header("accept") == "application/json");
}

TEST_CASE("a duty or step is found by its name") {
    FakeDaemon daemon(by_line(
        {{"GET /v1/incidents/INC-7", {200, waiting_incident}},
         {"POST /v1/incidents/INC-7/duties/1/confirm", {200, R"({"state":"resolved"})"}}}
    ));
    CHECK(run_cli_at(daemon.url(), {"confirm", "INC-7", "tell-users"}).exit == 0);
    auto const unknown = run_cli_at(daemon.url(), {"confirm", "INC-7", "tell-nobody"});
    CHECK(unknown.exit == 1);
    CHECK(unknown.err.find("duty:1 (tell-users)") != std::string::npos);
}

TEST_CASE("a Unix socket is spoken to like any address") {
    auto const path = "/tmp/rollbackctl-test-" + std::to_string(::getpid()) + ".sock";
    FakeDaemon daemon(path, [](Seen const&) { return Reply{}; });
    CHECK(run_cli({"services", "--url", "unix:" + path}).exit == 0);
    CHECK(daemon.only().header("host") == "localhost");
}

TEST_CASE("over https the certificate must be trusted and name the host") {
    TlsIdentity const right("127.0.0.1");
    FakeDaemon daemon(right, [](Seen const&) { return Reply{}; });
    auto const trusted = run_cli_at(daemon.url(), {"services", "--ca", right.certificate()});
    INFO(trusted.err);
    CHECK(trusted.exit == 0);
    CHECK(daemon.only().line() == "GET /v1/services?limit=1000");
    auto const unknown = run_cli_at(daemon.url(), {"services"});
    CHECK(unknown.exit == 3);
    CHECK(unknown.err.find("the certificate is not trusted") != std::string::npos);
    TlsIdentity const other("rollbackd.example.com");
    FakeDaemon elsewhere(other, [](Seen const&) { return Reply{}; });
    auto const misnamed = run_cli_at(elsewhere.url(), {"services", "--ca", other.certificate()});
    CHECK(misnamed.exit == 3);
    CHECK(misnamed.err.find("mismatch") != std::string::npos);
    CHECK(elsewhere.seen().empty());
    CHECK(run_cli_at(daemon.url(), {"services", "--ca", "/nonexistent.pem"}).exit == 1);
}
