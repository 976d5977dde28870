// The exit codes and error lines scripts and CI decide by (DESIGN A3).
#include "cli/command.hpp"
#include "core/json.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/fake_daemon.hpp"
#include "tests/cli/support/run_cli.hpp"

#include <algorithm>

using namespace rollbackd;
using namespace rollbackd::cli::test;
using rollbackd::cli::Shape;

namespace {

/// A right command line of every command that talks to the daemon.
std::vector<std::vector<std::string>> calling_commands() {
    std::vector<std::vector<std::string>> lines;
    for (auto const& command : cli::commands()) {
        bool const later = command.summary.find("not in this version") != std::string::npos;
        if (command.group == std::string("Without a daemon") || later) continue;
        std::vector<std::string> words{command.name};
        for (auto const& argument : command.arguments) {
            if (argument.shape == Shape::positional) words.push_back("INC-7/x");
            if (argument.shape == Shape::rest) words.insert(words.end(), {"--", "true"});
            if (argument.shape != Shape::required_option) continue;
            words.push_back(argument.name);
            words.push_back(argument.name == "--for" ? "2h" : "because");
        }
        if (command.name == "verdict") words.push_back("--false-positive");
        lines.push_back(std::move(words));
    }
    return lines;
}

bool is_one_line(std::string const& text) {
    return std::count(text.begin(), text.end(), '\n') == 1 && text.ends_with('\n');
}

}  // namespace

TEST_CASE("every command that needs the daemon exits 3 with one line when it is not there") {
    for (auto const& words : calling_commands()) {
        auto const ran = run_cli_at(url_of_nobody(), words);
        INFO(words.front() << ": " << ran.err);
        CHECK(ran.exit == 3);
        CHECK(ran.out.empty());
        CHECK(is_one_line(ran.err));
        CHECK(ran.err.find("Connection refused") != std::string::npos);
        CHECK(ran.err.find("ROLLBACKD_URL") != std::string::npos);
    }
}

TEST_CASE("every command that is refused exits 1 with the daemon's reason in one line") {
    FakeDaemon daemon([](Seen const&) { return problem(409, "there is\nno such plan"); });
    for (auto const& words : calling_commands()) {
        auto const ran = run_cli_at(daemon.url(), words);
        INFO(words.front() << ": " << ran.err);
        CHECK(ran.exit == 1);
        CHECK(ran.out.empty());
        CHECK(is_one_line(ran.err));
        CHECK(ran.err.find("there is no such plan (409)") != std::string::npos);
    }
}

TEST_CASE("with --json errors stay on standard error") {
    FakeDaemon daemon([](Seen const&) { return problem(403, "role read may not"); });
    auto const ran = run_cli_at(daemon.url(), {"pause", "--json"});
    CHECK(ran.exit == 1);
    CHECK(ran.out.empty());
    CHECK(is_one_line(ran.err));
}

TEST_CASE("a wrong command line exits 2 and names what is wrong") {
    struct Wrong {
        std::vector<std::string> words;
        std::string says;
    };
    auto const [words, says] = GENERATE(
        Wrong{{"statsu"}, "did you mean 'status'"}, Wrong{{"--json"}, "a command is missing"},
        Wrong{{"show"}, "INC"}, Wrong{{"show", "INC-7", "INC-8"}, "INC-8"},
        Wrong{{"status", "--colour"}, "--colour"}, Wrong{{"raise", "shop", "errors"}, "--reason"},
        Wrong{{"journal"}, "journal"}, Wrong{{"token", "old"}, "token"},
        Wrong{{"status", "--url", "ftp://example.com"}, "http://HOST:PORT"},
        Wrong{{"status", "--url", "http://127.0.0.1:99999"}, "port"},
        Wrong{{"status", "--url", "http://user@example.com"}, "--token-file"},
        Wrong{{"run", "shop", "restart", "--input", "nothing"}, "NAME=VALUE"},
        Wrong{{"run", "shop", "restart", "--input", "a=1", "--input", "a=2"}, "twice"},
        Wrong{{"silence", "shop", "--for", "soon", "--reason", "x"}, "2h"},
        Wrong{{"deploy", "shop", "v1", "--started-at", "yesterday"}, "2026-01-31T12:00:00Z"},
        Wrong{{"confirm", "INC-7", "1", "--does-not-apply"}, "--reason"},
        Wrong{
            {"confirm", "INC-7", "1", "--does-not-apply", "--not-done", "--reason", "x"}, "not both"
        },
        Wrong{{"verdict", "INC-7"}, "--false-positive"},
        Wrong{{"watch", "--from", "now"}, "--from"}, Wrong{{"watch", "--count", "0"}, "--count"},
        Wrong{{"token", "new", "--role", "king"}, "admin"}, Wrong{{"journal", "verify"}, "--config"}
    );
    auto const ran = run_cli_at(url_of_nobody(), words);
    INFO(ran.err);
    CHECK(ran.exit == 2);
    CHECK(ran.out.empty());
    CHECK(is_one_line(ran.err));
    CHECK(ran.err.find(says) != std::string::npos);
}

TEST_CASE("without a word the help goes to standard error and the exit is 2") {
    auto const ran = run_cli({});
    CHECK(ran.exit == 2);
    CHECK(ran.out.empty());
    CHECK(ran.err.find("approve") != std::string::npos);
}

TEST_CASE("files that cannot be read are one line and exit 1") {
    auto const words = GENERATE(
        std::vector<std::string>{"test", "/nonexistent.yaml"},
        std::vector<std::string>{"backtest", "/nonexistent.yaml"},
        std::vector<std::string>{"import", "/nonexistent.md"}
    );
    auto const ran = run_cli(words);
    CHECK(ran.exit == 1);
    CHECK(ran.out.empty());
    CHECK(is_one_line(ran.err));
    CHECK(ran.err.find("/nonexistent") != std::string::npos);
}

TEST_CASE("names that are also commands are taken as names") {
    FakeDaemon daemon([](Seen const&) { return Reply{}; });
    CHECK(run_cli_at(daemon.url(), {"run", "status", "deploy"}).exit == 0);
    CHECK(daemon.only().target == "/v1/services/status/playbooks/deploy/runs");
}

TEST_CASE("options may stand before or after the command") {
    FakeDaemon daemon([](Seen const&) { return Reply{200, "{\"a\":1}"}; });
    CHECK(run_cli({"--url", daemon.url(), "--json", "services"}).out == "{\"a\":1}\n");
    CHECK(run_cli({"services", "--json", "--url", daemon.url()}).out == "{\"a\":1}\n");
}

TEST_CASE("what does not answer in HTTP is not reached: exit 3") {
    auto const raw = GENERATE(
        as<std::string>(), "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n{bad}"
    );
    FakeDaemon daemon([&](Seen const&) { return Reply{200, "", "", raw}; });
    auto const ran = run_cli_at(daemon.url(), {"services"});
    INFO(ran.err);
    CHECK(ran.exit == 3);
    CHECK(is_one_line(ran.err));
}

TEST_CASE("a changing call without an answer says that its effect is unknown") {
    FakeDaemon daemon([](Seen const&) { return Reply{200, "", "", "", true}; });
    auto const ran = run_cli_at(daemon.url(), {"pause"});
    CHECK(ran.exit == 3);
    CHECK(ran.err.find("whether it acted is unknown") != std::string::npos);
    CHECK(daemon.seen().size() == 1);
}

TEST_CASE("a chunked answer is put together") {
    FakeDaemon daemon([](Seen const&) {
        return Reply{
            200, "", "",
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: "
            "chunked\r\n\r\n3\r\n{\"a\r\n4;x=y\r\n\":1}\r\n0\r\nTrailer: x\r\n\r\n"
        };
    });
    CHECK(run_cli_at(daemon.url(), {"services", "--json"}).out == "{\"a\":1}\n");
}

namespace {

Answering gate_of(std::string const& standing, std::string const& run, bool pass) {
    std::string const runs = run.empty() ? "[]" : "[\"" + run + "\"]";
    return by_line(
        {{"GET /v1/services/shop/versions/v1",
          {200, R"({"version":"v1","incident":"INC-3","standing":")" + standing + R"(","runs":)" +
                    runs + R"(,"gate":{"pass":)" + (pass ? "true" : "false") +
                    R"(,"reason":"","attest":["the backup is fresh"]}})"}}}
    );
}

}  // namespace

TEST_CASE("gate exits 0 for a version that may be deployed, also one never heard of") {
    auto const standing =
        GENERATE(as<std::string>(), "baking", "known-good", "superseded", "unknown");
    FakeDaemon daemon(gate_of(standing, "", true));
    auto const ran = run_cli_at(daemon.url(), {"gate", "shop", "v1"});
    CHECK(ran.exit == 0);
    CHECK(ran.out.find("may be deployed") != std::string::npos);
    CHECK(ran.out.find("the backup is fresh") != std::string::npos);
}

TEST_CASE("gate exits 1 for a bad version and names the way out") {
    FakeDaemon daemon(gate_of("bad", "", false));
    auto const ran = run_cli_at(daemon.url(), {"gate", "shop", "v1"});
    CHECK(ran.exit == 1);
    CHECK(ran.err.find("bad since INC-3") != std::string::npos);
    CHECK(ran.err.find("rollbackctl release shop v1") != std::string::npos);
}

TEST_CASE("gate exits 1 while a run is on") {
    FakeDaemon daemon(gate_of("known-good", "RUN-9", false));
    auto const ran = run_cli_at(daemon.url(), {"gate", "shop", "v1", "--json"});
    CHECK(ran.exit == 1);
    CHECK(ran.err.find("RUN-9") != std::string::npos);
    CHECK(parse_json(ran.out)->at_pointer("/gate/pass") == false);
}

TEST_CASE("gate asked by a step of the run that is on exits 0, but for a bad version") {
    FakeDaemon daemon(gate_of("known-good", "RUN-9", false));
    CHECK(run_cli_at(daemon.url(), {"gate", "shop", "v1", "--from-step"}).exit == 0);
    FakeDaemon other(gate_of("bad", "RUN-9", false));
    CHECK(run_cli_at(other.url(), {"gate", "shop", "v1", "--from-step"}).exit == 1);
}

TEST_CASE("gate exits 3 when the daemon is away or sick, so that CI goes on") {
    CHECK(run_cli_at(url_of_nobody(), {"gate", "shop", "v1"}).exit == 3);
    FakeDaemon sick([](Seen const&) { return problem(503, "the journal cannot be read"); });
    CHECK(run_cli_at(sick.url(), {"gate", "shop", "v1"}).exit == 3);
}

TEST_CASE("gate exits 1 for a service that does not exist and for a wrong token") {
    FakeDaemon empty(by_line({}));
    CHECK(run_cli_at(empty.url(), {"gate", "shop", "v1"}).exit == 1);
    FakeDaemon closed([](Seen const&) { return problem(401, "no valid token"); });
    auto const ran = run_cli_at(closed.url(), {"gate", "shop", "v1"});
    CHECK(ran.exit == 1);
    CHECK(ran.err.find("ROLLBACKD_TOKEN") != std::string::npos);
}

TEST_CASE("a reload that finds mistakes exits 1 and shows each with its place") {
    FakeDaemon daemon([](Seen const&) {
        return Reply{
            422,
            R"({"status":422,"detail":"the configuration is wrong, so nothing was changed","errors":[
                {"detail":"a.yaml:3:5: unknown key 'x'","pointer":""},
                {"detail":"a.yaml:9:1: no such signal","pointer":""}]})",
            "application/problem+json"
        };
    });
    auto const ran = run_cli_at(daemon.url(), {"reload"});
    CHECK(ran.exit == 1);
    CHECK(ran.out == "a.yaml:3:5: unknown key 'x'\na.yaml:9:1: no such signal\n");
    CHECK(is_one_line(ran.err));
}
