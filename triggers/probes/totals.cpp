#include "triggers/probes/totals.hpp"

#include <algorithm>
#include <cmath>

namespace rollbackd {

namespace {

struct SavedTotals {
    std::string of;
    std::optional<WallTime> at;
    std::map<std::string, double> totals;
};
BOOST_DESCRIBE_STRUCT(SavedTotals, (), (of, at, totals))

}  // namespace

Totals::Totals(std::string identity, Duration gap_max)
    : identity_(std::move(identity)), gap_max_(std::max(gap_max, gap_least)) {}

void Totals::begin(WallTime now) {
    next_.clear();
    next_at_ = now;
    // A clock that was set back proves nothing about how long it was.
    compares_ = at_ && now >= *at_ && now - *at_ <= gap_max_;
}

double Totals::added(std::string const& counter, double total) {
    next_[counter] = total;
    if (!compares_) return 0;
    auto const known = last_.find(counter);
    double const before = known == last_.end() ? 0 : known->second;
    return total < before ? total : total - before;
}

void Totals::finish() {
    last_ = std::move(next_);
    next_.clear();
    at_ = next_at_;
}

Json Totals::save() const {
    if (!at_) return nullptr;
    return to_json(SavedTotals{identity_, at_, last_});
}

void Totals::resume(Json const& saved) {
    auto known = read_json<SavedTotals>(saved);
    if (!known || known->of != identity_ || known->totals.size() > counters_max) return;
    for (auto const& [counter, total] : known->totals) {
        if (!std::isfinite(total) || total < 0) return;
    }
    at_ = known->at;
    last_ = std::move(known->totals);
}

}  // namespace rollbackd
