// Prometheus' text format (0.0.4, and OpenMetrics as far as they agree), one sample after the
// other. Pure and fuzzed: what an application shows is anybody's text.
#pragma once

#include "core/error.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rollbackd {

struct PromSample {
    std::string_view name;
    /// In the order they stand.
    std::vector<std::pair<std::string_view, std::string>> labels;
    double value = 0;  // may be NaN or infinite

    /// Empty where there is none.
    std::string_view label(std::string_view name_asked) const;
};

inline constexpr std::size_t prom_line_bytes_max = 64 * 1024;
inline constexpr std::size_t prom_labels_max = 128;

/// Calls `each` for every sample whose name `wanted` takes; the names' and labels' views live as
/// long as the call. Errc::invalid with where = "line 12" for what is not in the format.
Result<void> read_prom_text(
    std::string_view text, std::function<bool(std::string_view name)> const& wanted,
    std::function<void(PromSample const&)> const& each
);

}  // namespace rollbackd
