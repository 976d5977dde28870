// A sample: one observation of one signal. Probes and sources make them, windows fold them.
#pragma once

#include "core/json.hpp"

#include <variant>

namespace rollbackd {

enum class SignalKind { state, outcomes, gauge, text };
BOOST_DESCRIBE_ENUM(SignalKind, state, outcomes, gauge, text)

/// Of a probe: the target answered as expected, or why not. `reason` starts with a stable slug
/// (refused, timeout, dns, tls, status, content, …) and ": details".
struct StateValue {
    bool ok = false;
    std::string reason;
    Duration latency{};

    friend bool operator==(StateValue const&, StateValue const&) = default;
};
BOOST_DESCRIBE_STRUCT(StateValue, (), (ok, reason, latency))

/// Counts. `neutral` neither extends nor ends a streak but counts in a ratio's total (a 4xx).
struct OutcomesValue {
    std::uint64_t success = 0;
    std::uint64_t failure = 0;
    std::uint64_t neutral = 0;
    std::string reason;  // of the failure, where known

    friend bool operator==(OutcomesValue const&, OutcomesValue const&) = default;
};
BOOST_DESCRIBE_STRUCT(OutcomesValue, (), (success, failure, neutral, reason))

struct GaugeValue {
    double value = 0;
    std::string reason = {};  // for people: what else is known, a certificate for another host
    /// Whether what was measured is also as it should be (a certificate that verifies); absent:
    /// only a number.
    std::optional<bool> ok = {};

    friend bool operator==(GaugeValue const&, GaugeValue const&) = default;
};
BOOST_DESCRIBE_STRUCT(GaugeValue, (), (value, reason, ok))

struct TextValue {
    std::string text;

    friend bool operator==(TextValue const&, TextValue const&) = default;
};
BOOST_DESCRIBE_STRUCT(TextValue, (), (text))

/// The source could not say: a missing JSON member, an unreadable number. It makes nothing stale
/// and nothing fresh; the signal's value becomes unknown.
struct UnknownValue {
    std::string reason;

    friend bool operator==(UnknownValue const&, UnknownValue const&) = default;
};
BOOST_DESCRIBE_STRUCT(UnknownValue, (), (reason))

using SampleValue = std::variant<StateValue, OutcomesValue, GaugeValue, TextValue, UnknownValue>;

struct Sample {
    std::string service;
    std::string signal;
    Instant at;  // event time; of a probe: when it was begun. Clamped by the engine.
    SampleValue value;
    std::string id;         // distinct event id; empty: every sample is distinct
    std::string by;         // value of the signal's `by:` key (a provider); empty: one streak
    std::string client;     // distinct client, for affected(); empty: not known
    bool trusted = true;    // false: pushed without authentication; caps the service at advise
    bool ends_all = false;  // a success of everything: it ends the streak of every `by` value
    bool late = false;  // its window says so: newer ones were judged, and its streak left it out
    /// It says what holds after everything its source has said, whenever that began: a time before
    /// the newest sample of its signal becomes one right after it.
    bool in_order = false;
    /// Its source says again what it said last, which still holds: that keeps the signal fresh and
    /// counts as nothing else, least of all as news from after a rollback.
    bool repeated = false;

    friend bool operator==(Sample const&, Sample const&) = default;
};

/// A failing observation (state not ok, or any failure counted).
inline bool is_failure(Sample const& sample) {
    if (sample.repeated) return false;
    if (auto const* state = std::get_if<StateValue>(&sample.value)) return !state->ok;
    if (auto const* counts = std::get_if<OutcomesValue>(&sample.value)) return counts->failure > 0;
    return false;
}

}  // namespace rollbackd
