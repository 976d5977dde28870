// What happened when: counts in order of event time, in bounded memory. Part of a SignalWindow.
// Up to `exact_max` samples have a cell each. Then those of one instant are put together, which
// loses nothing, and where that is not enough older neighbours are, until a cell is as wide as 1/64
// of its age (or 1 ms, if that is more); the newest `newest_min` never are.
// A cell merged across an edge of a range is left out of it: a range never counts what lies outside
// of it. So (from, to] may be short by 1/64 of newest - from at its beginning, and by 1/64 of
// newest - to at its end, which is nothing where it ends now: by 1/64 of its length then, or 1 ms,
// never by more. (Older cells of a checkpoint written by an earlier version are up to 1/512 of the
// retention wide, until they have aged.)
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
    std::uint32_t samples = 0;  // 0: the source could not say
    bool good = false;          // its newest judged sample was no failure
    bool judged() const { return counts.success > 0 || counts.failure > 0; }

    friend bool operator==(Cell const&, Cell const&) = default;
};

class Cells {
public:
    /// Amortised O(1) for samples in order. A sample that could not say is forgotten where it comes
    /// so late that others have been merged around it.
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
    /// Event time of the oldest sample counted: when it leaves a range, what is counted changes.
    std::optional<Instant> oldest_in(Range range) const;
    /// Where the range begins without the cell merged across its beginning.
    Instant counted_from(Range range) const;
    /// Cells in the range, oldest first.
    std::span<Cell const> in(Range range) const;
    std::size_t size() const { return cells_.size(); }

    void save(Packer& packer) const;
    /// `paced`: as this version saves it; earlier ones did not save when to merge next.
    void load(Unpacker& unpacker, bool paced);
    void shift(Duration by);

    static constexpr std::size_t exact_max = 1024;  // up to here nothing is merged
    static constexpr std::size_t newest_min = 256;  // never merged, but for equal instants
    static constexpr std::int64_t widths_per_age = 64;
    /// Never reached by samples that said something: 31 days of them fill 2630 cells at the worst
    /// (two neighbours together are wider than one may be), 90 minutes 1840, about 1300 in
    /// practice.
    static constexpr std::size_t limit = 4096;
    /// How wide a cell of this age may become.
    static Duration width(Duration age);

private:
    enum class Merge { equal, by_age };
    void make_room(Duration retention);
    void merge(Merge how, std::size_t enough);

    std::vector<Cell> cells_;  // by `last`; of equal ones in order of arrival
    std::size_t merge_at_ = exact_max;
};

}  // namespace rollbackd
