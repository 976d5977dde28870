// What `systemctl show` says of a unit, and what that means. Pure.
#pragma once

#include "core/time.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace rollbackd {

using UnitProperties = std::map<std::string, std::string, std::less<>>;

inline constexpr char const* unit_properties_argument =
    "--property=LoadState,ActiveState,SubState,Result,NRestarts,ExecMainStatus,MemoryCurrent,"
    "ActiveEnterTimestamp";

/// KEY=VALUE lines; others are left out.
UnitProperties parse_unit(std::string_view text);

enum class UnitVerdict { good, failed, unknown };

struct UnitJudgement {
    UnitVerdict verdict = UnitVerdict::unknown;
    std::string reason;

    friend bool operator==(UnitJudgement const&, UnitJudgement const&) = default;
};

/// `must_run`: inactive is a failure; else only what has failed is one (jobs, services of timers).
UnitJudgement judge_unit(UnitProperties const& unit, bool must_run);

/// restarts, memory, or uptime; an Error where the unit has no such number.
Result<double> measure_unit(UnitProperties const& unit, std::string_view measure, WallTime now);

/// "@1700000000" or "Sun 2026-11-22 18:51:49 UTC": systemctl 252 writes some times in the one way
/// and some in the other, whatever it is asked for. nullopt: never, or no time.
std::optional<WallTime> unit_time(std::string_view text);

}  // namespace rollbackd
