// What the sql probe says without a server; with one: tests/core/io/postgres_test.cpp and the
// end-to-end tests.
#include "tests/catch.hpp"
#include "tests/core/io/support/server.hpp"
#include "tests/triggers/probes/support.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;
using namespace std::chrono_literals;

namespace {

std::string params(std::string const& port, std::string const& more) {
    return R"({"dsn":"postgresql://app:hunter22@127.0.0.1:)" + port +
           R"(/shop","query":"SELECT 1")" + more + "}";
}

std::vector<Error> problems(char const* text) {
    SignalPolicy signal;
    signal.type = "sql";
    signal.params = parse_json(text)->get_object();
    return check_probe(signal);
}

}  // namespace

TEST_CASE("a number out of a database that is gone is unknown, and a state has failed") {
    ProbeLoop probes;
    auto const port = std::to_string(closed_port());
    auto const number = probes.ask("sql", params(port, ""));
    CHECK_FALSE(number.value);
    CHECK(number.note.find("refused: ") != std::string::npos);
    CHECK(number.note.find("hunter22") == std::string::npos);
    auto const state = state_of(probes.ask("sql", params(port, R"(,"kind":"state")")));
    CHECK_FALSE(state.ok);
    CHECK(state.reason.find("refused: ") != std::string::npos);
}

TEST_CASE("a database that hangs is a timeout, and its signal goes on being asked") {
    ProbeLoop probes;
    TestServer const hanging([](Peer const& peer) { peer.hang(); });
    auto const port = std::to_string(hanging.port());
    auto const probe = probes.make("sql", params(port, R"(,"kind":"state")").c_str());
    for (int i = 0; i < 2; ++i) {
        auto const state = state_of(probes.ask(*probe, 100ms));
        CHECK(state.reason.find("timeout: ") != std::string::npos);
    }
}

TEST_CASE("a server that speaks something else has failed as a state, and is unknown as a number") {
    ProbeLoop probes;
    TestServer const garbage([](Peer const& peer) { peer.send("HTTP/1.1 200 OK\r\n\r\nhello"); });
    auto const port = std::to_string(garbage.port());
    CHECK_FALSE(state_of(probes.ask("sql", params(port, R"(,"kind":"state")"))).ok);
    CHECK_FALSE(probes.ask("sql", params(port, "")).value);
}

TEST_CASE("a file of the connection string that cannot be read is our own trouble, for a state too"
) {
    ProbeLoop probes;
    auto const answer =
        probes.ask("sql", R"({"dsn_file":"/no/such/file","query":"SELECT true","kind":"state"})");
    CHECK_FALSE(answer.value);
    CHECK(answer.note.find("/no/such/file") != std::string::npos);
}

TEST_CASE("a query's kind is its params', else its text's, and totals are of outcomes") {
    auto const nature = [](char const* text) {
        return probe_nature("sql", parse_json(text)->get_object())->kind;
    };
    CHECK(nature(R"({"query":"SELECT count(*) FROM t"})") == "gauge");
    CHECK(nature(R"({"query":"SELECT 1 AS success"})") == "outcomes");
    CHECK(nature(R"({"query":"SELECT * FROM v","kind":"outcomes"})") == "outcomes");
    CHECK(problems(R"({"query":" ;"})").at(0).where == "query");
    CHECK(problems(R"({"query":"SELECT 1","totals":true})").at(0).where == "totals");
    CHECK(problems(R"({"query":"SELECT 1 AS failure","totals":true})").empty());
}
