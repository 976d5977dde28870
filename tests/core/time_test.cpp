#include "core/time.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;
using namespace std::chrono_literals;

TEST_CASE("RFC 3339 times are read with offsets and fractions, and written in UTC") {
    auto const time = parse_rfc3339("2026-01-31T13:30:00.25+01:30");
    REQUIRE(time);
    CHECK(format_rfc3339(*time) == "2026-01-31T12:00:00.250000Z");
    CHECK(format_moment(*time) == "2026-01-31 12:00:00Z");
    CHECK(parse_rfc3339("2026-01-31T12:00:00.123456789Z"));
    for (auto const* wrong :
         {"", "2026-01-31", "2026-02-30T00:00:00Z", "2026-01-31T12:00:00", "2026-01-31T25:00:00Z",
          "2026-01-31T12:00:00Zx"}) {
        CHECK_FALSE(parse_rfc3339(wrong));
    }
}

TEST_CASE("durations are read in every unit and written in the shortest exact form") {
    CHECK(parse_duration("1h30m") == Duration(90min));
    CHECK(parse_duration("500ms") == Duration(500ms));
    CHECK(parse_duration("1.5s") == Duration(1500ms));
    CHECK(format_duration(90s) == "1m30s");
    CHECK(format_duration(0s) == "0s");
    for (auto const* wrong : {"", "5", "s", "-5s", "5 s", "5x", "1e400s"}) {
        CHECK_FALSE(parse_duration(wrong));
    }
}

TEST_CASE("an instant of another moment maps onto this boot's timeline and back") {
    Now const now{Instant(100s), WallTime(std::chrono::sys_days(std::chrono::year(2026) / 1 / 1))};
    CHECK(to_instant(now.wall - 200s, now) == Instant(-100s));
    CHECK(to_wall(Instant(40s), now) == now.wall - 60s);
}

TEST_CASE("a time that nanoseconds cannot hold is a century away") {
    Now const now{
        Instant(1000s), WallTime(std::chrono::sys_days(std::chrono::year(2026) / 1 / 31))
    };
    WallTime const far = std::chrono::sys_days(std::chrono::year(4052) / 1 / 31);
    WallTime const early = std::chrono::sys_days(std::chrono::year(1) / 1 / 1);
    CHECK(to_instant(far, now) == now.boot + std::chrono::years(100));
    CHECK(to_instant(early, now) == now.boot - std::chrono::years(100));
}
