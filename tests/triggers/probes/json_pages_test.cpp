#include "triggers/probes/json_pages.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

std::string next(
    char const* params, char const* body,
    std::string const& url = "https://api.example.com/v1/events?limit=2"
) {
    auto const pages = JsonPages::make(parse_json(params)->get_object());
    REQUIRE(pages);
    auto const found =
        pages->next("https://api.example.com/v1/events?limit=2", url, *parse_json(body));
    if (!found) return found.error().what;
    return found->value_or("last");
}

}  // namespace

TEST_CASE("a list that is not in pages has one") {
    CHECK(next(R"({"items":"/data"})", R"({"data":[1],"next":"/x","has_more":true})") == "last");
}

TEST_CASE("a link leads to the next page, whole or as a path, and its absence ends the list") {
    auto const* const params = R"({"items":"/data","next":"/links/next"})";
    CHECK(
        next(params, R"({"links":{"next":"https://api.example.com/v1/events?page=2"}})") ==
        "https://api.example.com/v1/events?page=2"
    );
    CHECK(
        next(params, R"({"links":{"next":"/v1/events?page=2"}})") ==
        "https://api.example.com/v1/events?page=2"
    );
    for (auto const* const body :
         {"{}", R"({"links":{"next":null}})", R"({"links":{"next":""}})"}) {
        CAPTURE(body);
        CHECK(next(params, body) == "last");
    }
}

TEST_CASE("a link never leads to another server, for our token goes along, nor to itself") {
    auto const* const params = R"({"items":"/data","next":"/next"})";
    for (auto const* const body :
         {R"({"next":"https://evil.example.net/v1"})", R"({"next":"http://api.example.com/v1"})",
          R"({"next":"https://api.example.com:8443/v1"})", R"({"next":"//evil.example.net/"})"}) {
        CAPTURE(body);
        CHECK(next(params, body).starts_with("content: /next leads to another server"));
    }
    CHECK(
        next(params, R"({"next":"/v1/events?limit=2"})") == "content: /next leads to this very page"
    );
    CHECK(next(params, R"({"next":7})") == "content: /next is no address");
}

TEST_CASE("where an API wants the last member named, the next page begins after it") {
    auto const* const params =
        R"({"items":"/data","cursor":{"parameter":"starting_after","item":"/id","more":"/has_more"}})";
    CHECK(
        next(params, R"({"has_more":true,"data":[{"id":"a"},{"id":"evt 2&"}]})") ==
        "https://api.example.com/v1/events?limit=2&starting_after=evt%202%26"
    );
    CHECK(next(params, R"({"has_more":false,"data":[{"id":"a"}]})") == "last");
    CHECK(next(params, R"({"data":[{"id":"a"}]})") == "last");
    CHECK(next(params, R"({"has_more":"yes","data":[{"id":"a"}]})").starts_with("content: "));
    CHECK(
        next(params, R"({"has_more":true,"data":[{}]})") ==
        "content: the last member has no /id to go on from"
    );
    auto const* const until_empty =
        R"({"items":"/data","cursor":{"parameter":"after","item":"/id"}})";
    CHECK(next(until_empty, R"({"data":[{"id":3}]})").ends_with("&after=3"));
    CHECK(next(until_empty, R"({"data":[]})") == "last");
}

TEST_CASE("a pointer to pages without its slash is found at load") {
    for (auto const* const params :
         {R"({"items":"","next":"links"})",
          R"({"items":"","cursor":{"parameter":"a","item":"id"}})",
          R"({"items":"","cursor":{"parameter":"a","item":"/id","more":"more"}})"}) {
        CAPTURE(params);
        CHECK_FALSE(JsonPages::make(parse_json(params)->get_object()));
    }
}
