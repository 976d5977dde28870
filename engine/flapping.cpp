#include "engine/flapping.hpp"

#include <algorithm>

namespace rollbackd {

bool Flapping::turns(Verdict verdict) const {
    return verdict != Verdict::unknown && was_true && *was_true != (verdict == Verdict::true_);
}

void Flapping::note(Verdict verdict, Instant now, bool ours) {
    bool const changed = turns(verdict);
    if (verdict != Verdict::unknown) was_true = verdict == Verdict::true_;
    if (!changed || ours) return;
    settle(now);  // it may have been stable in between, though nobody asked then
    changes.push_back(now);
    if (changes.size() > changes_max) changes.erase(changes.begin());
    settle(now);
}

void Flapping::settle(Instant now) {
    unstable = is_unstable(now);
    std::erase_if(changes, [&](Instant at) { return at <= now - window; });
}

std::size_t Flapping::count(Instant now) const {
    return std::size_t(std::count_if(changes.begin(), changes.end(), [&](Instant at) {
        return at > now - window;
    }));
}

bool Flapping::is_unstable(Instant now) const {
    return count(now) > (unstable ? stable_to : unstable_above);
}

Instant Flapping::stable_at() const {
    if (!unstable || changes.size() <= stable_to) return Instant::max();
    return changes[changes.size() - stable_to - 1] + window;
}

std::string Flapping::text(Instant now) const {
    auto const n = count(now);
    auto const limit = unstable && n <= unstable_above ? stable_to : unstable_above;
    return std::to_string(n) + (n > limit ? " > " : " <= ") + std::to_string(limit) +
           " changes in " + format_duration(window);
}

}  // namespace rollbackd
