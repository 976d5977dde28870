// Time as values. Pure code never reads a clock: it is handed a Now.
// Instant runs on CLOCK_BOOTTIME (counts suspend, never jumps, means nothing after a reboot);
// WallTime is UTC and may step. Records carry both, and the boot id that makes Instant meaningful.
#pragma once

#include "core/error.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace rollbackd {

using Duration = std::chrono::nanoseconds;

/// CLOCK_BOOTTIME as a type only; it has no now() on purpose.
struct BootClock {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<BootClock, duration>;
    static constexpr bool is_steady = true;
};

using Instant = BootClock::time_point;
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

struct Now {
    Instant boot;
    WallTime wall;

    friend bool operator==(Now const&, Now const&) = default;
};

/// Maps a wall-clock time onto the boot timeline of `now`; may lie before the boot (negative).
Instant to_instant(WallTime wall, Now const& now);
/// The inverse of to_instant.
WallTime to_wall(Instant instant, Now const& now);

/// RFC 3339 in UTC with microseconds, for example 2026-01-31T12:00:00.250000Z.
std::string format_rfc3339(WallTime time);
/// For people, to the second: 2026-01-31 12:00:00Z.
std::string format_moment(WallTime time);
/// RFC 3339 with any offset and up to nine fractional digits (those past six are dropped).
Result<WallTime> parse_rfc3339(std::string_view text);

/// "250ms", "5s", "2m", "1h30m", "1d": whole numbers or decimals with the units ns us ms s m h d w.
Result<Duration> parse_duration(std::string_view text);
/// The shortest exact form parse_duration reads back: "90s" is "1m30s".
std::string format_duration(Duration duration);
/// For people: at most two units, rounded: "4.2 s", "3 min 20 s", "2 d 4 h".
std::string format_human(Duration duration);

}  // namespace rollbackd
