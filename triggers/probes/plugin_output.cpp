#include "triggers/probes/plugin_output.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace rollbackd {

namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
    auto const from = text.find_first_not_of(blanks);
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(blanks) - from + 1);
}

struct Unit {
    std::string_view name;
    double factor;
};

constexpr std::array<Unit, 12> units{
    Unit{"", 1},        Unit{"s", 1},       Unit{"ms", 1e-3},   Unit{"us", 1e-6},
    Unit{"ns", 1e-9},   Unit{"%", 0.01},    Unit{"B", 1},       Unit{"KB", 1024.0},
    Unit{"MB", 0x1p20}, Unit{"GB", 0x1p30}, Unit{"TB", 0x1p40}, Unit{"c", 1},
};

/// "3.2s", "80%", "12MB": without its thresholds. Unknown units keep their number.
std::optional<double> number_in(std::string_view text) {
    double value = 0;
    auto const [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || !std::isfinite(value)) return std::nullopt;
    auto const name = text.substr(static_cast<std::size_t>(end - text.data()));
    auto const known = std::find_if(units.begin(), units.end(), [&](Unit const& unit) {
        return unit.name == name;
    });
    auto const scaled = known == units.end() ? value : value * known->factor;
    return std::isfinite(scaled) ? std::optional(scaled) : std::nullopt;
}

/// Takes one label off the front; quoted ones may hold blanks, '' is a quote.
std::optional<std::string> take_label(std::string_view& rest) {
    std::string label;
    if (!rest.starts_with('\'')) {
        auto const end = rest.find_first_of("= \t\r\n");
        if (end == std::string_view::npos || rest[end] != '=') return std::nullopt;
        label = rest.substr(0, end);
        rest.remove_prefix(end + 1);
        return label;
    }
    rest.remove_prefix(1);
    while (true) {
        auto const quote = rest.find('\'');
        if (quote == std::string_view::npos) return std::nullopt;
        label += rest.substr(0, quote);
        rest.remove_prefix(quote + 1);
        if (!rest.starts_with('\'')) break;
        label += '\'';
        rest.remove_prefix(1);
    }
    if (!rest.starts_with('=')) return std::nullopt;
    rest.remove_prefix(1);
    return label;
}

void read_values(std::string_view rest, std::vector<PerfValue>& values) {
    while (values.size() < perf_values_max) {
        rest = trimmed(rest);
        if (rest.empty()) return;
        auto const label = take_label(rest);
        auto const word = rest.substr(0, rest.find_first_of(blanks));
        if (label && !label->empty() && label->size() <= perf_label_max) {
            auto const value = number_in(word.substr(0, word.find(';')));
            if (value) values.push_back({*label, *value});
        }
        rest.remove_prefix(word.size());
    }
}

}  // namespace

std::optional<double> PluginOutput::value_of(std::string_view label) const {
    for (auto const& known : values) {
        if (known.label == label) return known.value;
    }
    return std::nullopt;
}

PluginOutput parse_plugin_output(std::string_view output) {
    PluginOutput parsed;
    bool first = true;
    bool only_values = false;  // after a bar in a later line, all that follows is numbers
    while (!output.empty() || first) {
        auto const line = output.substr(0, output.find('\n'));
        output.remove_prefix(std::min(output.size(), line.size() + 1));
        if (only_values) {
            read_values(line, parsed.values);
            continue;
        }
        auto const bar = line.find('|');
        if (first) parsed.text = trimmed(line.substr(0, bar));
        if (bar != std::string_view::npos) read_values(line.substr(bar + 1), parsed.values);
        only_values = !first && bar != std::string_view::npos;
        first = false;
    }
    return parsed;
}

}  // namespace rollbackd
