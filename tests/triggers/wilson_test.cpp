#include "tests/catch.hpp"
#include "triggers/condition.hpp"

using namespace rollbackd;

TEST_CASE("the Wilson lower bound gives the published values at 95 %") {
    struct Case {
        double failures, total, percent, margin;
    };
    for (auto const& oracle : {
             Case{1, 20, 0.888, 0.0005},
             Case{2, 20, 2.787, 0.0005},
             Case{2, 100, 0.550, 0.0005},
             Case{3, 100, 1.0255, 0.0005},
             Case{15, 1000, 0.911, 0.0005},
             Case{17, 1000, 1.064, 0.0005},
             Case{120, 10000, 1.0045, 0.00005},
             Case{1, 1, 20.7, 0.05},
         }) {
        CAPTURE(oracle.failures, oracle.total);
        double const percent = 100 * wilson_lower_bound(oracle.failures, oracle.total, 0.95);
        CHECK(percent == Approx(oracle.percent).margin(oracle.margin));
    }
}

TEST_CASE("the Wilson lower bound lies between nothing and the ratio, and grows with the samples") {
    CHECK(wilson_lower_bound(0, 0, 0.95) == 0);
    CHECK(wilson_lower_bound(0, 100, 0.95) == 0);
    double previous = 0;
    for (double total = 10; total < 1e7; total *= 10) {
        double const bound = wilson_lower_bound(total / 10, total, 0.95);
        CHECK(bound > previous);
        CHECK(bound < 0.1);
        previous = bound;
    }
    CHECK(wilson_lower_bound(5, 100, 0.99) < wilson_lower_bound(5, 100, 0.9));
}
