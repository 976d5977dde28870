#include "daemon/schedule.hpp"

#include <algorithm>
#include <functional>

namespace rollbackd {

namespace {

/// A stable fraction in [0, 1).
double fraction_of(std::string_view name) {
    return double(std::hash<std::string_view>{}(name) % 10007) / 10007.0;
}

Duration part_of(Duration whole, double share) {
    return Duration(Duration::rep(share * double(whole.count())));
}

/// Over what time the first questions of so many are spread.
Duration first_spread(Duration every, std::size_t crowd) {
    auto const few =
        std::min<Duration>(Schedule::few_spread * Duration::rep(crowd), Schedule::first_within);
    auto const many =
        std::chrono::seconds(1) * Duration::rep(crowd) / Duration::rep(Schedule::first_per_second);
    return std::min(every, std::max<Duration>(few, many));
}

}  // namespace

Schedule::Schedule(Instant begun, Duration every, std::string_view name, std::size_t crowd)
    : first_(begun + part_of(first_spread(every, crowd), fraction_of(name))),
      grid_(begun + part_of(every, fraction_of(name))),
      every_(every) {}

Instant Schedule::after(Instant moment) const {
    if (moment < grid_) return grid_ - (grid_ - moment - Duration(1)) / every_ * every_;
    return grid_ + ((moment - grid_) / every_ + 1) * every_;
}

Instant Schedule::next(Instant begun, Instant ended, Duration pace) const {
    if (pace != every_) return std::max(begun + pace, ended + Duration(1));
    // Hardly after the one before there is nothing new to be seen.
    auto const due = after(begun + every_ / 10);
    return due < ended ? ended + std::min<Duration>(every_, std::chrono::milliseconds(1)) : due;
}

}  // namespace rollbackd
