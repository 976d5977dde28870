#include "actions/notify/pace.hpp"

#include "tests/catch.hpp"

namespace rollbackd {

namespace {

using namespace std::chrono_literals;

constexpr Instant start{-1h};  // a boot may lie before the epoch of its clock

TEST_CASE("after a quiet time five may go at once, then one every minute/rate", "[notify][pace]") {
    Pace pace;
    CHECK(pace.free(30, start) == 5);
    for (int i = 0; i < 5; ++i) {
        REQUIRE(pace.due(30, start) == start);
        pace.count(30, start);
    }
    CHECK(pace.free(30, start) == 0);
    CHECK(pace.due(30, start) == start + 2s);
    CHECK(pace.free(30, start + 2s - 1ns) == 0);
    CHECK(pace.free(30, start + 2s) == 1);
    pace.count(30, start + 2s);
    CHECK(pace.due(30, start + 2s) == start + 4s);
    CHECK(pace.free(30, start + 12s) == 5);
    CHECK(pace.free(30, start + 24h) == 5);
}

TEST_CASE("a minute never holds more than its rate and the burst", "[notify][pace]") {
    Pace pace;
    auto now = start;
    int sent = 0;
    while (now < start + 60s) {
        now = pace.due(20, now);
        pace.count(20, now);
        ++sent;
    }
    CHECK(sent == 25);
}

TEST_CASE("without a rate everything goes at once", "[notify][pace]") {
    Pace pace;
    for (int i = 0; i < 1000; ++i) pace.count(0, start);
    CHECK(pace.due(0, start) == start);
    CHECK(pace.free(0, start) > 0);
}

TEST_CASE("a rate that a reload makes slower counts from what went before", "[notify][pace]") {
    Pace pace;
    for (int i = 0; i < 5; ++i) pace.count(60, start);
    CHECK(pace.due(60, start) == start + 1s);
    CHECK(pace.free(1, start) == 4);
}

}  // namespace

}  // namespace rollbackd
