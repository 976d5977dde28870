// Wilson's score interval (1927): is a ratio high, or were there only few samples?
#include "triggers/condition.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace rollbackd {

namespace {

// The standard normal quantile for `upper` in [0.5, 1): Newton's method on the error function,
// from Winitzki's approximation; three rounds reach double precision.
double normal_quantile(double upper) {
    double const p = 2 * upper - 1;
    constexpr double a = 0.147;
    double const log = std::log(1 - p * p);
    double const mean = 2 / (std::numbers::pi * a) + log / 2;
    double x = std::sqrt(std::sqrt(mean * mean - log / a) - mean);
    for (int round = 0; round < 3; ++round) {
        x -= (std::erf(x) - p) / (2 * std::numbers::inv_sqrtpi * std::exp(-x * x));
    }
    return x * std::numbers::sqrt2;
}

}  // namespace

double wilson_lower_bound(double failures, double total, double confidence) {
    if (!(total > 0)) return 0;
    double const sure = std::clamp(confidence, 0.0, 0.999999);
    double const z = normal_quantile((1 + sure) / 2);
    double const share = std::clamp(failures / total, 0.0, 1.0);
    double const z2 = z * z / total;
    double const centre = share + z2 / 2;
    double const spread = z * std::sqrt(share * (1 - share) / total + z2 / (4 * total));
    return std::max(0.0, (centre - spread) / (1 + z2));
}

}  // namespace rollbackd
