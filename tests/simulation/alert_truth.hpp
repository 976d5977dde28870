// What an Alertmanager has told the daemon, read as its words mean: an alert is known by its
// fingerprint and its beginning, and is told once however often it is told.
#pragma once

#include "triggers/sources/alerts_parse.hpp"

#include <algorithm>
#include <set>

namespace rollbackd::simulation {

class AlertTruth {
public:
    void hear(std::vector<Alert> const& alerts, WallTime now) {
        for (auto const& alert : alerts) hear(alert, now);
    }
    /// Distinct alerts since none fired last, while any does.
    std::size_t streak() const { return streak_; }

private:
    using Key = std::pair<std::string, WallTime>;

    void hear(Alert const& alert, WallTime now) {
        Key const key{alert.fingerprint, alert.starts_at.value_or(WallTime())};
        if (alert.firing) {
            if (!ended_.contains(key) && firing_.insert(key).second) ++streak_;
            return;
        }
        ended_.insert(key);
        auto const ended = std::min(alert.ends_at.value_or(now), now);
        std::erase_if(firing_, [&](Key const& known) {
            return known == key || (known.first == key.first && known.second <= ended);
        });
        if (firing_.empty()) streak_ = 0;
    }

    std::set<Key> firing_;
    std::set<Key> ended_;
    std::size_t streak_ = 0;
};

}  // namespace rollbackd::simulation
