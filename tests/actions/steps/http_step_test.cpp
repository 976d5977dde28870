#include "tests/actions/steps/support/hands.hpp"
#include "tests/actions/steps/support/http_server.hpp"
#include "tests/catch.hpp"

#include <atomic>
#include <thread>

using namespace rollbackd;
using namespace rollbackd::test;
using namespace std::chrono_literals;

namespace {

bool contains(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

Step http(std::string const& url, JsonObject more = {}) {
    more["url"] = url;
    return step("http", std::move(more));
}

OutcomeKind kind_for(std::string const& answer, JsonObject expect, bool idempotent = false) {
    TempDir dir;
    Hands hands(dir.path());
    HttpServer const server([&](std::string const&) { return answer; });
    auto made = http(server.url());
    made.params["expect"] = std::move(expect);
    made.idempotent = idempotent;
    return hands.run(made).kind;
}

}  // namespace

TEST_CASE("an http step sends what it says and is done at 2xx") {
    TempDir dir;
    Hands hands(dir.path());
    HttpServer const server([](std::string const&) { return response(201, "made"); });
    auto made = http(
        server.url("/flags?x=1"),
        JsonObject{{"body", "{\"on\":false}"}, {"headers", {{"X-Key", "k"}}}}
    );
    made.save = "answer";
    auto const outcome = hands.run(made);
    INFO(outcome.text);
    CHECK(outcome.kind == OutcomeKind::done);
    CHECK(outcome.saved == "made");
    REQUIRE(server.requests().size() == 1);
    auto const request = server.requests()[0];
    CHECK(request.starts_with("POST /flags?x=1 HTTP/1.1\r\n"));
    CHECK(contains(request, "X-Key: k"));
    CHECK(request.ends_with("\r\n\r\n{\"on\":false}"));
}

TEST_CASE("an answer is measured by status, body and JSON with its types") {
    auto const done = OutcomeKind::done, failed = OutcomeKind::failed;
    CHECK(kind_for(response(404), {}) == failed);
    CHECK(kind_for(response(404), {{"status", 404}}) == done);
    CHECK(kind_for(response(404), {{"status", "4xx"}}) == done);
    CHECK(kind_for(response(404), {{"status", {"2xx", 404}}}) == done);
    CHECK(kind_for(response(200, "all good"), {{"body", "good"}}) == done);
    CHECK(kind_for(response(200, "all good"), {{"body", "bad"}}) == failed);
    auto const json = response(200, R"({"a":{"n":1},"s":"1"})");
    CHECK(kind_for(json, {{"json", {{"/a/n", 1}, {"/s", "1"}}}}) == done);
    CHECK(kind_for(json, {{"json", {{"/a/n", "1"}}}}) == failed);
    CHECK(kind_for(json, {{"json", {{"/a/missing", nullptr}}}}) == failed);
    CHECK(kind_for(response(200, "no json"), {{"json", {{"/a", 1}}}}) == failed);
}

TEST_CASE("a gateway's failure is unknown, and failed where the request may be repeated") {
    for (int const status : {408, 502, 504}) {
        CAPTURE(status);
        CHECK(kind_for(response(status), {}) == OutcomeKind::unknown);
        CHECK(kind_for(response(status), {}, true) == OutcomeKind::failed);
    }
    CHECK(kind_for(response(500), {}) == OutcomeKind::failed);
}

TEST_CASE("a request that was never sent is failed; one without an answer is unknown") {
    TempDir dir;
    Hands hands(dir.path());
    std::string gone;
    {
        HttpServer const server([](std::string const&) { return response(200); });
        gone = server.url();
    }
    CHECK(hands.run(http(gone), "r1").kind == OutcomeKind::failed);
    HttpServer const silent([](std::string const&) { return std::string(); });
    auto made = http(silent.url());
    made.timeout = 200ms;
    auto const outcome = hands.run(made, "r2");
    CHECK(outcome.kind == OutcomeKind::unknown);
    CHECK(contains(outcome.text, "timeout"));
    HttpServer const rude([](std::string const&) { return std::string("HTTP/1.1 20"); });
    CHECK(hands.run(http(rude.url()), "r3").kind == OutcomeKind::unknown);
}

TEST_CASE("an http step asked for again answers what it recorded and sends nothing") {
    TempDir dir;
    HttpServer const server([](std::string const&) { return response(200, "once"); });
    for (int life = 0; life < 2; ++life) {
        Hands hands(dir.path());
        CHECK(hands.run(http(server.url())).kind == OutcomeKind::done);
    }
    CHECK(server.requests().size() == 1);
}

TEST_CASE("an http step the daemon died in is unknown and is not sent again") {
    TempDir dir;
    HttpServer const server([](std::string const&) { return std::string(); });
    {
        Hands hands(dir.path());
        hands.begin(http(server.url()));
        hands.loop_until([&] { return server.requests().size() == 1; });
    }
    Hands next(dir.path());
    CHECK(next.run(http(server.url())).kind == OutcomeKind::unknown);
    CHECK(server.requests().size() == 1);
}

TEST_CASE("abort ends a waiting http step at once") {
    TempDir dir;
    Hands hands(dir.path());
    HttpServer const server([](std::string const&) { return std::string(); });
    hands.begin(http(server.url()));
    hands.loop_until([&] { return server.requests().size() == 1; });
    hands.runner().abort("r1", 1);
    CHECK(hands.finish().kind == OutcomeKind::aborted);
}

TEST_CASE("a stop of the daemon gives up a waiting http step; it is unknown and never sent again") {
    TempDir dir;
    HttpServer const server([](std::string const&) { return std::string(); });
    for (bool const idempotent : {false, true}) {
        CAPTURE(idempotent);
        auto made = http(server.url());
        made.timeout = 1h;
        made.idempotent = idempotent;
        auto const run = "r" + std::to_string(idempotent);
        auto const before = server.requests().size();
        {
            Hands hands(dir.path(), {}, 1ms);
            hands.begin(made, run);
            hands.loop_until([&] { return server.requests().size() == before + 1; });
            hands.stop();
            CHECK(hands.finish().kind == OutcomeKind::unknown);
        }
        Hands next(dir.path());
        auto const outcome = next.run(made, run);
        CHECK(outcome.kind == OutcomeKind::unknown);
        CHECK(contains(outcome.text, "stopped before the answer"));
        CHECK(server.requests().size() == before + 1);
    }
}

TEST_CASE("an answer that comes while the daemon stops is kept for its next life") {
    TempDir dir;
    std::atomic<bool> answers = false;
    HttpServer const server([&](std::string const&) {
        while (!answers) std::this_thread::yield();
        return response(200, "in time");
    });
    {
        Hands hands(dir.path(), {}, 1min);
        hands.begin(http(server.url()));
        hands.loop_until([&] { return server.requests().size() == 1; });
        hands.stop();
        answers = true;
        CHECK(hands.finish().kind == OutcomeKind::done);
    }
    Hands next(dir.path());
    CHECK(next.run(http(server.url())).kind == OutcomeKind::done);
    CHECK(server.requests().size() == 1);
}

TEST_CASE("a large answer is judged whole and kept bounded") {
    auto const large = R"({"pad":")" + std::string(200'000, 'x') + R"(","ok":true})";
    CHECK(kind_for(response(200, large), {{"json", {{"/ok", true}}}}) == OutcomeKind::done);
    CHECK(kind_for(response(200, large), {{"json", {{"/ok", false}}}}) == OutcomeKind::failed);
}
