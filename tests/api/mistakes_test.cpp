// What a client that errs is told: the member, the name that was meant, where to look.
#include "tests/api/support/fake_host.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;
using namespace rollbackd::api::testing;

namespace {

/// The pointers of a problem's errors, in order.
std::vector<std::string> pointers(Json const& problem) {
    std::vector<std::string> out;
    auto const* const errors = find(problem, "errors");
    if (errors == nullptr) return out;
    for (auto const& error : errors->as_array()) out.push_back(text_of(error, "pointer"));
    return out;
}

using Pointers = std::vector<std::string>;

}  // namespace

TEST_CASE("a wrong service in a body is 404 with the one that was meant") {
    Desk desk;
    for (auto const* const path : {"/v1/pause", "/v1/resume", "/v1/silences"}) {
        CAPTURE(path);
        std::string const more =
            path == std::string("/v1/silences") ? R"(,"for":"1h","reason":"x")" : "";
        auto const answer = desk.post(path, R"({"service":"shpo")" + more + "}");
        CHECK(answer.status == 404);
        CHECK(text_of(answer.json(), "detail") == "no service named shpo; did you mean shop?");
    }
}

TEST_CASE("every member that is wrong is pointed at, and once") {
    Desk desk;
    auto const deployments = std::string("/v1/services/shop/deployments");
    for (auto const* const version : {"v 1", "{{ version }}", "-x", "a\\nb"}) {
        CAPTURE(version);
        auto const body = R"({"version":")" + std::string(version) + "\"}";
        auto const answer = desk.post(deployments, body);
        CHECK(answer.status == 422);
        CHECK(pointers(answer.json()) == Pointers{"/version"});
    }
    auto const silence = desk.post("/v1/silences", R"({"for":3600,"reason":"x"})");
    CHECK(silence.status == 422);
    CHECK(pointers(silence.json()) == Pointers{"/for"});
    auto const inputs =
        desk.post("/v1/services/shop/playbooks/payments-off/runs", R"({"inputs":{"x":1}})");
    CHECK(inputs.status == 422);
    CHECK(pointers(inputs.json()) == Pointers{"/inputs"});
}

TEST_CASE("a push in lines is one whatever the case of its type") {
    Desk desk;
    auto const path = std::string("/v1/services/shop/signals/webhooks");
    auto const lines = desk.ask(
        "POST", path, "{\"ok\":true}\n{\"ok\":false}\n", "ingest",
        {{"content-type", "Application/X-NDJSON; charset=utf-8"}}
    );
    CHECK(lines.status == 202);
    CHECK(lines.json().at("accepted") == 2);
}

TEST_CASE("a member that is too long is the member's fault, not the body's size") {
    Desk desk;
    auto const path = std::string("/v1/services/shop/signals/webhooks");
    auto const answer = desk.post(path, R"({"ok":true,"id":")" + std::string(300, 'x') + "\"}");
    CHECK(answer.status == 422);
    CHECK(pointers(answer.json()) == Pointers{"/id"});
    auto const named = desk.post(path, R"({"ok":true,"not JSON":1})");
    CHECK(named.status == 422);
}

TEST_CASE("a verdict that is missing is pointed at") {
    Desk desk;
    desk.post("/v1/services/shop/triggers/down/raise", R"({"reason":"seen"})");
    auto const answer = desk.post("/v1/incidents/INC-1/verdict", "{}");
    CHECK(answer.status == 422);
    CHECK(pointers(answer.json()) == Pointers{"/verdict"});
}

TEST_CASE("what was created says where it is") {
    Desk desk;
    auto const made = desk.post("/v1/services/shop/deployments", R"({"version":"feature/x#1"})");
    CHECK(made.status == 201);
    auto const place = made.headers.at("Location");
    CHECK(place == "/v1/services/shop/versions/feature%2Fx%231");
    CHECK(text_of(desk.get(place).json(), "standing") == "baking");
    auto const run = desk.post("/v1/services/shop/playbooks/payments-off/runs");
    CHECK(run.status == 201);
    CHECK(desk.get(run.headers.at("Location")).status == 200);
}

TEST_CASE("a pause of everything names who paused, for each service too") {
    Desk desk;
    desk.post("/v1/pause", "{}", "operate");
    auto const resumed = desk.post("/v1/resume", R"({"service":"shop"})").json();
    CHECK(resumed.at("paused") == true);
    CHECK(text_of(resumed, "by") == "test-operate");
}
