// When a probe is asked: at its own moments of its interval, so that however many there are, they
// are spread over it and stay so. Pure; for prober.cpp.
#pragma once

#include "core/time.hpp"

#include <cstddef>
#include <string_view>

namespace rollbackd {

class Schedule {
public:
    /// `name` gives it its place in the interval; `crowd`: how many begin together with it.
    Schedule(Instant begun, Duration every, std::string_view name, std::size_t crowd);

    /// Soon after the beginning, however long the interval is: a fresh daemon is not ignorant.
    Instant first() const { return first_; }
    /// The question after one that was begun and has ended then, at this pace. At the usual pace:
    /// the next moment of its own, without drift, also after a time at another pace. One that
    /// took longer than its interval is followed at once, and makes up for none.
    Instant next(Instant begun, Instant ended, Duration pace) const;

    /// The first questions of a crowd: at most so many a second, but all within the interval.
    static constexpr std::size_t first_per_second = 2000;
    static constexpr Duration first_within = std::chrono::seconds(1);
    static constexpr Duration few_spread = std::chrono::milliseconds(5);

private:
    Instant after(Instant moment) const;

    Instant first_;
    Instant grid_;  // one of its moments
    Duration every_;
};

}  // namespace rollbackd
