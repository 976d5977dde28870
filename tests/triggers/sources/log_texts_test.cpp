#include "triggers/sources/log_texts.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

std::string frame(char stream, std::string const& text) {
    std::string head(8, '\0');
    head[0] = stream;
    head[6] = static_cast<char>(text.size() >> 8U);
    head[7] = static_cast<char>(text.size() & 255U);
    return head + text;
}

}  // namespace

TEST_CASE("the journal's lines have their message, their time and a place to go on from") {
    auto const parsed = parse_journal(
        R"({"MESSAGE":"one","__REALTIME_TIMESTAMP":"1700000000000001","__CURSOR":"s=1"})"
        "\nnonsense\n"
        R"({"MESSAGE":[255,65],"__REALTIME_TIMESTAMP":"x","__CURSOR":"s=2"})"
        "\n"
        R"({"MESSAGE":null,"__CURSOR":"s=3"})"
        "\n"
    );
    REQUIRE(parsed.lines.size() == 2);
    CHECK(parsed.lines[0].line.text == "one");
    CHECK(parsed.lines[0].line.time == WallTime(std::chrono::microseconds(1700000000000001)));
    CHECK(
        parsed.lines[1].line.text ==
        "\xff"
        "A"
    );
    CHECK_FALSE(parsed.lines[1].line.time);
    CHECK(parsed.lines[1].cursor == "s=2");
    CHECK(parsed.cursor == "s=3");
    CHECK(parsed.unreadable == 2);
}

TEST_CASE("a container's two streams are put together by time") {
    auto const parsed = parse_container_log(
        frame(1, "2026-01-31T12:00:00.000000001Z first\n2026-01-31T12:00:00.000000003Z third\n") +
        frame(2, "2026-01-31T12:00:00.000000002Z second\n")
    );
    REQUIRE(parsed.lines.size() == 3);
    CHECK(parsed.lines[0].line.text == "first");
    CHECK(parsed.lines[1].line.text == "second");
    CHECK(parsed.lines[2].line.text == "third");
    CHECK(parsed.unreadable == 0);
}

TEST_CASE("a terminal's log is plain, and what is torn or timeless is left out") {
    auto const plain = parse_container_log("2026-01-31T12:00:00.5Z hello there\r\nno time\n");
    REQUIRE(plain.lines.size() == 1);
    CHECK(plain.lines[0].line.text == "hello there");
    CHECK(plain.unreadable == 1);
    auto const torn = frame(1, "2026-01-31T12:00:00.5Z hello\n");
    CHECK(parse_container_log(torn.substr(0, 20)).lines.empty());
    CHECK(parse_container_log(torn.substr(0, 20)).unreadable == 1);
    CHECK(parse_container_log("").lines.empty());
}

TEST_CASE("a stamp keeps its nanoseconds for the next question") {
    CHECK(unix_stamp("2026-01-31T12:00:00.123456789Z") == "1769860800.123456789");
    CHECK(unix_stamp("2026-01-31T12:00:00Z") == "1769860800.0");
    CHECK(unix_stamp("yesterday").empty());
}
