// Numbers and texts over time, in bounded memory. Part of a SignalWindow.
#pragma once

#include "triggers/cells.hpp"

namespace rollbackd {

struct TimedNumber {
    Instant at;
    double value = 0;

    friend bool operator==(TimedNumber const&, TimedNumber const&) = default;
};

/// What the numbers of a range amount to.
struct NumberSum {
    std::uint64_t count = 0;  // 0: the others mean nothing
    double low = 0;
    double high = 0;
    double mean = 0;  // between low and high, whatever adding up rounds to
    TimedNumber newest;
};

/// A gauge's values or a state probe's latencies: the newest `limit` exactly. What is older is
/// summed up in cells that grow with age as in cells.hpp, with the same bounds: a range is never
/// wider than asked, and short by 1/64 of its length at most where it ends now.
class Numbers {
public:
    void add(Instant at, double value);
    /// Forgets what lies at or before `horizon`, but for the newest of it.
    void expire(Instant horizon);

    NumberSum sum(Range range) const;
    /// Oldest first, at most `limit`: fewer than sum() counts where the range is older.
    std::span<TimedNumber const> in(Range range) const;
    TimedNumber const* at(Instant when) const;

    void save(Packer& packer) const;
    /// `summed`: as this version saves it; earlier ones forgot what was older.
    void load(Unpacker& unpacker, bool summed);
    void shift(Duration by);

    static constexpr std::size_t limit = 4096;
    static constexpr std::size_t older_max = 4096;  // never reached, as in cells.hpp

private:
    struct Older {
        Instant first;
        NumberSum sum;
        Instant last() const { return sum.newest.at; }
    };
    static constexpr std::size_t slack = 512;  // summed up in bulk

    std::span<TimedNumber const> kept(Range range) const;
    static void put_together(NumberSum& into, NumberSum const& other);
    void add_older(TimedNumber const& number);
    void make_room();

    std::vector<Older> older_;  // by `last`
    std::vector<TimedNumber> numbers_;
    std::size_t merge_at_ = slack;
};

/// A time during which every sample carried the same text.
struct TextRun {
    Instant first;
    Instant last;
    std::string text;

    friend bool operator==(TextRun const&, TextRun const&) = default;
};

/// A text signal's history: one run for any number of equal samples, the newest `limit` runs. (A
/// text that changes more often has its past forgotten, never a change.)
class Texts {
public:
    void add(Instant at, std::string const& text);
    void expire(Instant horizon);

    /// The text as of `when`: of the newest sample at or before it.
    std::string const* at(Instant when) const;
    /// Whether the text differed within the range, or from what it was at its start; what was seen
    /// up to `since` only is not compared with.
    bool changed(Range range, Instant since) const;

    void save(Packer& packer) const;
    void load(Unpacker& unpacker);
    void shift(Duration by);

    static constexpr std::size_t limit = 256;
    static constexpr std::size_t text_bytes_max = 1024;

private:
    std::vector<TextRun> runs_;
};

}  // namespace rollbackd
