// One signal's memory: what its samples of the recent past amount to. Pure and bounded: counts are
// exact up to 1024 samples, then a range that ends now may be short by 1/64 of its length at its
// beginning, and never counts what lies outside of it (cells.hpp). What each other part keeps is
// said in its header. Event time orders everything. The engine feeds it, conditions ask it.
#pragma once

#include "triggers/cells.hpp"
#include "triggers/client_book.hpp"
#include "triggers/id_book.hpp"
#include "triggers/series.hpp"
#include "triggers/streak_book.hpp"

namespace rollbackd {

/// What the policy says about the signal that its window must know.
struct WindowRules {
    SignalKind kind = SignalKind::state;
    Duration retention{};  // longest window asked for, plus how far back a deployment may be judged
    std::optional<Duration> stale_after;  // none: never stale (push and logs without the key)
    bool clients = true;  // false: no condition asks affected(), so clients are not remembered

    friend bool operator==(WindowRules const&, WindowRules const&) = default;
};

class SignalWindow {
public:
    SignalWindow() = default;
    explicit SignalWindow(WindowRules rules);
    WindowRules const& rules() const { return rules_; }

    /// Folds one sample in. False: it changed nothing (a repeated id, older than the retention).
    /// A late sample counts in its ranges and leaves a judged streak alone. `at` must already be
    /// clamped to <= now.
    bool observe(Sample const& sample);
    /// What the newest sample said still holds: it makes nothing stale until it would be itself.
    void confirm(Instant at);
    /// A failure that is not to count: nor does a repeat of its id.
    void disregard(Sample const& failure);
    /// The source has spoken, though what it said waits and may be dropped: that is no silence.
    void hear(Instant at);
    /// When this process began to listen: absent() is judged only where it listened all the while.
    /// Without it, listening began with the first sample. Call it again after a gap.
    void listen_from(Instant at) { listening_since_ = at; }
    /// Forgets what lies before `now - retention`, ids older than 72 h, streak failures older
    /// than 24 h before that. Called by the engine once in a while; questions are right without it.
    void expire(Instant now);

    /// Newest sample by event time, of any value; none before the first.
    std::optional<Sample> const& newest() const { return newest_; }
    /// Stale: no sample yet, or the newest, or when that was confirmed, older than stale_after.
    /// Samples after `now` and those that could not say do not count.
    bool stale(Instant now) const;
    /// Event time of the newest sample at or before `when` that said something. Of a busy signal's
    /// past: of one that did, by 1/64 of how long ago that is too old.
    std::optional<Instant> known_at(Instant when) const;
    /// The same, or when that was said again.
    std::optional<Instant> fresh_at(Instant when) const;
    /// The same, with what was only heard: for whom nothing but silence matters.
    std::optional<Instant> spoke_at(Instant when) const;
    /// Whether the newest sample at or before `when` was one that could not say.
    bool silent_at(Instant when) const;
    /// Event time and goodness of the newest success or failure at or before `when`.
    struct Judged {
        Instant at;
        bool good = false;
    };
    std::optional<Judged> judged_at(Instant when) const;
    /// Since when absence means something; none before the first sample and without listen_from.
    std::optional<Instant> heard_from() const;

    Counts counts(Range range) const;  // of outcomes; a state sample counts as 1
    /// Samples of any kind that said something.
    std::uint64_t samples(Range range) const { return cells_.samples(range); }
    std::optional<Instant> newest_failure(Range range) const;
    std::optional<Instant> oldest_in(Range range) const { return cells_.oldest_in(range); }
    /// Where counting really begins: later than `from` where samples were merged across it.
    Instant counted_from(Range range) const { return cells_.counted_from(range); }

    using Clients = rollbackd::Clients;
    /// Distinct clients seen and failing; samples without a client are not counted.
    Clients clients(Range range) const { return clients_.count(range); }

    /// Numbers in the range, oldest first, only of the newest values_max: gauge values, or a state
    /// probe's latency in seconds (of a failed sample only where it timed out: a refused connection
    /// is not fast).
    std::vector<double> values(Range range) const;
    /// The same with their times, without a copy; valid until the window changes.
    std::span<TimedNumber const> numbers(Range range) const { return numbers_.in(range); }
    /// What all of them amount to, older ones too.
    NumberSum sum(Range range) const { return numbers_.sum(range); }
    TimedNumber const* number_at(Instant when) const { return numbers_.at(when); }
    std::optional<std::string> text_at(Instant when) const;
    /// Whether text, number or state differed within the range, or from what it was at its start;
    /// samples up to `since` are not compared with.
    bool changed(Range range, Instant since = Instant::min()) const;
    /// Newest sample at or before `when`. Beyond the newest tail_max it is rebuilt from counts:
    /// without id, client, reason.
    std::optional<Sample> sample_at(Instant when) const;

    /// Every `by` value's streak as of `when`, counting only failures after `since` and none older
    /// than 24 h before `when`; the longest first. Late samples never rewrite a judged streak.
    std::vector<Streak> streaks(Instant when, Instant since) const;
    /// The first of streaks(), cheaply; none where nothing was ever judged. Without text `by` and
    /// `reason` stay empty.
    std::optional<Streak> longest_streak(Instant when, Instant since, bool with_text) const;
    /// Whether one `by` value failed before `since` and after it, with no success between.
    bool streak_goes_on(Instant when, Instant since) const { return streaks_.goes_on(when, since); }
    /// Whether a success or failure was judged in the range.
    bool judged(Range range) const { return streaks_.judged(range); }

    /// Event time of the oldest sample a range may still ask for: whether a window is covered.
    std::optional<Instant> covered_from() const { return covered_from_; }
    /// The newest samples (at most `count`), oldest first: for plots and proofs. Beyond the newest
    /// tail_max they are rebuilt from counts, merged where those are.
    std::vector<Sample> recent(std::size_t count, Range range) const;

    /// For the checkpoint: {"format":2,"data":base64}; format 1 is read too. A loaded window
    /// answers every question as the saved one did; `rules` may differ, they are the policy's.
    Json save() const;
    static Result<SignalWindow> load(WindowRules rules, Json const& saved);
    /// After a restart in another boot: every instant moves by `shift`.
    void shift(Duration shift);

    static constexpr std::size_t cells_max = Cells::limit;
    static constexpr std::size_t values_max = Numbers::limit;
    static constexpr std::size_t ids_max = IdBook::limit;
    static constexpr std::size_t streaks_max = StreakBook::names_max;
    static constexpr std::size_t tail_max = 64;
    static constexpr std::size_t text_bytes_max = 1024;  // of each text of a sample
    /// Retention is never shorter, so that the present always has a past.
    static constexpr std::chrono::minutes retention_min{1};

private:
    Duration retention() const { return std::max<Duration>(rules_.retention, retention_min); }
    bool admit(Sample& sample);
    void fold(Sample& sample);
    void keep(Sample const& sample);
    Sample rebuilt(Cell const& cell) const;

    WindowRules rules_;
    Cells cells_;
    Numbers numbers_;
    Texts texts_;
    StreakBook streaks_;
    IdBook ids_;
    ClientBook clients_;
    std::vector<Sample> tail_;          // the newest samples as they came, by event time
    std::optional<Instant> tail_gone_;  // newest event time the tail no longer has
    std::optional<Sample> newest_;
    std::optional<Instant> covered_from_;
    std::optional<Instant> listening_since_;
    std::optional<Instant> heard_;  // not saved: who keeps what waits says it again
    std::optional<Instant> confirmed_;
};

}  // namespace rollbackd
