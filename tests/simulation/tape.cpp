#include "tests/simulation/tape.hpp"

#include <algorithm>

namespace rollbackd::simulation {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t repeats_reach = 20;  // lines back

}  // namespace

TapeEvent Tape::event(Random& random, Time now, bool ok) {
    TapeEvent made;
    made.at = now - random.between(0s, 200ms);
    made.provider = random.chance(0.6) ? "one" : "two";
    made.ok = ok;
    if (random.chance(0.7)) made.id = "evt_" + std::to_string(next_++);
    if (random.chance(0.15)) made.at -= random.between(1s, 3min);  // late
    made.garbage = random.chance(0.05);
    return made;
}

void Tape::write(Random& random, Time now, bool ok) {
    auto const first = lines.size();
    auto const many = random.in(1, 4);
    for (int i = 0; i < many; ++i) {
        lines.push_back(event(random, now, ok == random.chance(0.9)));
        if (!random.chance(0.2) || lines.size() < 2) continue;
        // A delivery that is tried again: under its id, perhaps with another end.
        auto const back = 1 + random.below(std::min(lines.size() - 1, repeats_reach));
        auto again = lines[lines.size() - 1 - back];
        if (random.chance(0.5)) again.at = now;
        if (random.chance(0.4)) again.ok = !again.ok;
        lines.push_back(std::move(again));
    }
    if (lines.size() - first > 1 && random.chance(0.2)) {
        std::swap(lines[first + random.below(lines.size() - first)], lines.back());
    }
}

void TapeTruth::read(std::span<TapeEvent const> lines) {
    if (lines.size() < lines_) *this = TapeTruth();
    for (auto const& line : lines.subspan(lines_)) read(line);
    lines_ = lines.size();
}

void TapeTruth::read(TapeEvent const& line) {
    if (line.garbage) return;
    bool const fresh = line.id.empty() || seen_.emplace(line.id, line.provider, line.ok).second;
    if (!fresh) return;
    counted_.emplace_back(line.at, line.ok);
    auto const [found, is_first] = streaks_.try_emplace(line.provider, line.at, std::uint64_t(0));
    auto& [judged, length] = found->second;
    if (!is_first && line.at < judged) return;
    judged = line.at;
    length = line.ok ? 0 : length + 1;
}

std::uint64_t TapeTruth::failures(Time from, Time to) const {
    return std::uint64_t(std::count_if(counted_.begin(), counted_.end(), [&](auto const& one) {
        return !one.second && one.first > from && one.first <= to;
    }));
}

std::uint64_t TapeTruth::streak() const {
    std::uint64_t longest = 0;
    for (auto const& [provider, streak] : streaks_) longest = std::max(longest, streak.second);
    return longest;
}

std::optional<Time> TapeTruth::newest() const {
    std::optional<Time> newest;
    for (auto const& [at, ok] : counted_) newest = std::max(newest.value_or(at), at);
    return newest;
}

}  // namespace rollbackd::simulation
