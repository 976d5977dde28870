// How often a channel may be told something: so many a minute, a few of them at once.
#pragma once

#include "core/time.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace rollbackd {

/// The generic cell rate algorithm (ITU-T I.371, annex A): one every minute/rate, after a quiet
/// time `burst` of them at once. A rate of 0 is no limit.
class Pace {
public:
    static constexpr std::uint32_t burst = 5;

    /// How many may go now; at most `burst`.
    std::uint32_t free(std::uint32_t per_minute, Instant now) const {
        if (per_minute == 0) return burst;
        auto const every = interval(per_minute);
        auto const ahead = next_ && *next_ > now ? *next_ - now : Duration::zero();
        auto const room = every * burst - ahead;
        return room < every ? 0 : static_cast<std::uint32_t>(room / every);
    }

    /// When the next one may go; not after `now` where it may at once.
    Instant due(std::uint32_t per_minute, Instant now) const {
        if (free(per_minute, now) > 0) return now;
        return *next_ - interval(per_minute) * (burst - 1);
    }

    void count(std::uint32_t per_minute, Instant now) {
        if (per_minute == 0) return;
        next_ = std::max(next_.value_or(now), now) + interval(per_minute);
    }

private:
    static Duration interval(std::uint32_t per_minute) {
        return std::chrono::duration_cast<Duration>(std::chrono::minutes(1)) / per_minute;
    }

    std::optional<Instant> next_;  // when all that went so far is paid for
};

}  // namespace rollbackd
