#include "core/io/http_expect.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

HttpVerdict judged(char const* expect, unsigned status, std::string body = {}) {
    HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    return judge(*parse_json(expect), response);
}

constexpr auto body = R"({"status":"ok","n":1,"deep":{"list":[true,null]},"a/b":"1"})";

}  // namespace

TEST_CASE("without a status any 2xx is met, and nothing else") {
    CHECK(judged("{}", 200) == HttpVerdict{});
    CHECK(judged("{}", 299) == HttpVerdict{});
    CHECK(judged("null", 204) == HttpVerdict{});
    CHECK(judged("{}", 302).reason == "status: 302, expected 2xx");
    CHECK(judged(R"({"body":"x"})", 500).reason == "status: 500, expected 2xx");
}

TEST_CASE("a status is a number, a class or a list") {
    CHECK(judged(R"({"status":418})", 418) == HttpVerdict{});
    CHECK(judged(R"({"status":418})", 200).judgement == HttpJudgement::failed);
    CHECK(judged(R"({"status":"3xx"})", 302) == HttpVerdict{});
    CHECK(judged(R"({"status":[200,"4xx"]})", 404) == HttpVerdict{});
    CHECK(judged(R"({"status":[200,"4xx"]})", 201).reason == "status: 201, expected [200,\"4xx\"]");
}

TEST_CASE("a body must contain its text") {
    CHECK(judged(R"({"body":"wel"})", 200, "a welcome") == HttpVerdict{});
    CHECK(
        judged(R"({"body":"Wel"})", 200, "a welcome").reason ==
        "content: the body does not contain \"Wel\""
    );
}

TEST_CASE("JSON members are compared with their types") {
    CHECK(
        judged(R"({"json":{"/status":"ok","/n":1,"/deep/list/0":true,"/a~1b":"1"}})", 200, body) ==
        HttpVerdict{}
    );
    CHECK(judged(R"({"json":{"/n":1.0}})", 200, body) == HttpVerdict{});
    CHECK(judged(R"({"json":{"/n":"1"}})", 200, body).reason == "content: /n is 1, expected \"1\"");
    CHECK(judged(R"({"json":{"/a~1b":1}})", 200, body).judgement == HttpJudgement::failed);
    CHECK(
        judged(R"({"json":{"/deep/list/0":"true"}})", 200, body).judgement == HttpJudgement::failed
    );
    CHECK(judged(R"({"json":{"/deep/list/1":null}})", 200, body) == HttpVerdict{});
}

TEST_CASE("a missing member is unknown, unless another one is wrong") {
    auto const missing = judged(R"({"json":{"/none":0}})", 200, body);
    CHECK(missing == HttpVerdict{HttpJudgement::unknown, "missing: the answer has no /none"});
    CHECK(judged(R"({"json":{"/none":0,"/n":2}})", 200, body).judgement == HttpJudgement::failed);
    CHECK(judged(R"({"json":{"/none":0}})", 500, body).judgement == HttpJudgement::failed);
}

TEST_CASE("a member that must be there may hold anything, and without it the answer has failed") {
    CHECK(judged(R"({"has":["/n","/deep/list/1"]})", 200, body) == HttpVerdict{});
    auto const without = judged(R"({"json":{"/n":1,"/none":0},"has":["/timestamp"]})", 200, body);
    CHECK(without.judgement == HttpJudgement::failed);
    CHECK(without.reason == "content: the answer has no /timestamp");
    CHECK(judged(R"({"has":["/n"]})", 200, "ok").judgement == HttpJudgement::failed);
    CHECK(needs_body(*parse_json(R"({"has":["/n"]})")));
}

TEST_CASE("a body that is not JSON where JSON is expected has failed") {
    CHECK(judged(R"({"json":{"/n":1}})", 200, "<html>")
              .reason.starts_with("content: the body is not JSON"));
}

TEST_CASE("a pointer without its slash is found before anything is asked") {
    CHECK(problems_of_expect(*parse_json(R"({"json":{"status":"ok"}})")).size() == 1);
    CHECK(problems_of_expect(*parse_json(R"({"json":{"/status":"ok"},"status":200})")).empty());
    auto const found = problems_of_expect(*parse_json(R"({"has":["/n","timestamp"]})"));
    REQUIRE(found.size() == 1);
    CHECK(found[0].where == "expect.has");
    CHECK(found[0].what.ends_with("did you mean \"/timestamp\"?"));
}
