#include "tests/catch.hpp"
#include "tests/core/io/support/server.hpp"
#include "tests/triggers/probes/support.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

TEST_CASE("a tcp probe is ok where something accepts, and refused where nothing does") {
    ProbeLoop probes;
    TestServer const server([](Peer const& peer) { peer.hang(); });
    CHECK(state_of(probes.ask("tcp", R"({"address":")" + server.address() + "\"}")).ok);
    auto const port = std::to_string(closed_port());
    auto const refused = state_of(probes.ask("tcp", R"({"address":"127.0.0.1:)" + port + "\"}"));
    CHECK_FALSE(refused.ok);
    CHECK(refused.reason.starts_with("refused: "));
}

TEST_CASE("a missing unix socket is refused") {
    ProbeLoop probes;
    auto const state = state_of(probes.ask("tcp", R"({"address":"unix:/no/such/socket"})"));
    CHECK_FALSE(state.ok);
    CHECK(state.reason.starts_with("refused: /no/such/socket"));
}

TEST_CASE("an address without a port is found before it is asked") {
    SignalPolicy signal;
    signal.type = "tcp";
    signal.params = parse_json(R"({"address":"192.0.2.1"})")->get_object();
    auto const problems = check_probe(signal);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].where == "address");
}
