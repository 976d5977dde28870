#include "api/idempotency.hpp"

#include "core/record.hpp"
#include "tests/api/support/fake_host.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;
using namespace rollbackd::api;
using namespace rollbackd::api::testing;
using namespace std::chrono_literals;

namespace {

constexpr char const* path = "/v1/services/shop/deployments";

Received keyed(
    Desk& desk, std::string const& body, std::string const& key, std::string const& role = "ingest"
) {
    return desk.ask("POST", path, body, role, {{"idempotency-key", key}});
}

std::size_t deployments(Desk& desk) { return desk.get(path).json().at("items").as_array().size(); }

}  // namespace

TEST_CASE("a key is the same bare or quoted") {
    CHECK(idempotency_key("k-1") == "k-1");
    CHECK(idempotency_key("\"k-1\"") == "k-1");
}

TEST_CASE("the same request with the same key is carried out once and answered twice") {
    Desk desk;
    auto const first = keyed(desk, R"({"version":"once"})", "k-1");
    auto const again = keyed(desk, R"({"version":"once"})", "\"k-1\"");
    CHECK(first.status == 201);
    CHECK(again.status == 201);
    CHECK(first.body == again.body);
    CHECK(again.headers.at("Location") == first.headers.at("Location"));
    CHECK(again.headers.at("Idempotency-Replayed") == "true");
    CHECK(deployments(desk) == 1);
}

TEST_CASE("another body with the same key is 422") {
    Desk desk;
    keyed(desk, R"({"version":"once"})", "k-1");
    CHECK(keyed(desk, R"({"version":"other"})", "k-1").status == 422);
    CHECK(deployments(desk) == 1);
}

TEST_CASE("keys of other tokens, paths and methods are other keys") {
    Desk desk;
    keyed(desk, R"({"version":"a"})", "k-1");
    CHECK(keyed(desk, R"({"version":"b"})", "k-1", "admin").status == 201);
    CHECK(
        desk.ask("POST", "/v1/pause", "{}", "ingest", {{"idempotency-key", "k-1"}}).status == 403
    );
    CHECK(desk.ask("POST", "/v1/pause", "{}", "admin", {{"idempotency-key", "k-1"}}).status == 200);
    CHECK(deployments(desk) == 2);
}

TEST_CASE("a refusal is replayed too, one that passes is not") {
    Desk desk;
    auto const refused = keyed(desk, R"({"version":""})", "k-1");
    CHECK(refused.status == 422);
    CHECK(keyed(desk, R"({"version":""})", "k-1").body == refused.body);
    desk.host.queue_full = true;
    auto const push = [&] {
        return desk.ask(
            "POST", "/v1/services/shop/signals/webhooks", R"({"ok":true})", "ingest",
            {{"idempotency-key", "k-2"}}
        );
    };
    CHECK(push().status == 429);
    desk.host.queue_full = false;
    CHECK(push().status == 202);
    CHECK(push().status == 202);
    CHECK(desk.host.samples.size() == 1);
}

TEST_CASE("answers survive a restart, and after 24 h the key is new") {
    Desk desk;
    auto const first = keyed(desk, R"({"version":"once"})", "k-1");
    Desk restarted;
    restarted.host.world.journal = desk.host.world.journal;
    for (auto const& record : desk.host.world.journal) restarted.host.world.engine.apply(record);
    auto const again = keyed(restarted, R"({"version":"once"})", "k-1");
    CHECK(again.body == first.body);
    CHECK(deployments(restarted) == 1);
    restarted.host.world.pass(24h + 1s);
    CHECK(keyed(restarted, R"({"version":"new"})", "k-1").status == 201);
}

TEST_CASE("a request that was begun and cut off is told so and never carried out again") {
    Desk desk;
    keyed(desk, R"({"version":"once"})", "k-1");
    // The journal of a daemon that died before the answer was recorded.
    Desk restarted;
    for (auto const& record : desk.host.world.journal) {
        restarted.host.world.journal.push_back(record);
        restarted.host.world.engine.apply(record);
        if (record.kind == "request.answered") break;
    }
    CHECK(keyed(restarted, R"({"version":"once"})", "k-1").status == 409);
    CHECK(keyed(restarted, R"({"version":"else"})", "k-1").status == 422);
    CHECK(deployments(restarted) == 0);
}

TEST_CASE("whatever changes something is not carried out again while its end is not known") {
    for (auto const& endpoint : endpoints()) {
        if (endpoint.effect == Effect::none) continue;
        CAPTURE(endpoint.method, endpoint.pattern);
        std::string target(endpoint.pattern);
        if (auto const n = target.find("{n}"); n != target.npos) target.replace(n, 3, "1");
        for (auto& c : target) c = c == '{' || c == '}' ? 'x' : c;
        Desk desk;
        AnsweredRequest cut_off;
        cut_off.scope =
            sha256_hex("test-admin\n" + std::string(endpoint.method) + "\n" + target + "\nk");
        cut_off.body_hash = sha256_hex("{}");
        cut_off.at.wall = desk.host.world.now.wall;
        desk.host.world.send(RequestAnswered{cut_off});
        auto const method = std::string(endpoint.method);
        auto const again = desk.ask(method, target, "{}", "admin", {{"idempotency-key", "k"}});
        CHECK(again.status == 409);
    }
}

TEST_CASE("a key that is not visible or too long is 400") {
    Desk desk;
    std::string const quoted = "\"" + std::string(256, 'k') + "\"";
    for (auto const& key :
         {std::string(), std::string("\"\""), std::string("a b"), quoted, std::string("a\"b"),
          std::string(256, 'k')}) {
        CAPTURE(key);
        CHECK(keyed(desk, R"({"version":"x"})", key).status == 400);
    }
    CHECK(deployments(desk) == 0);
    CHECK(keyed(desk, R"({"version":"x"})", std::string(255, 'k')).status == 201);
}
