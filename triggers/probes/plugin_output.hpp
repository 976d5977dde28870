// What a monitoring plugin prints: a line for people, and numbers after a bar (performance data of
// the Monitoring Plugins guidelines). Pure; any bytes are read or left out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollbackd {

inline constexpr std::size_t perf_values_max = 512;
inline constexpr std::size_t perf_label_max = 128;

/// In the units of the condition language: seconds, bytes, shares (80% is 0.8).
struct PerfValue {
    std::string label;
    double value = 0;

    friend bool operator==(PerfValue const&, PerfValue const&) = default;
};

struct PluginOutput {
    std::string text;  // the first line, without its numbers
    std::vector<PerfValue> values;

    std::optional<double> value_of(std::string_view label) const;
};

PluginOutput parse_plugin_output(std::string_view output);

}  // namespace rollbackd
