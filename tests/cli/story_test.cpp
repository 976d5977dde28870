#include "cli/story.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;
using namespace rollbackd::cli;

TEST_CASE("a story is the daemon's own words in their order, made harmless") {
    auto const incident = parse_json(
        R"({"id":"INC-7","summary":"a","did":"b\u001b[2J","next":"c","must":"d: rollbackctl ack INC-7"})"
    );
    CHECK(story_of(*incident) == Story{"a", "b\\x1b[2J", "c", "d: rollbackctl ack INC-7"});
    CHECK(story_of(*parse_json(R"({"summary":7,"did":[]})")) == Story{"7", "", "", ""});
}

TEST_CASE("of several runs the newest in a wanted state is found") {
    auto const incident = parse_json(
        R"({"runs":[{"id":"RUN-1","state":"failed"},{"id":"RUN-2","state":"waiting"},
            {"id":"RUN-3","state":"failed"}]})"
    );
    auto const* const failed = newest_run(*incident, {"failed", "aborted"});
    REQUIRE(failed != nullptr);
    CHECK(text_of(*failed, "id") == "RUN-3");
    CHECK(newest_run(*incident, {"running"}) == nullptr);
}

TEST_CASE("a refusal names its playbook, guard and letter") {
    auto const refusal = parse_json(
        R"({"guard":"no_target","letter":"d","text":"no good version","playbook":"back"})"
    );
    CHECK(refusal_text(*refusal) == "back: no good version (no_target, d)");
}
