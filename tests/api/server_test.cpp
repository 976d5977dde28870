#include "api/server.hpp"

#include "tests/api/support/client.hpp"
#include "tests/api/support/running_server.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;
using namespace rollbackd::api;
using namespace rollbackd::api::testing;

TEST_CASE("several requests are answered on one connection") {
    RunningServer server(loopback_options());
    Client client(server.address());
    CHECK(client.get("/one").body == "GET /one ");
    CHECK(client.get("/two").body == "GET /two ");
    auto const posted = client.post("/three", "hello");
    CHECK(posted.body == "POST /three hello");
    CHECK(posted.headers.at("x-content-type-options") == "nosniff");
    CHECK(posted.headers.at("cache-control") == "no-store");
}

TEST_CASE("pipelined requests are answered in their order") {
    RunningServer server(loopback_options());
    Client client(server.address());
    client.send(
        "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"
        "POST /b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi"
        "GET /c HTTP/1.1\r\nHost: localhost\r\n\r\n"
    );
    CHECK(client.receive().body == "GET /a ");
    CHECK(client.receive().body == "POST /b hi");
    CHECK(client.receive().body == "GET /c ");
}

TEST_CASE("a plausible id of the caller's own is taken over, others are replaced") {
    for (auto const* const mine :
         {"a", "7f3a-1", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
          "Root=1-67.5:2/x"}) {
        CAPTURE(mine);
        CHECK(request_id(mine) == mine);
    }
    std::string const too_long(129, 'a');
    for (auto const& other :
         {std::string(), too_long, std::string("a b"), std::string("a\x1b[2J"), std::string("é"),
          std::string("a\nb"), std::string("<b>"), std::string("a\"b")}) {
        CAPTURE(other);
        CHECK(request_id(other) != other);
        CHECK(request_id(other) != request_id(other));
        auto const made = request_id(other);
        CHECK(request_id(made) == made);
    }
}

TEST_CASE("every answer names its call, refusals of whatever kind too") {
    RunningServer server(loopback_options());
    Client client(server.address());
    auto const given = client.get("/x", "X-Request-Id: mine-1\r\n");
    CHECK(given.headers.at("x-request-id") == "mine-1");
    auto const made = client.get("/x").headers.at("x-request-id");
    CHECK(!made.empty());
    CHECK(client.get("/x").headers.at("x-request-id") != made);
    CHECK(client.get("/empty").headers.contains("x-request-id"));
    auto const refused = client.get("/forbidden", "X-Request-Id: mine-2\r\n");
    CHECK(refused.headers.at("x-request-id") == "mine-2");
    CHECK(refused.body.find(R"("request_id":"mine-2")") != std::string::npos);
    Client rubbish(server.address());
    rubbish.send("rubbish\r\n\r\n");
    auto const unread = rubbish.receive();
    CHECK(unread.status == 400);
    CHECK(unread.body.find(unread.headers.at("x-request-id")) != std::string::npos);
    Client stream(server.address());
    stream.send("GET /stream HTTP/1.1\r\nHost: l\r\nX-Request-Id: mine-3\r\n\r\n");
    CHECK(stream.receive_until("\r\n\r\n").find("X-Request-Id: mine-3") != std::string::npos);
}

TEST_CASE("HEAD has the head of GET and no body") {
    RunningServer server(loopback_options());
    Client client(server.address());
    client.send("HEAD /x HTTP/1.1\r\nHost: localhost\r\n\r\n");
    auto const answer = client.receive(true);
    CHECK(answer.status == 200);
    CHECK(answer.headers.at("content-length") == "7");
    CHECK(client.get("/next").body == "GET /next ");
}

TEST_CASE("an answer without content has no body and no length") {
    RunningServer server(loopback_options());
    Client client(server.address());
    auto const answer = client.get("/empty");
    CHECK(answer.status == 204);
    CHECK(answer.headers.count("content-length") == 0);
    CHECK(client.get("/next").status == 200);
}

TEST_CASE("HTTP/1.0 and Connection: close end after the answer") {
    RunningServer server(loopback_options());
    Client old(server.address());
    old.send("GET /old HTTP/1.0\r\n\r\n");
    CHECK(old.receive().body == "GET /old ");
    CHECK(old.ended());
    Client modern(server.address());
    CHECK(modern.get("/x", "Connection: close\r\n").headers.at("connection") == "close");
    CHECK(modern.ended());
}

TEST_CASE("what is no HTTP is told so and disconnected") {
    RunningServer server(loopback_options());
    for (auto const* const rubbish :
         {"nonsense\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
          "GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
          "GET /a%00b HTTP/1.1\r\nHost: localhost\r\n\r\n",
          "POST / HTTP/1.1\r\nHost: l\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
          "POST / HTTP/1.1\r\nHost: l\r\nContent-Length: -1\r\n\r\n"}) {
        CAPTURE(rubbish);
        Client client(server.address());
        client.send(rubbish);
        auto const answer = client.receive();
        CHECK(answer.status == 400);
        CHECK(answer.headers.at("content-type") == "application/problem+json");
        CHECK(client.ended());
    }
    CHECK(server.application().handled == 0);
}

TEST_CASE("a length beside chunks is refused, so nothing can be smuggled") {
    RunningServer server(loopback_options());
    Client client(server.address());
    client.send(
        "POST / HTTP/1.1\r\nHost: l\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: l\r\n\r\n"
    );
    CHECK(client.receive().status == 400);
    CHECK(client.ended());
    CHECK(server.application().handled == 0);
}

TEST_CASE("a body announced above the limit is refused before it is sent") {
    RunningServer server(loopback_options());
    Client client(server.address());
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 104857600\r\n\r\n");
    auto const answer = client.receive();
    CHECK(answer.status == 413);
    CHECK(answer.body.find("1024") != std::string::npos);
}

TEST_CASE("a client that sends 100 MB regardless still gets its 413") {
    RunningServer server(loopback_options());
    Client client(server.address());
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 104857600\r\n\r\n");
    std::string const megabyte(std::size_t{1} << 20U, 'x');
    for (int i = 0; i < 100; ++i) {
        if (!client.send(megabyte)) break;
    }
    CHECK(client.receive().status == 413);
    CHECK(server.application().handled == 0);
}

TEST_CASE("chunks that add up to more than the limit are refused") {
    RunningServer server(loopback_options());
    Client client(server.address());
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 3; ++i) client.send("200\r\n" + std::string(512, 'x') + "\r\n");
    CHECK(client.receive().status == 413);
}

TEST_CASE("chunks within the limit are one body") {
    RunningServer server(loopback_options());
    Client client(server.address());
    client.send(
        "POST /c HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    );
    CHECK(client.receive().body == "POST /c abcde");
}

TEST_CASE("a head above the limit is refused") {
    RunningServer server(loopback_options());
    Client one(server.address());
    one.send("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(100'000, 'a') + "\r\n\r\n");
    CHECK(one.receive().status == 431);
    Client many(server.address());
    std::string head = "GET / HTTP/1.1\r\nHost: localhost\r\n";
    for (int i = 0; i < 10'000; ++i) head += "X-" + std::to_string(i) + ": 1\r\n";
    many.send(head + "\r\n");
    CHECK(many.receive().status == 431);
}

TEST_CASE("a head that trickles in for ever is cut off") {
    RunningServer server(loopback_options());
    Client client(server.address());
    client.send("GET / HTTP/1.1\r\nHost: loc");
    CHECK(client.ended());
    CHECK(server.application().handled == 0);
}

TEST_CASE("a body that never comes is cut off") {
    RunningServer server(loopback_options());
    Client client(server.address());
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc");
    CHECK(client.ended());
    CHECK(server.application().handled == 0);
}

TEST_CASE("Expect: 100-continue is answered only where the body is wanted") {
    RunningServer server(loopback_options());
    Client client(server.address());
    std::string const head =
        " HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    client.send("POST /x" + head);
    CHECK(client.receive().status == 100);
    client.send("ok");
    CHECK(client.receive().body == "POST /x ok");
    client.send("POST /forbidden" + head);
    CHECK(client.receive().status == 403);
}

TEST_CASE("a refusal by the head alone never reads the body") {
    RunningServer server(loopback_options());
    Client client(server.address());
    client.send("POST /forbidden HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n");
    auto const answer = client.receive();
    CHECK(answer.status == 403);
    CHECK(answer.headers.at("connection") == "close");
    CHECK(answer.body.find("\"instance\":\"/forbidden\"") != std::string::npos);
}

TEST_CASE("when every connection is taken the next is told to come back") {
    auto options = loopback_options();
    options.limits.connections_max = 2;
    RunningServer server(std::move(options));
    Client first(server.address());
    first.send("GET /slow HTTP/1.1\r\nHost: l\r\n\r\n");
    Client second(server.address());
    second.send("GET /slow HTTP/1.1\r\nHost: l\r\n\r\n");
    REQUIRE(eventually([&] { return server.application().waiting == 2; }));
    Client third(server.address());
    auto const answer = third.receive();
    CHECK(answer.status == 503);
    CHECK(answer.headers.at("retry-after") == "1");
    CHECK(answer.body.size() == std::stoul(answer.headers.at("content-length")));
    CHECK(answer.body.find(answer.headers.at("x-request-id")) != std::string::npos);
}

TEST_CASE("an idle connection gives way to a new one") {
    auto options = loopback_options();
    options.limits.connections_max = 1;
    RunningServer server(std::move(options));
    Client idle(server.address());
    CHECK(idle.get("/x").status == 200);
    Client next(server.address());
    CHECK(next.get("/y").status == 200);
    CHECK(idle.ended());
}

TEST_CASE("large bodies share one budget") {
    auto options = loopback_options();
    options.limits.buffered_bytes_max = 150'000;
    options.limits.body_timeout = std::chrono::seconds(20);
    RunningServer server(std::move(options));
    server.application().body_bytes_max = 1'000'000;
    std::string const head = "POST / HTTP/1.1\r\nHost: l\r\nContent-Length: 100000\r\n\r\n";
    Client first(server.address());
    first.send("POST /slow HTTP/1.1\r\nHost: l\r\nContent-Length: 100000\r\n\r\n");
    first.send(std::string(100'000, 'x'));
    REQUIRE(eventually([&] { return server.application().waiting == 1; }));
    Client second(server.address());
    second.send(head);
    CHECK(second.receive().status == 503);
    Client small(server.address());
    CHECK(small.post("/", "small").status == 200);
}

TEST_CASE("a stream is sent in chunks and ends when the server stops") {
    RunningServer server(loopback_options());
    Client client(server.address());
    client.send("GET /stream HTTP/1.1\r\nHost: l\r\n\r\n");
    CHECK(client.receive(true).headers.at("transfer-encoding") == "chunked");
    CHECK(client.receive_until("tick 3\n\r\n").find("tick 1") != std::string::npos);
    server.begin_stop();
    CHECK(client.receive_until("0\r\n\r\n") == "0\r\n\r\n");
    CHECK(client.ended());
}

TEST_CASE("streams beyond the limit are refused") {
    auto options = loopback_options();
    options.limits.streams_max = 1;
    RunningServer server(std::move(options));
    Client first(server.address());
    first.send("GET /stream HTTP/1.1\r\nHost: l\r\n\r\n");
    CHECK(first.receive(true).status == 200);
    Client second(server.address());
    CHECK(second.get("/stream").status == 503);
}

TEST_CASE("a stop lets a request under way finish and closes idle connections") {
    RunningServer server(loopback_options());
    Client idle(server.address());
    CHECK(idle.get("/x").status == 200);
    Client busy(server.address());
    busy.send("GET /slow HTTP/1.1\r\nHost: l\r\n\r\n");
    REQUIRE(eventually([&] { return server.application().waiting == 1; }));
    server.begin_stop();
    CHECK(idle.ended());
    server.on_loop([&] { server.application().release(); });
    auto const answer = busy.receive();
    CHECK(answer.status == 200);
    CHECK(answer.headers.at("connection") == "close");
    server.wait();
}

TEST_CASE("an exception of the application ends its connection and nothing else") {
    RunningServer server(loopback_options());
    Client unlucky(server.address());
    unlucky.send("GET /throw HTTP/1.1\r\nHost: l\r\n\r\n");
    CHECK(unlucky.ended());
    CHECK(eventually([&] { return server.application().surprises == 1; }));
    Client next(server.address());
    CHECK(next.get("/x").status == 200);
}
