#include "actions/notify/notifier.hpp"

#include "core/io/http_client.hpp"
#include "core/io/secrets.hpp"
#include "core/io/stream.hpp"
#include "tests/actions/steps/support/http_server.hpp"
#include "tests/actions/steps/support/temp_dir.hpp"
#include "tests/catch.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

using namespace rollbackd;
using namespace rollbackd::test;
namespace asio = boost::asio;

namespace {

asio::awaitable<void> store(asio::awaitable<DeliveryResult> task, DeliveryResult& into) {
    into = co_await std::move(task);
}

Outgoing message() {
    Outgoing out;
    out.id = "msg-1";
    out.event = "incident.opened";
    out.text = "shop is down";
    return out;
}

DeliveryResult deliver(std::string type, JsonObject params) {
    asio::io_context loop;
    Dialer dialer(loop.get_executor());
    HttpClient http(dialer);
    Secrets secrets;
    Notifier notifier(http, secrets);
    ChannelPolicy const channel{"ops", std::move(type), std::move(params), ""};
    DeliveryResult result;
    asio::co_spawn(
        loop, store(notifier.deliver(channel, message()), result),
        [](std::exception_ptr problem) {
            if (problem) std::rethrow_exception(problem);
        }
    );
    loop.run();
    return result;
}

DeliveryResult deliver_to(HttpServer const& server, JsonObject more = {}) {
    more["url"] = server.url("/hook/s3cr3t-path");
    return deliver("webhook", std::move(more));
}

bool contains(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a webhook posts JSON with the message's id, and 2xx is delivered") {
    HttpServer const server([](std::string const&) { return response(204); });
    CHECK(deliver_to(server).kind == DeliveryKind::delivered);
    REQUIRE(server.requests().size() == 1);
    auto const request = server.requests()[0];
    CHECK(request.starts_with("POST /hook/s3cr3t-path "));
    CHECK(contains(request, "Content-Type: application/json"));
    CHECK(contains(request, "Idempotency-Key: msg-1"));
    CHECK(contains(request, R"("event":"incident.opened")"));
}

TEST_CASE("429 and 5xx are tried later, as late as the receiver asks; other answers give up") {
    auto const answer_of = [](int status, std::string const& headers = {}) {
        HttpServer const server([&](std::string const&) { return response(status, "why", headers); }
        );
        return deliver_to(server);
    };
    for (int const status : {408, 429, 500, 503}) {
        CAPTURE(status);
        CHECK(answer_of(status).kind == DeliveryKind::retry);
    }
    for (int const status : {301, 400, 401, 403, 404, 410}) {
        CAPTURE(status);
        auto const result = answer_of(status);
        CHECK(result.kind == DeliveryKind::give_up);
        CHECK(contains(result.text, std::to_string(status)));
    }
    CHECK(answer_of(429, "Retry-After: 30\r\n").retry_after == Duration(std::chrono::seconds(30)));
    CHECK(
        answer_of(503, "Retry-After: 99999999\r\n").retry_after == Duration(std::chrono::hours(1))
    );
    CHECK_FALSE(answer_of(503, "Retry-After: soon\r\n").retry_after);
}

TEST_CASE("a receiver that is silent or gone is tried later, and no text names the URL") {
    HttpServer const silent([](std::string const&) { return std::string(); });
    auto const late = deliver_to(silent, {{"timeout", 200'000'000}});
    CHECK(late.kind == DeliveryKind::retry);
    CHECK(contains(late.text, "timeout"));
    HttpServer const echo([](std::string const& request) { return response(404, request); });
    auto const result = deliver_to(echo);
    CHECK(result.text.starts_with("ops: status 404"));
    CHECK(contains(result.text, "POST [secret]"));
    CHECK_FALSE(contains(late.text + result.text, "s3cr3t"));
    auto const gone = deliver("webhook", {{"url", "http://127.0.0.1:1/hook/s3cr3t"}});
    CHECK(gone.kind == DeliveryKind::retry);
    CHECK_FALSE(contains(gone.text, "s3cr3t"));
}

TEST_CASE("URL and signing key come from files, and the signature is the body's HMAC") {
    TempDir dir;
    HttpServer const server([](std::string const&) { return response(200); });
    dir.write("url", server.url("/from-file") + "\n");
    dir.write("key", "topsecret\n");
    auto const result = deliver(
        "webhook",
        {{"url_file", dir.path("url")}, {"secret_file", dir.path("key")}, {"format", "slack"}}
    );
    CHECK(result.kind == DeliveryKind::delivered);
    REQUIRE(server.requests().size() == 1);
    auto const request = server.requests()[0];
    auto const body = request.substr(request.find("\r\n\r\n") + 4);
    CHECK(contains(body, R"("text":"shop is down)"));
    dir.write("body", body);
    auto const digest = sh("openssl dgst -sha256 -hmac topsecret -r body | cut -c1-64", dir.path());
    CHECK(contains(request, "X-Rollbackd-Signature: sha256=" + digest));
    CHECK(deliver("webhook", {{"url_file", dir.path("missing")}}).kind == DeliveryKind::retry);
}

TEST_CASE("exec hands the message over as JSON on standard input") {
    TempDir dir;
    auto const run = [&](std::string const& line) {
        return deliver("exec", {{"argv", {"sh", "-c", line}}, {"timeout", 2'000'000'000}});
    };
    CHECK(run("cat >" + dir.path("got")).kind == DeliveryKind::delivered);
    auto const got = parse_json(dir.read("got").substr(0, dir.read("got").find('\n')));
    REQUIRE(got);
    CHECK(text_of(*got, "text") == "shop is down");
    auto const failed = run("echo no network; exit 1");
    CHECK(failed.kind == DeliveryKind::retry);
    CHECK(contains(failed.text, "no network"));
    CHECK(deliver("exec", {{"argv", {"/nonexistent"}}}).kind == DeliveryKind::give_up);
    CHECK(deliver("pigeon", {}).kind == DeliveryKind::give_up);
}
