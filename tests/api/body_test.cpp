#include "api/body.hpp"

#include "api/problem.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;
using namespace rollbackd::api;

namespace {

Request with_body(std::string_view body) {
    Request request;
    request.json = parse_json(body).value();
    return request;
}

}  // namespace

TEST_CASE("members are read as what they are, and null is as good as absent") {
    auto const request = with_body(
        R"({"reason":"x","force":true,"at":"2026-01-31T12:00:00Z","for":"90s","inputs":{"a":1},"id":null})"
    );
    Members members(request);
    CHECK(members.text("reason") == "x");
    CHECK(members.boolean("force") == true);
    CHECK(members.time("at") == parse_rfc3339("2026-01-31T12:00:00Z").value());
    CHECK(members.duration("for") == std::chrono::seconds(90));
    CHECK(members.object("inputs").contains("a"));
    CHECK(!members.has("id"));
    CHECK(!members.text("id"));
    CHECK(!members.time("until"));
    CHECK(members.object("others").empty());
    CHECK(!members.refusal());
}

TEST_CASE("what no schema knows to be wrong is told at once, each with its pointer") {
    auto const request = with_body(R"({"for":"0s","a/b~c":1})");
    Members members(request);
    CHECK(!members.duration("for"));
    members.mistake("a/b~c", "lies in the past");
    auto const refusal = members.refusal();
    REQUIRE(refusal);
    CHECK(refusal->status == 422);
    CHECK(refusal->problem->detail.starts_with("for: "));
    std::vector<std::string> pointers;
    for (auto const& mistake : refusal->problem->errors) pointers.push_back(mistake.pointer);
    CHECK(pointers == std::vector<std::string>{"/for", "/a~1b~0c"});
}

TEST_CASE("a duration longer than any clock runs is a mistake") {
    auto const request = with_body(R"({"for":"99999999999w"})");
    Members members(request);
    CHECK(!members.duration("for"));
    CHECK(members.refusal());
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
