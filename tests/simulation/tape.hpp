// A log beside a service, as sources that bring their samples by themselves read it: written
// whether or not the daemon lives, and by somebody who is late, mixes up the order, repeats
// himself, falls silent or writes garbage. What it amounts to is told here without the engine's
// windows.
#pragma once

#include "core/sample.hpp"
#include "tests/simulation/random.hpp"
#include "tests/simulation/timeline.hpp"

#include <map>
#include <set>
#include <span>
#include <tuple>

namespace rollbackd::simulation {

inline constexpr char const* tape_signal = "events";

struct TapeEvent {
    Time at{};
    std::string id;  // the same one again: a repeat
    std::string provider;
    bool ok = true;
    bool garbage = false;  // a line nobody can read
};

class Tape {
public:
    std::vector<TapeEvent> lines;
    /// It is there, and may not be read just now.
    bool unreadable = false;

    /// One visit of the writer: a few events, and what goes wrong with them.
    void write(Random& random, Time now, bool ok);

private:
    TapeEvent event(Random& random, Time now, bool ok);
    std::uint64_t next_ = 1;
};

/// What a reader knows who has read the first `read` lines once, each in its turn (DESIGN A2: an id
/// counts once as failure and once as success; what is older than the newest judged event of its
/// provider leaves the streak alone).
class TapeTruth {
public:
    /// These are the lines that were read by now: a few more than before, or, after a crash, fewer.
    void read(std::span<TapeEvent const> lines);

    /// Failures with event time in (from, to].
    std::uint64_t failures(Time from, Time to) const;
    std::uint64_t streak() const;
    std::optional<Time> newest() const;

private:
    void read(TapeEvent const& line);

    std::size_t lines_ = 0;
    std::set<std::tuple<std::string, std::string, bool>> seen_;
    std::vector<std::pair<Time, bool>> counted_;  // by arrival: when, and whether it was well
    std::map<std::string, std::pair<Time, std::uint64_t>> streaks_;
};

}  // namespace rollbackd::simulation
