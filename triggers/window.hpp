// One signal's memory: what its samples of the recent past amount to. Pure and bounded: samples
// are kept exactly up to `cells_max`, then neighbours within the same small quantum are merged
// (quantum = retention / cells_max, at least 1 ms). Event time orders everything.
#pragma once

#include "core/sample.hpp"

#include <deque>
#include <map>
#include <span>

namespace rollbackd {

/// What the policy says about the signal that its window must know.
struct WindowRules {
    SignalKind kind = SignalKind::state;
    Duration retention{};  // longest window asked for, plus how far back a deployment may be judged
    std::optional<Duration> stale_after;  // none: never stale (push and logs without the key)

    friend bool operator==(WindowRules const&, WindowRules const&) = default;
};

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

/// A streak: failures since the last success of one `by` value.
struct Streak {
    std::uint64_t length = 0;
    std::optional<Instant> since;  // event time of its first failure
    std::string by;
    std::string reason;            // of its newest failure

    friend bool operator==(Streak const&, Streak const&) = default;
};
BOOST_DESCRIBE_STRUCT(Streak, (), (length, since, by, reason))

class SignalWindow {
public:
    SignalWindow() = default;
    explicit SignalWindow(WindowRules rules);

    /// Folds one sample in. False: it changed nothing (a repeated id, a late sample for a judged
    /// streak, older than the retention). `at` must already be clamped to <= now.
    bool observe(Sample const& sample);
    /// Forgets what lies before `now - retention`, ids older than 72 h, streak failures older
    /// than 24 h. Called by the engine once in a while; questions are right without it.
    void expire(Instant now);

    /// Newest sample by event time, of any value; none before the first.
    std::optional<Sample> const& newest() const;
    /// Stale: no sample yet, or the newest older than stale_after.
    bool stale(Instant now) const;

    Counts counts(Range range) const;  // of outcomes; a state sample counts as 1
    /// Distinct clients seen and failing; samples without a client are not counted.
    struct Clients { std::uint64_t seen = 0; std::uint64_t failing = 0; };
    Clients clients(Range range) const;
    /// Numbers in the range, oldest first, at most values_max of the newest: gauge values, or a
    /// state probe's latency in seconds.
    std::vector<double> values(Range range) const;
    std::optional<std::string> text_at(Instant when) const;
    /// Newest sample at or before `when`.
    std::optional<Sample> sample_at(Instant when) const;
    /// Every `by` value's streak as of `when`, counting only failures after `since` and none older
    /// than 24 h before `when`; the longest first. Late samples never rewrite a judged streak.
    std::vector<Streak> streaks(Instant when, Instant since) const;
    /// Event time of the oldest sample remembered: whether a window is covered.
    std::optional<Instant> covered_from() const;
    /// The newest samples (at most `count`), oldest first: for plots and proofs.
    std::vector<Sample> recent(std::size_t count, Range range) const;

    /// For the checkpoint. A loaded window answers every question as the saved one did.
    Json save() const;
    static Result<SignalWindow> load(WindowRules rules, Json const& saved);
    /// After a restart in another boot: every instant moves by `shift`.
    void shift(Duration shift);

    static constexpr std::size_t cells_max = 1024;
    static constexpr std::size_t values_max = 4096;
    static constexpr std::size_t ids_max = 65536;
    static constexpr std::size_t streaks_max = 256;

private:
    WindowRules rules_;
    std::optional<Sample> newest_;
};

}  // namespace rollbackd
