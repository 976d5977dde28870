#include "api/body.hpp"

#include "api/problem.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;
using namespace rollbackd::api;

namespace {

Request with_body(std::string body) {
    Request request;
    request.body = std::move(body);
    return request;
}

}  // namespace

TEST_CASE("an empty body reads as an empty object") {
    Members members(with_body(" \n"));
    CHECK(!members.text("reason"));
    CHECK(!members.refusal());
}

TEST_CASE("malformed text is 400, and what is no object is 422") {
    for (auto const* const body : {"{", "nonsense", "{\"a\":1,}", "{} {}", "\xff"}) {
        Members members(with_body(body));
        CAPTURE(body);
        auto const refusal = members.refusal();
        REQUIRE(refusal);
        CHECK(refusal->status == 400);
    }
    for (auto const* const body : {"[]", "7", "null", "\"x\""}) {
        Members members(with_body(body));
        auto const refusal = members.refusal();
        REQUIRE(refusal);
        CHECK(refusal->status == 422);
    }
}

TEST_CASE("every mistake is told at once, each with its pointer") {
    Members members(with_body(R"({"reason":7,"dry":true,"at":"yesterday","for":"-1s","a/b~c":1})"));
    CHECK(members.required_text("reason").empty());
    CHECK(!members.boolean("dry_run"));
    CHECK(!members.time("at"));
    CHECK(!members.duration("for"));
    CHECK(members.required_text("version").empty());
    auto const refusal = members.refusal();
    REQUIRE(refusal);
    CHECK(refusal->status == 422);
    std::vector<std::string> pointers;
    for (auto const& mistake : refusal->problem->errors) pointers.push_back(mistake.pointer);
    CHECK(
        pointers ==
        std::vector<std::string>{"/reason", "/at", "/for", "/version", "/dry", "/a~1b~0c"}
    );
}

TEST_CASE("an unknown member is told with the one that was meant") {
    Members members(with_body(R"({"reson":"x"})"));
    members.text("reason");
    auto const refusal = members.refusal();
    REQUIRE(refusal);
    CHECK(refusal->problem->detail.find("did you mean reason?") != std::string::npos);
}

TEST_CASE("null is as good as absent") {
    Members members(with_body(R"({"service":null})"));
    CHECK(!members.text("service"));
    CHECK(!members.refusal());
}

TEST_CASE("a text above its limit is a mistake") {
    Members members(with_body(R"({"reason":"12345"})"));
    CHECK(!members.text("reason", 4));
    CHECK(members.refusal()->status == 422);
}

TEST_CASE("a problem has every member of RFC 9457 and harmless text") {
    auto response = refuse(404, "no service \x1b[2J", {Mistake{"wrong", "/a"}});
    Request request;
    request.path = "/v1/services/\x1b";
    request.id = "call-1";
    finish_problem(response, request);
    auto const body = parse_json(response.body);
    REQUIRE(body);
    CHECK(response.content_type == "application/problem+json");
    CHECK(text_of(*body, "type") == "about:blank");
    CHECK(text_of(*body, "title") == "Not Found");
    CHECK(body->at("status") == 404);
    CHECK(text_of(*body, "detail") == "no service \\x1b[2J");
    CHECK(text_of(*body, "instance") == "/v1/services/\\x1b");
    CHECK(text_of(*body, "request_id") == "call-1");
    CHECK(text_of(body->at("errors").at(0), "pointer") == "/a");
}

TEST_CASE("every error code has the status a client expects") {
    CHECK(status_of(Errc::invalid) == 422);
    CHECK(status_of(Errc::not_found) == 404);
    CHECK(status_of(Errc::conflict) == 409);
    CHECK(status_of(Errc::forbidden) == 403);
    CHECK(status_of(Errc::unavailable) == 503);
    CHECK(status_of(Errc::too_large) == 413);
    CHECK(status_of(Errc::timeout) == 504);
    CHECK(status_of(Errc::internal) == 500);
}
