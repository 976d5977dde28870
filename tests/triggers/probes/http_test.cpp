#include "tests/catch.hpp"
#include "tests/core/io/support/server.hpp"
#include "tests/triggers/probes/support.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;
using namespace std::chrono_literals;

namespace {

std::string params(TestServer const& server, std::string const& rest = {}) {
    return R"({"url":")" + server.url("/health") + "\"" + rest + "}";
}

}  // namespace

TEST_CASE("an http probe is ok on what is expected, with its latency") {
    ProbeLoop probes;
    TestServer const server(TestServer::answering(R"({"status":"ok"})"));
    auto const answer =
        probes.ask("http", params(server, R"(,"expect":{"status":200,"json":{"/status":"ok"}})"));
    CHECK(state_of(answer).ok);
    CHECK(state_of(answer).reason.empty());
    CHECK(state_of(answer).latency > 0s);
    CHECK(answer.note.empty());
}

TEST_CASE("an http probe fails with the reason's slug first") {
    ProbeLoop probes;
    TestServer const broken(TestServer::answering("oops", "503 Service Unavailable"));
    CHECK(state_of(probes.ask("http", params(broken))).reason == "status: 503, expected 2xx");
    TestServer const degraded(TestServer::answering(R"({"status":"degraded"})"));
    auto const answer =
        probes.ask("http", params(degraded, R"(,"expect":{"json":{"/status":"ok"}})"));
    CHECK(state_of(answer).reason == "content: /status is \"degraded\", expected \"ok\"");
    auto const port = std::to_string(closed_port());
    auto const refused = probes.ask("http", R"({"url":"http://127.0.0.1:)" + port + "/\"}");
    CHECK_FALSE(state_of(refused).ok);
    CHECK(state_of(refused).reason.starts_with("refused: "));
}

TEST_CASE("a missing JSON member is unknown, never 0 and never ok") {
    ProbeLoop probes;
    TestServer const server(TestServer::answering("{}"));
    auto const answer = probes.ask("http", params(server, R"(,"expect":{"json":{"/queue":0}})"));
    CHECK(std::get<UnknownValue>(*answer.value).reason == "missing: the answer has no /queue");
}

TEST_CASE("an app that hangs has failed by timeout, and its latency is the timeout") {
    ProbeLoop probes;
    TestServer const server([](Peer const& peer) { peer.hang(); });
    auto const state = state_of(probes.ask("http", params(server), 50ms));
    CHECK_FALSE(state.ok);
    CHECK(state.reason.starts_with("timeout: no answer from "));
    CHECK(state.latency == 50ms);
}

TEST_CASE("garbage, early ends, endless bodies and endless redirects are failures with slugs") {
    ProbeLoop probes;
    TestServer const garbage(TestServer::saying("nonsense\r\n\r\n"));
    CHECK(state_of(probes.ask("http", params(garbage))).reason.starts_with("garbage: "));
    TestServer const early(TestServer::saying("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"));
    CHECK(state_of(probes.ask("http", params(early))).reason.starts_with("closed: "));
    TestServer const endless([](Peer const& peer) {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\n\r\n");
        while (peer.send(std::string(1 << 20, 'x'))) continue;
    });
    CHECK(state_of(probes.ask("http", params(endless))).reason.starts_with("too_large: "));
    TestServer const circle(
        TestServer::saying("HTTP/1.1 302 Found\r\nLocation: /health\r\nContent-Length: 0\r\n\r\n")
    );
    CHECK(state_of(probes.ask("http", params(circle))).reason == "status: 302, expected 2xx");
    auto const followed = probes.ask("http", params(circle, R"(,"redirects":3)"));
    CHECK(state_of(followed).reason.starts_with("redirects: more than 3 redirects"));
}

TEST_CASE("secrets in headers are filled in when asked and leak into no reason") {
    ::setenv("RB_PROBE_TOKEN", "hunter22", 1);
    ProbeLoop probes;
    TestServer const echo([](Peer const& peer) {
        auto const got = peer.request();
        auto const body = "{\"saw\":\"" + got.substr(got.find("Bearer "), 15) + "\"}";
        peer.send(
            "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body
        );
    });
    auto const rest =
        R"(,"headers":{"Authorization":"Bearer ${RB_PROBE_TOKEN}"},"expect":{"json":{"/saw":"x"}})";
    auto const state = state_of(probes.ask("http", params(echo, rest)));
    CHECK(state.reason == "content: /saw is \"Bearer [secret]\", expected \"x\"");
    ::unsetenv("RB_PROBE_TOKEN");
    auto const unset = probes.ask("http", params(echo, rest));
    CHECK_FALSE(unset.value);
    CHECK(unset.note.find("RB_PROBE_TOKEN") != std::string::npos);
}

TEST_CASE("what is wrong with an http signal is found before it is asked") {
    SignalPolicy signal;
    signal.type = "http";
    signal.params =
        parse_json(R"({"url":"shop.example.com","expect":{"json":{"status":"ok"}}})")->get_object();
    auto const problems = check_probe(signal);
    REQUIRE(problems.size() == 2);
    CHECK(problems[0].where == "url");
    CHECK(problems[1].where == "expect.json");
    signal.params = parse_json(R"({"url":"${SHOP_URL}/health"})")->get_object();
    CHECK(check_probe(signal).empty());
}

TEST_CASE("every type of the catalogue is a documented probe, and none is both here and later") {
    auto const later = later_signal_types();
    auto const catalogue = probe_catalogue();
    CHECK(catalogue.size() >= 9);
    for (auto const& info : catalogue) {
        CHECK(info.is_probe);
        CHECK_FALSE(info.doc.empty());
        // Without a kind it is a state, or a gauge where something is measured.
        CHECK((info.kind.empty() || enum_from<SignalKind>(info.kind)));
        CHECK(std::find(later.begin(), later.end(), info.name) == later.end());
        for (auto const& field : info.fields) CHECK_FALSE(field.doc.empty());
    }
}
