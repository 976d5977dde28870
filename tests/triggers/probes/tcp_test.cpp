#include "tests/catch.hpp"
#include "tests/core/io/support/server.hpp"
#include "tests/triggers/probes/support.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;
using namespace std::chrono_literals;

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

TEST_CASE("what a server says first is compared with what is expected of it") {
    ProbeLoop probes;
    auto const ask = [&](TestServer const& server, std::string const& more, Duration timeout = 5s) {
        return state_of(
            probes.ask("tcp", R"({"address":")" + server.address() + "\"," + more + "}", timeout)
        );
    };
    TestServer const mail([](Peer const& peer) {
        peer.send("22");
        peer.send("0 mail.example.com ESMTP\r\n");
        peer.hang();
    });
    CHECK(ask(mail, R"("expect":"^220 ")").ok);
    auto const other = ask(mail, R"("expect":"^SSH-")", 300ms);
    CHECK(other.reason.starts_with("content: \"220 mail.example.com"));
    TestServer const echo([](Peer const& peer) {
        char piece[64];
        auto const length = ::recv(peer.fd(), piece, sizeof piece, 0);
        if (length > 0) peer.send(std::string_view(piece, static_cast<std::size_t>(length)));
        peer.hang();
    });
    CHECK(ask(echo, R"("send":"PING\\r\\n","expect":"^PING\r\n$")").ok);
    TestServer const silent([](Peer const& peer) { peer.hang(); });
    CHECK(ask(silent, R"("expect":"x")", 200ms).reason.starts_with("timeout: no greeting"));
    TestServer const closing([](Peer const&) {});
    CHECK(ask(closing, R"("expect":"x")").reason.starts_with("closed: "));
}
