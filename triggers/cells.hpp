// What happened when: counts in order of event time, in bounded memory. Part of a SignalWindow.
// Every sample has a cell of its own until there are `limit` of them; then older neighbours within
// one quantum are merged. A cell that was merged across the beginning or the end of a range counts
// in neither of two adjacent ones: a range is at most one quantum too short at each side, and
// never holds what lies before it.
#pragma once

#include "core/sample.hpp"

#include <span>

namespace rollbackd {

class Packer;
class Unpacker;

struct Counts {
    std::uint64_t success = 0;
    std::uint64_t failure = 0;
    std::uint64_t neutral = 0;
    std::uint64_t total() const { return success + failure + neutral; }

    friend bool operator==(Counts const&, Counts const&) = default;
};
BOOST_DESCRIBE_STRUCT(Counts, (), (success, failure, neutral))

/// Part of time a question is about: (from, to], both event time.
struct Range {
    Instant from;
    Instant to;
};

struct Cell {
    Instant first;
    Instant last;
    Counts counts;
    std::uint32_t samples = 0;  // 0: the source could not say (such cells are merged apart)
    bool good = false;          // its newest judged sample was no failure
    bool judged() const { return counts.success > 0 || counts.failure > 0; }

    friend bool operator==(Cell const&, Cell const&) = default;
};

class Cells {
public:
    void add(Cell const& sample, Duration retention);
    /// Forgets cells at or before `horizon`, but for the newest of them: it still says what was.
    void expire(Instant horizon);

    Counts counts(Range range) const;
    /// Samples that said something.
    std::uint64_t samples(Range range) const;
    /// The newest cell at or before `when`; nullptr where there is none.
    Cell const* at(Instant when) const;
    /// The same among those that said something.
    Cell const* known_at(Instant when) const;
    /// The same among those with a success or failure.
    Cell const* judged_at(Instant when) const;
    std::optional<Instant> newest_failure(Range range) const;
    std::optional<Instant> oldest_in(Range range) const;
    /// Cells in the range, oldest first.
    std::span<Cell const> in(Range range) const;
    std::size_t size() const { return cells_.size(); }

    void save(Packer& packer) const;
    void load(Unpacker& unpacker);
    void shift(Duration by);

    static constexpr std::size_t limit = 1024;
    static constexpr std::size_t exact_min = 256;  // the newest are never merged
    /// Width within which neighbours may be merged.
    static Duration quantum(Duration retention);

private:
    void merge(Duration retention);

    std::vector<Cell> cells_;  // by `last`; of equal ones in order of arrival
};

}  // namespace rollbackd
