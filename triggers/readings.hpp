// What a condition asks of its signals, with the fixed numbers it compares them with: for drawing
// thresholds into plots, without reading the condition's language.
#pragma once

#include "triggers/condition.hpp"

namespace rollbackd {

struct SignalReading {
    std::string signal;
    std::string function;
    std::optional<Duration> window;
    std::string
        comparison;  // as if the call stood on the left; empty: compared with no fixed number
    std::optional<double> threshold;  // a share of 1, seconds, bytes, or plain
};

/// In order of appearance.
std::vector<SignalReading> readings_of(Condition const& condition);

}  // namespace rollbackd
