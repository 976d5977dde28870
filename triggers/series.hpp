// Numbers and texts over time, in bounded memory. Part of a SignalWindow.
#pragma once

#include "triggers/cells.hpp"

namespace rollbackd {

struct TimedNumber {
    Instant at;
    double value = 0;

    friend bool operator==(TimedNumber const&, TimedNumber const&) = default;
};

/// A gauge's values or a state probe's latencies: the newest `limit`, exactly.
class Numbers {
public:
    void add(Instant at, double value);
    /// Forgets what lies at or before `horizon`, but for the newest of it.
    void expire(Instant horizon);

    /// Oldest first; at most `limit` of the newest.
    std::span<TimedNumber const> in(Range range) const;
    TimedNumber const* at(Instant when) const;

    void save(Packer& packer) const;
    void load(Unpacker& unpacker);
    void shift(Duration by);

    static constexpr std::size_t limit = 4096;

private:
    static constexpr std::size_t slack = 512;  // trimmed in bulk

    std::vector<TimedNumber> numbers_;
};

/// A time during which every sample carried the same text.
struct TextRun {
    Instant first;
    Instant last;
    std::string text;

    friend bool operator==(TextRun const&, TextRun const&) = default;
};

/// A text signal's history: one run for any number of equal samples.
class Texts {
public:
    void add(Instant at, std::string const& text);
    void expire(Instant horizon);

    /// The text as of `when`: of the newest sample at or before it.
    std::string const* at(Instant when) const;
    /// Whether the text differed within the range, or from what it was at its start.
    bool changed(Range range) const;

    void save(Packer& packer) const;
    void load(Unpacker& unpacker);
    void shift(Duration by);

    static constexpr std::size_t limit = 256;
    static constexpr std::size_t text_bytes_max = 1024;

private:
    std::vector<TextRun> runs_;
};

}  // namespace rollbackd
