// The ways to a server: proxies, Unix sockets, families of addresses, secrets from files, and the
// phases that are measured.
#include "tests/catch.hpp"
#include "tests/core/io/support/certificates.hpp"
#include "tests/core/io/support/server.hpp"
#include "tests/core/io/support/temp_folder.hpp"
#include "tests/triggers/probes/support.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;
using namespace std::chrono_literals;

namespace {

/// Keeps the head of every request.
struct Listening {
    explicit Listening(std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        : server([this, answer = std::move(answer)](Peer const& peer) {
              auto got = peer.request();
              {
                  std::lock_guard const lock(mutex);
                  head = std::move(got);
              }
              peer.send(answer);
          }) {}

    std::string seen() {
        std::lock_guard const lock(mutex);
        return head;
    }

    std::mutex mutex;
    std::string head;
    TestServer server;
};

std::string proxied(
    std::string const& url, std::string const& proxy, std::string const& more = {}
) {
    return R"({"url":")" + url + R"(","proxy":")" + proxy + "\"" + more + "}";
}

}  // namespace

TEST_CASE("a proxy is asked for the whole URL, with the credentials of its own URL alone") {
    ProbeLoop probes;
    Listening proxy;
    auto const encoded = "http://watch:pass%20word@" + proxy.server.address();
    CHECK(state_of(probes.ask("http", proxied("http://shop.example.com/health?a=1", encoded))).ok);
    auto const head = proxy.seen();
    CHECK(head.starts_with("GET http://shop.example.com/health?a=1 HTTP/1.1\r\n"));
    CHECK(head.find("\r\nHost: shop.example.com\r\n") != std::string::npos);
    CHECK(
        head.find("\r\nProxy-Authorization: Basic d2F0Y2g6cGFzcyB3b3Jk\r\n") != std::string::npos
    );
    CHECK(head.find("\r\nAuthorization:") == std::string::npos);
}

TEST_CASE("https goes through a proxy's tunnel and is verified against the server's name") {
    ProbeLoop probes;
    TempFolder folder;
    auto const authority =
        make_identity({.name = "Test CA", .san = "", .until_days = 3650, .authority = true});
    auto const behaviour = std::make_shared<TlsBehaviour>(
        make_identity({}, &authority), std::vector<Identity>{}, TlsBehaviour::answering("secret")
    );
    std::string connect;
    std::mutex mutex;
    TestServer const proxy([&](Peer const& peer) {
        auto got = peer.request();
        {
            std::lock_guard const lock(mutex);
            connect = std::move(got);
        }
        peer.send("HTTP/1.1 200 Connection established\r\n\r\n");
        (*behaviour)(peer);
    });
    auto const way = "http://" + proxy.address();
    auto const ca = R"(,"ca":")" + folder.write("ca.pem", authority.pem()) + "\"";
    CHECK(state_of(probes.ask("http", proxied("https://localhost/", way, ca))).ok);
    {
        std::lock_guard const lock(mutex);
        CHECK(connect.starts_with("CONNECT localhost:443 HTTP/1.1\r\n"));
    }
    auto const wrong = state_of(probes.ask("http", proxied("https://other.example.com/", way, ca)));
    CHECK(wrong.reason.starts_with("tls: wrong_host: "));
}

TEST_CASE("a proxy that refuses, hangs, talks garbage or is gone is told apart") {
    ProbeLoop probes;
    auto const ask = [&](TestServer const& proxy, Duration timeout = 5s) {
        return probes.ask(
            "http", proxied("https://shop.example.com/", "http://" + proxy.address()), timeout
        );
    };
    TestServer const bad(TestServer::answering("", "502 Bad Gateway"));
    CHECK(state_of(ask(bad)).reason.starts_with("unreachable: the proxy answers 502"));
    TestServer const strict(TestServer::answering("", "407 Proxy Authentication Required"));
    CHECK_FALSE(ask(strict).value);  // our own trouble
    TestServer const hanging([](Peer const& peer) { peer.hang(); });
    CHECK(state_of(ask(hanging, 200ms)).reason.starts_with("timeout: no answer of the proxy"));
    TestServer const garbage([](Peer const& peer) { peer.send("220 mail\r\n\r\n"); });
    CHECK(state_of(ask(garbage)).reason.starts_with("garbage: "));
    auto const gone = "http://127.0.0.1:" + std::to_string(closed_port());
    CHECK(state_of(probes.ask("http", proxied("https://shop.example.com/", gone)))
              .reason.starts_with("refused: "));
}

TEST_CASE("secrets of the Authorization header come from files, read each time") {
    ProbeLoop probes;
    TempFolder folder;
    Listening server;
    auto const url = R"({"url":")" + server.server.url("/") + "\"";
    auto const token = folder.write("token", "s3cret-token\n");
    auto const bearer = url + R"(,"auth":{"bearer_file":")" + token + "\"}}";
    CHECK(state_of(probes.ask("http", bearer)).ok);
    CHECK(server.seen().find("\r\nAuthorization: Bearer s3cret-token\r\n") != std::string::npos);
    auto const password = folder.write("password", "open:sesame");
    CHECK(state_of(probes.ask(
                       "http",
                       url + R"(,"auth":{"user":"ali","password_file":")" + password + "\"}}"
                   ))
              .ok);
    CHECK(
        server.seen().find("\r\nAuthorization: Basic YWxpOm9wZW46c2VzYW1l\r\n") != std::string::npos
    );
    std::filesystem::remove(token);
    auto const missing = probes.ask("http", bearer);
    CHECK_FALSE(missing.value);
    CHECK(missing.note.find("token") != std::string::npos);
}

TEST_CASE("a phase is a gauge of seconds, and of a wrong answer there is none") {
    ProbeLoop probes;
    TestServer const slow([](Peer const& peer) {
        if (peer.request().empty()) return;
        pollfd waited{peer.fd(), POLLIN, 0};
        (void)::poll(&waited, 1, 20);  // nothing more comes
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    auto const measured = [&](TestServer const& server, char const* phase) {
        return probes.ask(
            "http", R"({"url":")" + server.url("/") + R"(","measure":")" + phase + "\"}"
        );
    };
    auto const first = std::get<GaugeValue>(measured(slow, "first_byte").value.value()).value;
    CHECK((first >= 0.02 && first < 5));
    CHECK(std::get<GaugeValue>(measured(slow, "total").value.value()).value >= 0.02);
    CHECK(std::get<GaugeValue>(measured(slow, "tls").value.value()).value == 0);
    TestServer const broken(TestServer::answering("", "503 Service Unavailable"));
    CHECK(std::get<UnknownValue>(measured(broken, "total").value.value())
              .reason.starts_with("status: 503"));
    CHECK(
        probe_nature("http", parse_json(R"({"measure":"total"})")->get_object())->kind == "gauge"
    );
    CHECK(probe_nature("http", {})->kind == "state");
}

TEST_CASE("only the family of addresses that is asked for is tried") {
    ProbeLoop probes;
    Listening server;
    auto const url = R"({"url":")" + server.server.url("/") + "\"";
    CHECK(state_of(probes.ask("http", url + R"(,"ip":"v4"})")).ok);
    auto const none = state_of(probes.ask("http", url + R"(,"ip":"v6"})"));
    CHECK(none.reason.starts_with("dns: 127.0.0.1 has no IPv6 address"));
}

TEST_CASE("ways that cannot work are found at load") {
    auto const where = [](char const* text) {
        SignalPolicy signal;
        signal.type = "http";
        signal.params = parse_json(text)->get_object();
        auto const problems = check_probe(signal);
        return problems.empty() ? std::string() : problems.front().where;
    };
    CHECK(where(R"({"url":"http://x/","proxy":"socks5://y:1"})") == "proxy");
    CHECK(where(R"({"url":"http://x/","proxy":"http://y:1","socket":"/s"})") == "socket");
    CHECK(where(R"({"url":"http://x/","auth":{"user":"a"}})") == "auth");
    CHECK(
        where(R"({"url":"http://x/","auth":{"user":"a","password_file":"/p","bearer_file":"/b"}})"
        ) == "auth"
    );
    CHECK(where(R"({"url":"http://x/","auth":{"bearer_file":"/b"}})").empty());
    CHECK(where(R"({"url":"http://x/","connection":"keep","method":"POST"})") == "connection");
    CHECK(where(R"({"url":"http://x/","connection":"keep","measure":"tls"})") == "connection");
    CHECK(where(R"({"url":"http://x/","connection":"keep","measure":"first_byte"})").empty());
}
