#include "core/io/clock.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;

TEST_CASE("one wall time is one instant, whenever it is asked") {
    RealClock const clock;
    auto const wall = clock.now().wall;
    auto const instant = to_instant(wall, clock.now());
    std::size_t others = 0;
    for (int i = 0; i < 2000; ++i) others += to_instant(wall, clock.now()) != instant;
    CHECK(others == 0);
}

TEST_CASE("an instant is the wall time it was taken at") {
    RealClock const clock;
    auto const then = clock.now();
    CHECK(to_wall(then.boot, clock.now()) == then.wall);
    CHECK(clock.now().boot >= then.boot);
}
