#include "actions/steps/pull_request_text.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

constexpr char const* good = "1111111111111111111111111111111111111111";

std::string pull(int number, std::string const& state, std::string const& more = "") {
    return R"({"number":)" + std::to_string(number) + R"(,"state":")" + state +
           R"(","html_url":"https://forge.example.com/example/shop/pull/)" +
           std::to_string(number) + R"(","merged_at":null,"head":{"ref":"back","sha":")" + good +
           R"("})" + more + "}";
}

Json json(std::string const& text) { return *parse_json(text); }

}  // namespace

TEST_CASE("a pull request is open, merged or closed, and merged says more than closed") {
    CHECK(read_pull_request(json(pull(7, "open")))->state == PullState::open);
    CHECK(read_pull_request(json(pull(7, "closed")))->state == PullState::closed);
    CHECK(
        read_pull_request(json(pull(7, "closed", R"(,"merged":true)")))->state == PullState::merged
    );
    auto const listed =
        read_pull_request(json(R"({"number":7,"state":"closed","merged_at":"2026-01-31T12:00:00Z"})"
        ));
    CHECK(listed->state == PullState::merged);
    CHECK(read_pull_request(json(pull(7, "open")))->head == good);
}

TEST_CASE("what is no pull request is not taken for one") {
    for (auto const* const text :
         {"null", "[]", "{}", R"({"number":"7","state":"open"})", R"({"number":0,"state":"open"})",
          R"({"number":7})", R"({"number":7,"state":"draft"})"}) {
        INFO(text);
        CHECK_FALSE(read_pull_request(json(text)));
    }
    CHECK_FALSE(choose_pull_request(json(R"({"message":"hello"})"), "back", good));
}

TEST_CASE("the open one of a branch is chosen, else the newest that stood at the same commit") {
    auto const list = [](std::string const& text) {
        return *choose_pull_request(json("[" + text + "]"), "back", good);
    };
    CHECK_FALSE(list(""));
    CHECK(list(pull(9, "closed") + "," + pull(8, "open"))->number == 8);
    CHECK(list(pull(9, "closed") + "," + pull(8, "closed"))->number == 9);
    CHECK_FALSE(list(
        R"({"number":9,"state":"closed","head":{"ref":"back","sha":"2222222222222222222222222222222222222222"}})"
    ));
    CHECK_FALSE(list(R"({"number":9,"state":"open","head":{"ref":"other","sha":"x"}})"));
}

TEST_CASE("the forge's own words say what it has against a request") {
    CHECK(forge_message(R"({"message":"Bad credentials"})") == "Bad credentials");
    CHECK(
        forge_message(
            R"({"message":"Validation Failed","errors":[{"code":"custom","message":"A pull request already exists for example:back."},{"code":"missing"},"x"]})"
        ) == "Validation Failed; A pull request already exists for example:back.; missing; x"
    );
    CHECK(forge_message("<html>") == "");
    CHECK(forge_message("[1]") == "");
    CHECK(forge_message(R"({"message":"two\nlines"})").find('\n') == std::string::npos);
    CHECK(forge_message(R"({"message":")" + std::string(9000, 'x') + R"("})").size() < 1000);
}

TEST_CASE("a forge that is busy or away is asked again") {
    for (unsigned const status : {408U, 429U, 500U, 502U, 503U}) CHECK(is_passing_status(status));
    for (unsigned const status : {200U, 400U, 401U, 403U, 404U, 405U, 409U, 422U}) {
        CHECK_FALSE(is_passing_status(status));
    }
}
