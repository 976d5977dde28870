// What a probe answers, made in one line each. Private to this folder.
#pragma once

#include "core/names.hpp"
#include "triggers/probes/probe.hpp"

namespace rollbackd {

inline constexpr std::size_t reason_bytes_max = 512;

inline ProbeAnswer answer_with(SampleValue value) {
    ProbeAnswer answer;
    answer.value = std::move(value);
    return answer;
}

inline ProbeAnswer good_answer(std::string_view reason = {}, Duration latency = {}) {
    return answer_with(StateValue{true, printable_line(reason, reason_bytes_max), latency});
}

/// `reason` begins with its slug.
inline ProbeAnswer failed_answer(std::string_view reason, Duration latency = {}) {
    return answer_with(StateValue{false, printable_line(reason, reason_bytes_max), latency});
}

inline ProbeAnswer number_answer(double value, std::string_view reason = {}) {
    return answer_with(GaugeValue{value, printable_line(reason, reason_bytes_max)});
}

/// Nothing is known of the target just now: neither health nor a failure.
inline ProbeAnswer unknown_answer(std::string_view reason) {
    return answer_with(UnknownValue{printable_line(reason, reason_bytes_max)});
}

/// Our own trouble as its slug and a sentence: timeout, denied, missing, garbage, too_large,
/// cannot_look.
std::string trouble_of(Error const& error);

/// A gauge where the params have `measure`, else a state.
inline bool is_measured(JsonObject const& params) { return params.contains("measure"); }

}  // namespace rollbackd
