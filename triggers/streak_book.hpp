// Streaks: failures since the last success, one per `by` value, answerable as of any moment the
// signal's retention reaches back to. Part of a SignalWindow.
// Judged once and never rewritten: a sample older than the newest judged one of its streak is late
// and leaves it alone.
// Bounded: above `marks_max` rows of one streak the older half is thinned (a running streak keeps
// its whole length; what is asked as of the past, or since a moment within what was thinned, comes
// out shorter, never longer). Above `names_max` names one is forgotten, first of those not failing.
#pragma once

#include "triggers/cells.hpp"

#include <map>

namespace rollbackd {

/// A streak: failures since the last success of one `by` value.
struct Streak {
    std::uint64_t length = 0;
    std::optional<Instant> since;  // event time of its first failure
    std::string by;
    std::string reason;  // of its newest failure

    friend bool operator==(Streak const&, Streak const&) = default;
};
BOOST_DESCRIBE_STRUCT(Streak, (), (length, since, by, reason))

class StreakBook {
public:
    /// `counts` has a success (which ends the streak) or failures (which extend it). False: late.
    bool add(Instant at, Counts const& counts, std::string const& by, std::string const& reason);
    /// A success of every name there is.
    void end_all(Instant at);
    void expire(Instant horizon);

    /// Of every `by` value, the longest first; of equal ones by name.
    std::vector<Streak> all(Instant when, Instant since) const;
    /// The first of all(), without making the others; none where nothing was ever judged.
    std::optional<Streak> longest(Instant when, Instant since, bool with_text) const;
    /// Whether one value failed before `since` and after it, until `when`, with no success between.
    bool goes_on(Instant when, Instant since) const;
    /// Whether any success or failure was judged in the range.
    bool judged(Range range) const;

    void save(Packer& packer) const;
    void load(Unpacker& unpacker);
    void shift(Duration by);

    static constexpr std::chrono::hours age_max{24};
    static constexpr std::size_t names_max = 256;
    static constexpr std::size_t marks_max = 512;
    static constexpr std::size_t text_bytes_max = 256;

private:
    /// Failures in a row, or (failures == 0) successes in a row.
    struct Mark {
        Instant first;
        Instant last;
        std::uint64_t failures = 0;
    };
    struct Log {
        std::vector<Mark> marks;
        std::string reason;  // of the newest failure
    };
    struct Length {
        std::uint64_t length = 0;
        std::optional<Instant> since;
    };

    static bool judge(Log& log, Instant at, Counts const& counts, std::string const& reason);
    static Length length(Log const& log, Instant when, Instant since);
    static Streak streak(std::string const& by, Log const& log, Length const& length, Instant when);
    static void thin(Log& log);
    void make_room();

    std::map<std::string, Log, std::less<>> logs_;
};

}  // namespace rollbackd
