#include "core/io/stream.hpp"

#include "tests/catch.hpp"
#include "tests/core/io/support/certificates.hpp"
#include "tests/core/io/support/loop.hpp"
#include "tests/core/io/support/temp_folder.hpp"

#include <array>
#include <atomic>

using namespace rollbackd;
using namespace rollbackd::testing;
using namespace std::chrono_literals;

namespace asio = boost::asio;

namespace {

constexpr Duration long_enough = 1h;

using Answer = NetResult<HttpResponse>;

/// One https request to a server that shows `identity`.
Answer ask(
    Identity const& identity, std::string const& trusted, bool enforce = true,
    std::string const& name = "localhost", std::vector<Identity> const& chain = {}
) {
    TempFolder const folder;
    TestServer const server(TlsBehaviour(identity, chain, TlsBehaviour::answering("secret")));
    HttpRequest request;
    request.url = "https://" + server.address() + "/";
    request.tls.ca_file = folder.write("ca.pem", trusted);
    request.tls.server_name = name;
    request.tls.enforce = enforce;
    Loop loop;
    Dialer dialer(loop.executor());
    HttpClient client(dialer);
    return loop.run(client.send(std::move(request)));
}

void check_refused(Answer const& answer, std::string const& slug) {
    REQUIRE_FALSE(answer);
    INFO(answer.error().reason());
    CHECK(answer.error().reason().starts_with("tls: " + slug + ": "));
    CHECK_FALSE(answer.error().sent);
}

Identity const& authority() {
    static Identity const made =
        make_identity({.name = "Test CA", .san = "", .until_days = 3650, .authority = true});
    return made;
}

Result<std::vector<std::string>> two_names(std::string const&) {
    return std::vector<std::string>{"127.0.0.1", "127.0.0.2"};
}

/// Dials, is told to stop before or after that, and waits for what the peer says.
asio::awaitable<NetResult<std::size_t>> dial_and_read(
    Loop& loop, Dialer& dialer, DialTarget target, bool told_before
) {
    if (told_before) loop.group.cancel();
    auto connection = co_await dialer.dial(std::move(target), long_enough);
    if (!connection) co_return tl::unexpected<NetFailure>(connection.error());
    if (!told_before) loop.group.cancel();
    std::array<char, 16> room{};
    auto const said = co_await connection->read_some(room);
    co_return said;
}

}  // namespace

TEST_CASE("a good certificate is accepted, with what was seen of it") {
    auto const leaf = make_identity({.until_days = 10}, &authority());
    auto const answer = ask(leaf, authority().pem());
    REQUIRE(answer);
    CHECK(answer->body == "secret");
    CHECK(answer->timings.tls > 0s);
    REQUIRE(answer->tls);
    CHECK(answer->tls->problems.empty());
    CHECK(answer->tls->protocol == "TLSv1.3");
    CHECK(answer->tls->leaf.subject == "CN = localhost");
    CHECK(answer->tls->leaf.issuer == "CN = Test CA");
    CHECK(answer->tls->chain.size() == 2);
}

TEST_CASE("each fault of a certificate is refused by its own name") {
    check_refused(
        ask(make_identity({.from_days = -20, .until_days = -2}, &authority()), authority().pem()),
        "expired"
    );
    check_refused(
        ask(make_identity({.from_days = 2}, &authority()), authority().pem()), "not_yet_valid"
    );
    check_refused(
        ask(make_identity({}, &authority()), authority().pem(), true, "shop.example.com"),
        "wrong_host"
    );
    check_refused(ask(make_identity({}), authority().pem()), "self_signed");
    auto const stranger = make_identity({.name = "Other CA", .san = "", .authority = true});
    check_refused(ask(make_identity({}, &stranger), authority().pem()), "untrusted");
}

TEST_CASE("a missing intermediate certificate is untrusted, a sent one is not") {
    auto const middle = make_identity(
        {.name = "Middle CA", .san = "", .until_days = 5, .authority = true}, &authority()
    );
    auto const leaf = make_identity({}, &middle);
    check_refused(ask(leaf, authority().pem()), "untrusted");
    auto const whole = ask(leaf, authority().pem(), true, "localhost", {middle});
    REQUIRE(whole);
    CHECK(whole->tls->chain.size() == 3);
    CHECK(whole->tls->chain[1].not_after < whole->tls->leaf.not_after);
}

TEST_CASE("a certificate for an address is checked against the address") {
    auto const by_address = make_identity({.san = "IP:127.0.0.1"}, &authority());
    CHECK(ask(by_address, authority().pem(), true, ""));
    auto const by_name = make_identity({}, &authority());
    check_refused(ask(by_name, authority().pem(), true, ""), "wrong_host");
}

TEST_CASE("without enforcement every fault is told and the handshake goes on") {
    auto const broken = make_identity({.from_days = -20, .until_days = -2}, &authority());
    auto const answer = ask(broken, authority().pem(), false, "shop.example.com");
    REQUIRE(answer);
    auto const& problems = answer->tls->problems;
    REQUIRE(problems.size() == 2);
    CHECK(problems[0].starts_with("expired: the certificate ended "));
    CHECK(problems[1].starts_with("wrong_host: the certificate is not for shop.example.com"));
    CHECK(answer->tls->chain.size() == 2);
}

TEST_CASE("told to stop between two waits, a task waits no more") {
    TestServer const server([](Peer const& peer) { peer.hang(); });
    Loop loop;
    Dialer dialer(loop.executor());
    auto const target = *parse_address(server.address());
    auto const said = loop.run(dial_and_read(loop, dialer, target, false));
    REQUIRE_FALSE(said);
    CHECK(said.error().fault == NetFault::cancelled);
}

TEST_CASE("a task that was told to stop may still clean up over a connection of its own") {
    TestServer const server([](Peer const& peer) { peer.send("bye"); });
    Loop loop;
    Dialer dialer(loop.executor());
    auto const target = *parse_address(server.address());
    auto const said = loop.run(dial_and_read(loop, dialer, target, true));
    REQUIRE(said);
    CHECK(*said == 3);
}

TEST_CASE("a peer that does not speak TLS, hangs or closes is told apart") {
    Loop loop;
    Dialer dialer(loop.executor());
    auto const dial = [&](TestServer const& server, Duration limit) {
        auto target = *parse_address(server.address());
        target.tls = TlsOptions{};
        auto const connection = loop.run(dialer.dial(target, limit));
        REQUIRE_FALSE(connection);
        return connection.error().reason();
    };
    TestServer const plain([](Peer const& peer) {
        peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
        peer.hang();
    });
    CHECK(dial(plain, 10s).starts_with("tls: handshake: "));
    TestServer const silent([](Peer const& peer) { peer.hang(); });
    CHECK(
        dial(silent, 50ms) == "timeout: no TLS handshake from " + silent.address() + " within 50ms"
    );
    TestServer const closing([](Peer const&) {});
    CHECK(dial(closing, 10s).starts_with("tls: handshake: "));
}

TEST_CASE("a CA file that cannot be read is our own fault") {
    Loop loop;
    Dialer dialer(loop.executor());
    DialTarget target{.host = "127.0.0.1", .port = 1};
    target.tls = TlsOptions{.ca_file = "/no/such/ca.pem"};
    auto const connection = loop.run(dialer.dial(target, 10s));
    REQUIRE_FALSE(connection);
    CHECK(connection.error().fault == NetFault::invalid);
}

TEST_CASE("a changed CA file is read again") {
    TempFolder const folder;
    auto const other = make_identity({.name = "Other CA", .san = "", .authority = true});
    TestServer const server(TlsBehaviour(make_identity({}, &authority()), {}, nullptr));
    auto target = *parse_address(server.address());
    target.tls =
        TlsOptions{.ca_file = folder.write("ca.pem", other.pem()), .server_name = "localhost"};
    Loop loop;
    Dialer dialer(loop.executor());
    CHECK_FALSE(loop.run(dialer.dial(target, 10s)));
    folder.write("new.pem", authority().pem());
    std::filesystem::rename(folder.path("new.pem"), folder.path("ca.pem"));
    CHECK(loop.run(dialer.dial(target, 10s)));
}

TEST_CASE("a second address is tried when the first refuses") {
    TestServer const server([](Peer const& peer) { peer.hang(); });
    Loop loop;
    Dialer dialer(loop.executor());
    dialer.resolver().set_lookup([](std::string const&) -> Result<std::vector<std::string>> {
        return std::vector<std::string>{"127.0.0.2", "127.0.0.1"};
    });
    DialTarget const target{.host = "shop.example.com", .port = server.port()};
    CHECK(loop.run(dialer.dial(target, 10s)));
}

TEST_CASE("a name is looked up once for everybody who asks meanwhile, and remembered for a while") {
    static std::atomic<int> lookups;
    lookups = 0;
    Loop loop;
    Resolver resolver(loop.executor());
    resolver.set_lookup([](std::string const& host) {
        ++lookups;
        return two_names(host);
    });
    auto ask_too = [](Resolver& of) -> boost::asio::awaitable<void> {
        (void)co_await of.resolve("shop.example.com", 10s);
    };
    loop.group.spawn("second", ask_too(resolver));
    CHECK(loop.run(resolver.resolve("shop.example.com", 10s))->size() == 2);
    CHECK(loop.run(resolver.resolve("shop.example.com", 10s))->size() == 2);
    CHECK(lookups == 1);
    CHECK(loop.run(resolver.resolve("192.0.2.1", 10s)) == std::vector<std::string>{"192.0.2.1"});
    CHECK(
        loop.run(resolver.resolve("2001:db8::1", 10s)) == std::vector<std::string>{"2001:db8::1"}
    );
    CHECK(lookups == 1);
}

TEST_CASE("a dead name server holds up neither other names nor the stop") {
    static std::atomic<bool> open;
    open = false;
    Loop loop;
    {
        Resolver resolver(loop.executor());
        resolver.set_lookup([](std::string const& host) -> Result<std::vector<std::string>> {
            if (host.starts_with("dead")) open.wait(false);
            return two_names(host);
        });
        auto both = [](Resolver& of) -> boost::asio::awaitable<bool> {
            auto const late = co_await of.resolve("dead.example.com", 10ms);
            auto const good = co_await of.resolve("shop.example.com", 10s);
            of.stop();
            co_return !late && late.error().code == Errc::timeout && good;
        };
        CHECK(loop.run(both(resolver)));
    }
    open = true;
    open.notify_all();
}

TEST_CASE("addresses are read with names, IPv4 and IPv6") {
    CHECK(parse_address("shop.example.com:443")->host == "shop.example.com");
    CHECK(parse_address("192.0.2.1:80")->port == 80);
    CHECK(parse_address("[2001:db8::1]:443")->host == "2001:db8::1");
    for (auto const* wrong :
         {"", ":1", "host", "host:", "host:0", "host:65536", "host:1x", "2001:db8::1",
          "http://host:1", "[]:1", "a b:1"}) {
        INFO(wrong);
        CHECK_FALSE(parse_address(wrong));
    }
}
