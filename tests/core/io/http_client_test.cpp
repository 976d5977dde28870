#include "core/io/http_client.hpp"

#include "core/io/stream.hpp"
#include "tests/catch.hpp"
#include "tests/core/io/support/loop.hpp"
#include "tests/core/io/support/server.hpp"

using namespace rollbackd;
using namespace std::chrono_literals;
using rollbackd::testing::closed_port;
using rollbackd::testing::Loop;
using rollbackd::testing::Peer;
using rollbackd::testing::TestServer;

namespace {

HttpRequest get(std::string url, Duration timeout = 10s) {
    HttpRequest request;
    request.url = std::move(url);
    request.timeout = timeout;
    return request;
}

NetResult<HttpResponse> send(HttpRequest request) {
    Loop loop;
    Dialer dialer(loop.executor());
    HttpClient client(dialer);
    return loop.run(client.send(std::move(request)));
}

NetFailure failure_of(HttpRequest request) {
    auto const result = send(std::move(request));
    REQUIRE_FALSE(result);
    return result.error();
}

}  // namespace

TEST_CASE("an answer comes with status, headers, body and timings") {
    TestServer const server(
        TestServer::saying("HTTP/1.1 201 Created\r\nX-Version: 7\r\nContent-Length: 5\r\n\r\nhello")
    );
    auto const response = send(get(server.url("/a?b=c")));
    REQUIRE(response);
    CHECK(response->status == 201);
    CHECK(response->header("x-version") == "7");
    CHECK(response->header("none").empty());
    CHECK(response->body == "hello");
    CHECK(response->timings.connect > 0s);
    CHECK(response->timings.first_byte > 0s);
    CHECK(response->timings.total >= response->timings.connect + response->timings.first_byte);
}

TEST_CASE("the request on the wire is what was asked for, and nothing can be smuggled into it") {
    TestServer const server([](Peer const& peer) {
        auto const got = peer.request();
        peer.send(
            "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(got.size()) + "\r\n\r\n" + got
        );
    });
    auto request = get("http://user:pa%20ss@" + server.address() + "/a?b=c");
    request.method = "PUT";
    request.headers = {{"X-One", "1"}, {"Content-Length", "99"}};
    request.body = "data";
    auto const response = send(request);
    REQUIRE(response);
    CHECK(
        response->body == "PUT /a?b=c HTTP/1.1\r\nX-One: 1\r\nHost: " + server.address() +
                              "\r\nUser-Agent: rollbackd/" ROLLBACKD_VERSION
                              "\r\nAccept: */*\r\n"
                              "Authorization: Basic dXNlcjpwYSBzcw==\r\nContent-Length: 4\r\n"
                              "Connection: close\r\n\r\ndata"
    );
    request.headers = {{"X-One", "1\r\nEvil: 2"}};
    CHECK(failure_of(request).fault == NetFault::invalid);
    request.headers.clear();
    request.method = "GET / HTTP/1.1\r\nEvil:";
    CHECK(failure_of(request).fault == NetFault::invalid);
}

TEST_CASE("bodies are read by length, by chunks and until the end") {
    TestServer const chunked(TestServer::saying(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    ));
    CHECK(send(get(chunked.url()))->body == "abcde");
    TestServer const until_end(TestServer::saying("HTTP/1.0 200 OK\r\n\r\nall of it"));
    CHECK(send(get(until_end.url()))->body == "all of it");
    TestServer const none(TestServer::saying("HTTP/1.1 204 No Content\r\n\r\n"));
    CHECK(send(get(none.url()))->status == 204);
    TestServer const head(TestServer::saying("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"));
    auto request = get(head.url());
    request.method = "HEAD";
    CHECK(send(request)->status == 200);
}

TEST_CASE("interim answers are skipped, but not for ever") {
    TestServer const early(TestServer::saying(
        "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    ));
    auto const response = send(get(early.url()));
    REQUIRE(response);
    CHECK(response->status == 200);
    CHECK(response->header("Link").empty());
    TestServer const endless([](Peer const& peer) {
        if (peer.request().empty()) return;
        while (peer.send("HTTP/1.1 100 Continue\r\n\r\n")) continue;
    });
    CHECK(failure_of(get(endless.url())).fault == NetFault::garbage);
}

TEST_CASE("an answer in single bytes is put together") {
    TestServer const server([](Peer const& peer) {
        if (peer.request().empty()) return;
        for (char const c : std::string("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) {
            peer.send(std::string(1, c));
        }
    });
    CHECK(send(get(server.url()))->body == "ok");
}

TEST_CASE("nobody listening is refused") {
    auto const failure = failure_of(get("http://127.0.0.1:" + std::to_string(closed_port()) + "/"));
    CHECK(failure.fault == NetFault::refused);
    CHECK_FALSE(failure.sent);
    CHECK(failure.reason().starts_with("refused: 127.0.0.1:"));
}

TEST_CASE("a name without an address is a dns failure") {
    Loop loop;
    Dialer dialer(loop.executor());
    dialer.resolver().set_lookup([](std::string const& host) -> Result<std::vector<std::string>> {
        return fail(Errc::not_found, "Name or service not known", host);
    });
    HttpClient client(dialer);
    auto const result = loop.run(client.send(get("http://no.example.com/")));
    REQUIRE_FALSE(result);
    CHECK(result.error().reason() == "dns: no.example.com: Name or service not known");
}

TEST_CASE("an app that accepts and never answers is a timeout that may have taken effect") {
    TestServer const server([](Peer const& peer) { peer.hang(); });
    auto const failure = failure_of(get(server.url(), 50ms));
    CHECK(failure.fault == NetFault::timeout);
    CHECK(failure.sent);
    CHECK(failure.text == "no answer from " + server.address() + " within 50ms");
}

TEST_CASE("an answer that stops in the middle is a timeout of its end") {
    TestServer const server([](Peer const& peer) {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
        peer.hang();
    });
    auto const failure = failure_of(get(server.url(), 50ms));
    CHECK(failure.fault == NetFault::timeout);
    CHECK(failure.text.starts_with("no end of the answer from"));
}

TEST_CASE("garbage is told from HTTP and shown harmlessly") {
    TestServer const server(TestServer::saying("\x1b[31mSSH-2.0-OpenSSH_9.2\r\n\r\n"));
    auto const failure = failure_of(get(server.url()));
    CHECK(failure.fault == NetFault::garbage);
    CHECK(failure.text.find("SSH-2.0") != std::string::npos);
    CHECK(failure.text.find('\x1b') == std::string::npos);
    TestServer const short_garbage(TestServer::saying("?"));
    CHECK(failure_of(get(short_garbage.url())).fault == NetFault::garbage);
}

TEST_CASE("closing early is told, without an answer and in the middle of one") {
    TestServer const silent(TestServer::saying(""));
    CHECK(failure_of(get(silent.url())).reason() == "closed: closed without an answer");
    TestServer const half(TestServer::saying("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"));
    CHECK(failure_of(get(half.url())).reason() == "closed: closed in the middle of the body");
    TestServer const in_head(TestServer::saying("HTTP/1.1 200 OK\r\nContent-Le"));
    CHECK(failure_of(get(in_head.url())).fault == NetFault::closed);
}

TEST_CASE("an endless body ends at the limit") {
    TestServer const server([](Peer const& peer) {
        if (peer.request().empty()) return;
        peer.send("HTTP/1.1 200 OK\r\n\r\n");
        while (peer.send(std::string(65536, 'x'))) continue;
    });
    auto request = get(server.url());
    request.body_max = 100'000;
    CHECK(failure_of(request).reason() == "too_large: the body is larger than 100000 bytes");
    request.discard_body = true;
    CHECK(failure_of(request).fault == NetFault::too_large);
    request.discard_body = false;
    request.cut_body = true;
    auto const cut = send(request);
    REQUIRE(cut);
    CHECK(cut->body.size() == 100'000);
    CHECK(cut->body_cut);
}

TEST_CASE("an endless header ends at the limit") {
    TestServer const server([](Peer const& peer) {
        if (peer.request().empty()) return;
        peer.send("HTTP/1.1 200 OK\r\n");
        while (peer.send("X-Filler: 0123456789012345678901234567890123456789\r\n")) continue;
    });
    CHECK(failure_of(get(server.url())).fault == NetFault::too_large);
}

TEST_CASE("redirects are answers unless followed, and are followed only so far") {
    TestServer const server([](Peer const& peer) {
        auto const got = peer.request();
        bool const last = got.find("GET /2 ") != std::string::npos;
        auto const next = got.find("GET /1 ") != std::string::npos ? "/2" : "1";
        if (last) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere");
        peer.send(
            std::string("HTTP/1.1 302 Found\r\nLocation: ") + next + "\r\nContent-Length: 0\r\n\r\n"
        );
    });
    auto request = get(server.url("/0"));
    CHECK(send(request)->status == 302);
    request.redirects_max = 2;
    auto const followed = send(request);
    REQUIRE(followed);
    CHECK(followed->body == "here");
    CHECK(followed->url == server.url("/2"));
    request.redirects_max = 1;
    CHECK(failure_of(request).fault == NetFault::redirects);
}

TEST_CASE("redirecting for ever, or to nowhere, is a failure") {
    TestServer const loop(TestServer::saying(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"
    ));
    auto request = get(loop.url());
    request.redirects_max = 5;
    CHECK(failure_of(request).reason() == "redirects: more than 5 redirects, at last to /again");
    CHECK(loop.connections() == 6);
    TestServer const nowhere(TestServer::saying(
        "HTTP/1.1 302 Found\r\nLocation: ftp://example.com/\r\nContent-Length: 0\r\n\r\n"
    ));
    request.url = nowhere.url();
    CHECK(failure_of(request).fault == NetFault::redirects);
}

TEST_CASE("a credential does not follow a redirect to another origin") {
    std::string seen;
    TestServer const other([&seen](Peer const& peer) {
        seen = peer.request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    TestServer const first(TestServer::saying(
        "HTTP/1.1 302 Found\r\nLocation: " + other.url("/x") + "\r\nContent-Length: 0\r\n\r\n"
    ));
    auto request = get(first.url());
    request.headers = {{"Authorization", "Bearer s3cr3t"}, {"Accept", "text/html"}};
    request.redirects_max = 1;
    REQUIRE(send(request));
    CHECK(seen.find("s3cr3t") == std::string::npos);
    CHECK(seen.find("Accept: text/html") != std::string::npos);
}

TEST_CASE("a stream is handed over piece by piece, past the request's timeout") {
    TestServer const server([](Peer const& peer) {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\n\r\n");
        while (peer.send("data: x\n\n")) continue;
    });
    std::size_t bytes = 0;
    auto request = get(server.url(), 5s);
    request.on_body = [&bytes](std::string_view piece) {
        bytes += piece.size();
        return bytes < 100;
    };
    auto const response = send(request);
    REQUIRE(response);
    CHECK(response->status == 200);
    CHECK(response->body.empty());
    CHECK(bytes >= 100);
}

TEST_CASE("a request that is cancelled ends at once and says so") {
    TestServer const server([](Peer const& peer) { peer.hang(); });
    Loop loop;
    Dialer dialer(loop.executor());
    HttpClient client(dialer);
    loop.soon([&] { loop.group.cancel(); });
    auto const result = loop.run(client.send(get(server.url(), 1h)));
    REQUIRE_FALSE(result);
    CHECK(result.error().fault == NetFault::cancelled);
}

TEST_CASE("what is no http URL is refused before anything is sent") {
    for (auto const* wrong :
         {"", "example.com", "ftp://example.com/", "http://", "http://h:0/", "http://h:99999/",
          "https:///x"}) {
        INFO(wrong);
        CHECK(failure_of(get(wrong)).fault == NetFault::invalid);
    }
}

namespace {

/// Asks `times` times, one after the other, over one keeper.
std::vector<HttpResponse> ask_again(std::string const& url, int times) {
    Loop loop;
    Dialer dialer(loop.executor());
    HttpClient client(dialer);
    auto request = get(url);
    request.keeper = make_http_keeper();
    std::vector<HttpResponse> responses;
    for (int n = 0; n < times; ++n) {
        auto response = loop.run(client.send(request));
        REQUIRE(response);
        responses.push_back(*std::move(response));
    }
    return responses;
}

}  // namespace

TEST_CASE("a kept connection serves the next request, and one that has gone is made anew") {
    constexpr int asked_each = 2;
    TestServer const server([](Peer const& peer) {
        for (int n = 0; n < asked_each; ++n) {
            auto const got = peer.request();
            if (got.find("Connection: keep-alive\r\n") == std::string::npos) return;
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    auto const responses = ask_again(server.url(), 6);
    CHECK(server.connections() == 3);
    CHECK(responses[0].timings.connect > 0s);
    CHECK(responses[1].timings.connect == 0s);
    for (auto const& response : responses) CHECK(response.body == "ok");
}

TEST_CASE("a connection that the server does not offer, or that nobody asks to keep, is not kept") {
    auto const repeated = [](std::string bytes) {
        return [bytes](Peer const& peer) {
            while (!peer.request().empty()) {
                peer.send(bytes);
                if (bytes.find("Length") == std::string::npos) return;
            }
        };
    };
    auto const connections = [&](std::string bytes) {
        TestServer const server(repeated(std::move(bytes)));
        (void)ask_again(server.url(), 3);
        return server.connections();
    };
    CHECK(connections("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") == 1);
    CHECK(connections("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n") == 3);
    CHECK(connections("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n") == 3);
    CHECK(connections("HTTP/1.1 200 OK\r\n\r\nuntil the end") == 3);
    CHECK(connections("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nbehind it") == 3);
}

TEST_CASE("a server that hangs on a kept connection has failed; it is not asked again") {
    TestServer const server([](Peer const& peer) {
        if (peer.request().empty()) return;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        peer.hang();
    });
    Loop loop;
    Dialer dialer(loop.executor());
    HttpClient client(dialer);
    auto request = get(server.url(), 100ms);
    request.keeper = make_http_keeper();
    REQUIRE(loop.run(client.send(request)));
    auto const second = loop.run(client.send(request));
    REQUIRE_FALSE(second);
    CHECK(second.error().fault == NetFault::timeout);
    CHECK(server.connections() == 1);
}
