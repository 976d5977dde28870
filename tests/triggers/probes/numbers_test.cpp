#include "triggers/probes/numbers.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;

TEST_CASE("a number is finite and stands alone; anything else is none, never 0") {
    CHECK(number_of("1.5") == 1.5);
    CHECK(number_of("-2e3") == -2000);
    for (auto const* const none :
         {"", " 1", "1 ", "1,5", "NaN", "inf", "-Infinity", "0x", "1e999", "null"}) {
        CAPTURE(none);
        CHECK_FALSE(number_of(none));
    }
    CHECK(json_number(Json(4)) == 4);
    CHECK(json_number(Json("0.25")) == 0.25);
    for (auto const* const none : {"null", "true", "[1]", "{}", "\"\""}) {
        CAPTURE(none);
        CHECK_FALSE(json_number(*parse_json(none)));
    }
}

TEST_CASE("a count is whole and not negative") {
    CHECK(count_of("97") == 97u);
    CHECK(count_of("97.0") == 97u);
    CHECK(count_of("t") == 1u);
    CHECK(count_of("f") == 0u);
    for (auto const* const none : {"-1", "0.5", "1e30", "", "yes"}) {
        CAPTURE(none);
        CHECK_FALSE(count_of(none));
    }
    CHECK(json_count(Json(true)) == 1u);
    CHECK_FALSE(json_count(Json(nullptr)));
}

TEST_CASE("times are read as RFC 3339, as PostgreSQL writes them, and as seconds or milliseconds") {
    auto const noon = parse_rfc3339("2026-01-31T12:00:00.25Z").value();
    for (auto const* const text :
         {"2026-01-31T12:00:00.25Z", "2026-01-31 12:00:00.25+00", "2026-01-31 12:00:00.25",
          "2026-01-31 13:00:00.25+01:00", "1769860800.25", "1769860800250"}) {
        CAPTURE(text);
        CHECK(moment_of(text) == noon);
    }
    for (auto const* const none :
         {"", "noon", "2026-01-31", "-5", "1e300", "2026-01-31 12:00:00 CET"}) {
        CAPTURE(none);
        CHECK_FALSE(moment_of(none));
    }
}
