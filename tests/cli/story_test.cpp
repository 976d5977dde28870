#include "cli/story.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;
using namespace rollbackd::cli;

namespace {

Story story(std::string const& text) { return story_of(*parse_json(text)); }

std::string incident(std::string const& state, std::string const& more = "") {
    return R"({"id":"INC-7","service":"shop","state":")" + state +
           R"json(","triggers":[{"name":"errors","why":"failure_ratio(requests, 5m) 4.1 % > 1 %"}])json" +
           more + "}";
}

}  // namespace

TEST_CASE("a story says what is broken for whom, with its arithmetic") {
    CHECK(
        story(incident("open")).broken == "shop: errors (failure_ratio(requests, 5m) 4.1 % > 1 %)"
    );
}

TEST_CASE("every state has a next thing and a command or nothing for the reader") {
    struct Case {
        std::string state;
        std::string next;
        std::string you;
    };
    auto const [state, next, you] = GENERATE(
        Case{"open", "watches until", "rollbackctl ack INC-7"},
        Case{"waiting", "waits for approval", "rollbackctl approve INC-7"},
        Case{"acting", "then verifies", "nothing"}, Case{"verifying", "verifies", "nothing"},
        Case{"unverified", "until data decides", "rollbackctl resolve INC-7"},
        Case{"frozen", "until a person", "rollbackctl resolve INC-7"},
        Case{"resolved", "over", "nothing"}
    );
    auto const told = story(incident(state));
    CHECK(told.next.find(next) != std::string::npos);
    CHECK(told.you.find(you) != std::string::npos);
}

TEST_CASE("why nothing was done names guard and letter, each reason once") {
    auto const told = story(incident(
        "open",
        R"(,"refusals":[{"guard":"no_target","letter":"d","text":"no good version","playbook":"back"},
           {"guard":"no_target","letter":"d","text":"no good version","playbook":"back"}])"
    ));
    CHECK(told.did == "held back: back: no good version (no_target, d)");
}

TEST_CASE("a step people must confirm is the command") {
    auto const told =
        story(incident("acting", R"(,"runs":[{"playbook":"restore","state":"running","steps":[
            {"n":1,"type":"exec","state":"done"},{"n":2,"type":"manual","state":"waiting"}]}])"));
    CHECK(told.you.find("rollbackctl confirm INC-7 2") == 0);
    CHECK(told.next == "waits for people at step 2 of 2 of restore");
}

TEST_CASE("an interrupted run asks for its unsettled step before anything else") {
    auto const told = story(incident(
        "frozen",
        R"(,"runs":[{"playbook":"restore","state":"interrupted","steps":[{"n":1,"type":"exec","state":"unknown"}]}])"
    ));
    CHECK(told.you.find("rollbackctl confirm INC-7 1") == 0);
}

TEST_CASE("open duties remain after an incident is resolved") {
    auto const told =
        story(incident("resolved", R"(,"duties":[{"n":1,"state":"done"},{"n":2,"state":"open"}])"));
    CHECK(told.you == "rollbackctl confirm INC-7 duty:2");
}

TEST_CASE("the daemon's own words win over made ones") {
    auto const told =
        story(R"({"id":"INC-7","state":"open","summary":"a","did":"b","next":"c","command":"d"})");
    CHECK(told == Story{"a", "b", "c", "d"});
}

TEST_CASE("a story of an empty or strange answer is still a story") {
    CHECK_FALSE(story("{}").next.empty());
    CHECK_FALSE(story(R"({"triggers":7,"runs":[3,null],"duties":{"a":1},"state":9})").next.empty());
}
