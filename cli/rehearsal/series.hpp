// The samples of one signal, as a test writes them: promtool's expanding notation, for each kind of
// signal. "1x3" is a value and three more like it, "1+2x3" counts up, "_" brings nothing. Pure;
// kept as it is written, so that "1x1000000000" takes no room.
#pragma once

#include "core/sample.hpp"

namespace rollbackd::cli {

class Series {
public:
    /// Errors say at which word, and what would be right for this kind of signal.
    static Result<Series> parse(std::string_view text, SignalKind kind);

    /// The value of the `index`-th interval; nothing: nobody brings any, or the series is over.
    std::optional<SampleValue> at(std::uint64_t index) const;
    std::uint64_t size() const { return size_; }

    static constexpr std::uint64_t repeats_max = 1'000'000'000;
    static constexpr std::size_t words_max = 10'000;

private:
    struct Part {
        std::optional<SampleValue> value;
        double step = 0;  // of a gauge, from one to the next
        std::uint64_t count = 1;
    };
    struct Word;

    static Result<Part> read(Word const& word, SignalKind kind);

    std::vector<Part> parts_;
    std::uint64_t size_ = 0;
};

}  // namespace rollbackd::cli
