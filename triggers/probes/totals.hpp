// Counters that only grow, until their program starts anew: what was added since the last look.
// Saved with the windows, so that a restart of ours loses and repeats nothing. Pure.
#pragma once

#include "core/json.hpp"

#include <map>

namespace rollbackd {

class Totals {
public:
    /// `identity`: what is counted (a URL and a metric); saved totals of another are not ours.
    /// What was added in more than `gap_max`, and gap_least, is not told: nobody knows when in it.
    Totals(std::string identity, Duration gap_max);

    /// Begins a look at the counters as they stand at `now`; finish() ends it.
    void begin(WallTime now);
    /// What was added to this counter since the last look. One that was not there has begun at 0,
    /// one that has shrunk has begun anew; nothing at the first look.
    double added(std::string const& counter, double total);
    void finish();
    /// Whether this look has one before it to compare with.
    bool compares() const { return compares_; }

    Json save() const;
    void resume(Json const& saved);

    static constexpr std::size_t counters_max = 10'000;
    static constexpr Duration gap_least = std::chrono::minutes(5);

private:
    std::string identity_;
    Duration gap_max_;
    std::optional<WallTime> at_;
    bool compares_ = false;
    std::map<std::string, double> last_;
    std::map<std::string, double> next_;
    WallTime next_at_{};
};

}  // namespace rollbackd
