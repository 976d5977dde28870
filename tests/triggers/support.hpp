// Samples, windows and evaluations in a few words, for the tests of this room.
#pragma once

#include "tests/catch.hpp"
#include "triggers/condition.hpp"

#include <string>

namespace rollbackd::test {

using namespace std::chrono_literals;

inline Instant at(Duration since_boot) { return Instant(since_boot); }

inline Sample sample(Duration when, SampleValue value, std::string by = {}, std::string id = {}) {
    Sample out;
    out.service = "shop";
    out.signal = "s";
    out.at = at(when);
    out.value = std::move(value);
    out.by = std::move(by);
    out.id = std::move(id);
    return out;
}
inline SampleValue good() { return OutcomesValue{1, 0, 0, {}}; }
inline SampleValue bad(std::string reason = {}) {
    return OutcomesValue{0, 1, 0, std::move(reason)};
}
inline SampleValue neutral() { return OutcomesValue{0, 0, 1, {}}; }
inline SampleValue up(Duration latency = 10ms) { return StateValue{true, {}, latency}; }
inline SampleValue down(std::string reason = "refused") {
    return StateValue{false, std::move(reason), {}};
}
inline SampleValue gauge(double value) { return GaugeValue{value, {}}; }
inline SampleValue text(std::string value) { return TextValue{std::move(value)}; }
inline SampleValue silent() { return UnknownValue{"member missing"}; }

/// Signals of one service, by name, with what evaluate() needs around them.
struct World {
    std::map<std::string, SignalWindow, std::less<>> windows;
    EvalContext context;

    World() {
        context.signal = [this](std::string_view name) -> SignalWindow const* {
            auto const found = windows.find(name);
            return found == windows.end() ? nullptr : &found->second;
        };
    }
    World(World const&) = delete;
    World& operator=(World const&) = delete;

    SignalWindow& signal(
        std::string const& name, SignalKind kind, std::optional<Duration> stale_after = {},
        Duration retention = 2h
    ) {
        return windows.insert_or_assign(name, SignalWindow({kind, retention, stale_after}))
            .first->second;
    }
    Evaluation judge(std::string_view condition, Duration now, bool with_proof = true) {
        auto const parsed = Condition::parse(condition);
        REQUIRE(parsed);
        context.now = at(now);
        return evaluate(*parsed, context, with_proof);
    }
    Verdict verdict(std::string_view condition, Duration now) {
        auto const told = judge(condition, now, true);
        CHECK(told.verdict == judge(condition, now, false).verdict);
        return told.verdict;
    }
};

}  // namespace rollbackd::test
