#include "triggers/probes/unit_state.hpp"

#include "triggers/probes/host_texts.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

constexpr std::uint64_t number_max = std::uint64_t(1) << 60U;  // "not set" is all ones

std::string of(UnitProperties const& unit, std::string_view key) {
    auto const found = unit.find(key);
    return found == unit.end() ? std::string() : found->second;
}

std::optional<std::uint64_t> number_of(UnitProperties const& unit, std::string_view key) {
    auto const value = whole_number(of(unit, key));
    return value && *value <= number_max ? value : std::nullopt;
}

/// "exit-code, status 1, 3 restarts"
std::string how_it_ended(UnitProperties const& unit) {
    auto text = of(unit, "Result");
    if (text.empty()) text = "no result";
    auto const status = of(unit, "ExecMainStatus");
    if (!status.empty() && status != "0") text += ", status " + status;
    auto const restarts = number_of(unit, "NRestarts");
    if (restarts && *restarts > 0) text += ", " + std::to_string(*restarts) + " restarts";
    return text;
}

}  // namespace

UnitProperties parse_unit(std::string_view text) {
    UnitProperties unit;
    while (!text.empty()) {
        auto const line = take_line(text);
        auto const equals = line.find('=');
        if (equals == std::string_view::npos || equals == 0) continue;
        unit.emplace(std::string(line.substr(0, equals)), std::string(line.substr(equals + 1)));
    }
    return unit;
}

UnitJudgement judge_unit(UnitProperties const& unit, bool must_run) {
    auto const load = of(unit, "LoadState");
    auto const active = of(unit, "ActiveState");
    auto const sub = of(unit, "SubState");
    if (load.empty() || active.empty()) {
        return {UnitVerdict::unknown, "garbage: systemctl tells no state"};
    }
    if (load == "not-found") return {UnitVerdict::failed, "missing: there is no such unit"};
    if (active == "failed") return {UnitVerdict::failed, "failed: " + how_it_ended(unit)};
    if (sub.starts_with("auto-restart")) {
        return {UnitVerdict::failed, "restarting: " + how_it_ended(unit)};
    }
    if (active == "active" || active == "reloading") return {UnitVerdict::good, sub};
    if (load != "loaded") return {UnitVerdict::failed, "unloadable: " + load};
    if (!must_run) return {UnitVerdict::good, active};
    // On its way: neither running nor ended. One that stays so becomes stale.
    if (active == "activating") return {UnitVerdict::unknown, "starting: " + sub};
    if (active == "deactivating") return {UnitVerdict::unknown, "stopping: " + sub};
    if (active == "inactive") return {UnitVerdict::failed, "inactive: " + how_it_ended(unit)};
    return {UnitVerdict::unknown, "garbage: systemctl tells a state that is none"};
}

std::optional<WallTime> unit_time(std::string_view text) {
    constexpr std::uint64_t seconds_max = 100'000'000'000;
    if (!text.starts_with('@')) {
        (void)take_word(text);  // the day of the week
        auto stamp = std::string(take_word(text));
        stamp += "T";
        stamp += take_word(text);
        stamp += "Z";
        auto const time =
            take_word(text) == "UTC" ? parse_rfc3339(stamp) : fail(Errc::invalid, "not in UTC");
        return time ? std::optional(*time) : std::nullopt;
    }
    auto const seconds = whole_number(text.substr(1));
    if (!seconds || *seconds > seconds_max) return std::nullopt;
    return WallTime(std::chrono::seconds(std::int64_t(*seconds)));
}

Result<double> measure_unit(UnitProperties const& unit, std::string_view measure, WallTime now) {
    if (of(unit, "LoadState") == "not-found") {
        return fail(Errc::not_found, "there is no such unit");
    }
    if (measure == "uptime") {
        auto const since = unit_time(of(unit, "ActiveEnterTimestamp"));
        bool const runs = of(unit, "ActiveState") == "active";
        if (!since || !runs) return fail(Errc::unavailable, "it does not run");
        return std::max(std::chrono::duration<double>(now - *since).count(), 0.0);
    }
    auto const value = number_of(unit, measure == "memory" ? "MemoryCurrent" : "NRestarts");
    if (!value) return fail(Errc::unavailable, "systemd does not count that of this unit");
    return double(*value);
}

}  // namespace rollbackd
