// Flap detection: a trigger that changes between true and false too often, by itself, is unstable,
// and what is unstable is told to people instead of acted upon (A6 f). Two marks, as Nagios and
// Icinga have them, so that the judgement does not flap itself. docs/decisions.md has the rules.
#pragma once

#include "triggers/condition.hpp"

namespace rollbackd {

struct Flapping {
    std::vector<Instant> changes;  // by itself, oldest first, none older than the window
    std::optional<bool> was_true;  // the newest verdict that was known
    bool unstable = false;         // as of the newest change

    /// A verdict was found. `ours`: rollbackd is at work or has just asked the world, so what
    /// changes now is no flapping. Unknown is not a change.
    void note(Verdict verdict, Instant now, bool ours);
    /// Whether that verdict is another one than the newest that was known.
    bool turns(Verdict verdict) const;
    std::size_t count(Instant now) const;
    bool is_unstable(Instant now) const;
    /// When it will be stable if nothing changes any more; Instant::max() where it is stable.
    Instant stable_at() const;
    /// "7 > 6 changes in 10m".
    std::string text(Instant now) const;

    static constexpr Duration window = std::chrono::minutes(10);
    static constexpr std::size_t unstable_above = 6;
    static constexpr std::size_t stable_to = 3;
    static constexpr std::size_t changes_max = 64;

    friend bool operator==(Flapping const&, Flapping const&) = default;

private:
    void settle(Instant now);
};
BOOST_DESCRIBE_STRUCT(Flapping, (), (changes, was_true, unstable))

}  // namespace rollbackd
