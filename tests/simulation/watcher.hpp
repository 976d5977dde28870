// What the daemon was shown, and what it means: an evaluator of the simulated conditions that
// shares nothing with the engine's but their meaning in words (DESIGN A2).
#pragma once

#include "core/sample.hpp"
#include "core/severity.hpp"
#include "tests/simulation/scenario.hpp"
#include "tests/simulation/timeline.hpp"

#include <deque>

namespace rollbackd::simulation {

class Watcher {
public:
    /// `held_until`: a failure within a start_period waits until then, and may be dropped; one that
    /// is seen later is dropped or counts at once.
    void take(Sample const& sample, Time at, Time seen, std::optional<Time> held_until);
    /// Samples seen after `kept` were in no checkpoint.
    void forget_after(Time kept);
    void set_policy(Policy const& policy);

    struct Look {
        std::string service;
        Time now{};
        Time since = Time::min();  // samples at or before this do not exist
        /// Only what was seen after this counts against it; what was seen before counts for it.
        Time failures_seen_after = Time::min();
        Time seen_until = Time::max();  // who decided had seen no more
        bool ever = false;              // also what a crash has made the daemon forget
        bool with_held = true;          // what a start_period holds or has held counts too
        bool with_late = true;          // in a streak: what came after newer ones were judged
    };
    /// The daemon has begun to listen to it: before, nobody was absent.
    void listen(std::string const& service, std::string const& signal, Time from);
    /// When a condition that is true by silence became so, or will: none where nobody listens.
    std::optional<Time> quiet_from(Meaning const& meaning, Look const& look) const;
    struct Said {
        Time at;
        std::string text;
    };
    /// What a text signal has said by then and is remembered, oldest first.
    std::vector<Said> texts(std::string const& service, std::string const& signal, Time until)
        const;
    /// Failures after `since` wait for the end of a start_period.
    bool holds(Meanings const& meanings, Look const& look) const;
    Verdict judge(Meanings const& meanings, Look const& look) const;
    /// Whatever is said of samples that came after newer ones were judged.
    bool may_be_true(Meanings const& meanings, Look look) const;
    bool is_surely_true(Meanings const& meanings, Look look) const;
    /// Good samples of the best of the condition's signals after `since`.
    std::uint64_t good(Meanings const& meanings, Look const& look) const;
    bool newest_is_good(
        std::string const& service, std::string const& signal, Time since, Time until,
        Time seen_until = Time::max()
    ) const;
    /// The newest that said something by then, and did not wait, has failed.
    bool newest_fails(std::string const& service, std::string const& signal, Time since, Time until)
        const;
    /// The newest that was seen by then said something: it was no answer that could not tell.
    bool newest_says(
        std::string const& service, std::string const& signal, Time until, Time seen_until
    ) const;
    /// A reload has changed the signal: its memory begins anew.
    void forget_signal(std::string const& service, std::string const& signal);
    std::uint64_t failures(Look const& look, std::string const& signal, Duration window) const;
    std::uint64_t streak(Look const& look, std::string const& signal) const;
    bool any(std::string const& service, std::string const& signal, Time from, Time to) const;
    /// When samples leave the windows of the condition, between the two.
    std::vector<Time> leaving(
        Meanings const& meanings, std::string const& service, Time from, Time to
    ) const;
    /// When samples that a start_period holds, or has held, say that they were; when that was over;
    /// and when the daemon `started`, if only then.
    std::vector<Time> held_at(
        Meanings const& meanings, std::string const& service, Time from, Time to, Time started
    ) const;
    /// Event time of the newest sample that is remembered.
    std::optional<Time> newest(std::string const& service, std::string const& signal) const;
    /// The newest samples, for the story of a seed: "12.5s +1 -3 lost held".
    std::string tell(std::string const& service, std::string const& signal) const;
    /// Also `ever`: what a crash has made the daemon forget was seen all the same.
    std::uint64_t successes(
        std::string const& service, std::string const& signal, Time from, Time to, bool ever = false
    ) const;

private:
    struct Seen {
        Time at;
        Time seen;
        std::uint64_t good;
        std::uint64_t bad;
        bool lost;
        std::optional<Time> held_until;
        bool late = false;
        bool blind = false;  // the source could not say
        std::string id = {};
        std::optional<double> number = {};
        std::optional<std::string> text = {};
    };
    using Seens = std::deque<Seen>;
    Seens const& of(std::string const& service, std::string const& signal) const;
    static bool good_by(Seens const& all, Time failed, Time when);
    Verdict judge_one(Meaning const& meaning, Look const& look) const;
    Verdict judge_quiet(Meaning const& meaning, Look const& look) const;
    Verdict judge_measure(Meaning const& meaning, Look const& look) const;
    Verdict judge_window(
        Meaning const& meaning, Look const& look, std::vector<Seen const*> const& within,
        Seen const* before
    ) const;
    std::optional<Time> spoke(Meaning const& meaning, Look const& look) const;
    std::uint64_t good_in(Look const& look, std::string const& signal, Duration window) const;
    bool stale(std::string const& service, std::string const& signal, Look const& look) const;

    std::map<std::string, Time> disregarded_;  // service/signal#id → when it was dropped
    std::map<std::string, Seens> seen_;
    std::map<std::string, Duration> stale_after_;
    std::map<std::string, Time> listening_;
    static constexpr Duration kept = std::chrono::minutes(45);
};

}  // namespace rollbackd::simulation
