// The condition language of DESIGN A2: parse, check against the signals, evaluate, explain.
// Three-valued (Kleene): missing or stale data is unknown, and only true can act.
#pragma once

#include "core/severity.hpp"
#include "triggers/window.hpp"

#include <functional>
#include <memory>
#include <set>

namespace rollbackd {

struct Expr;  // immutable syntax tree, private to condition*.cpp

/// A mistake in a condition's text. `offset` counts bytes from its start.
struct ConditionProblem {
    std::size_t offset = 0;
    std::string what;
    bool warning = false;  // unwise, but it may come true

    friend bool operator==(ConditionProblem const&, ConditionProblem const&) = default;
};

class Condition {
public:
    static tl::expected<Condition, ConditionProblem> parse(std::string_view text);

    std::string const& text() const { return text_; }
    /// Not parsed from anything: its verdict is unknown.
    bool empty() const { return root_ == nullptr; }
    /// Names of the signals it reads, in order of first appearance.
    std::vector<std::string> signals() const;
    /// Names of the services it asks about (baked, mode), likewise.
    std::vector<std::string> services() const;
    /// Names of the playbooks it asks about (ready, drill_due), likewise.
    std::vector<std::string> playbooks() const;
    /// It reads more than samples: what is known of services and playbooks.
    bool asks_facts() const { return !services().empty() || !playbooks().empty(); }
    /// The longest window it asks `signal` for; zero where it only needs the newest or the streak.
    Duration window_of(std::string_view signal) const;
    bool uses(std::string_view function) const;
    /// Whether it asks that of this signal.
    bool uses(std::string_view function, std::string_view signal) const;
    /// It reads numbers of the signal (a latency, a gauge), not only its successes and failures.
    bool measures(std::string_view signal) const;
    Expr const& root() const { return *root_; }

    friend bool operator==(Condition const& a, Condition const& b) { return a.text_ == b.text_; }

    /// baseline(s) looks at the condition's own window of `s`, and never at less than this.
    static constexpr std::chrono::minutes baseline_min{5};

private:
    std::string text_;
    std::shared_ptr<Expr const> root_;
};

/// What the checker must know about a service: its signals' kinds (and which are probes).
struct SignalTraits {
    SignalKind kind = SignalKind::state;
    std::string type;  // http, tls, access_log, push …
    std::optional<Duration> every;
    std::optional<Duration> stale_after;
    std::optional<Duration> fastest;  // of a probe: its pace while a failure is settled
    bool tells_clients = true;        // false: none of its samples says whom it is about
};
using SignalTable = std::map<std::string, SignalTraits, std::less<>>;
/// Whether it can become true through absent() or stale() alone (A5.4): such a trigger may alert or
/// ask, nothing else.
bool can_be_true_by_absence(Condition const& condition);

/// What a trigger adds to its condition.
struct JudgeRules {
    std::optional<std::uint64_t> min_count;  // default 20 for ratios and quantiles, else 1
    std::optional<double> confidence;        // 0.95: the Wilson bound must pass

    friend bool operator==(JudgeRules const&, JudgeRules const&) = default;
};
BOOST_DESCRIBE_STRUCT(JudgeRules, (), (min_count, confidence))

/// How a condition will be judged, as far as that decides whether it can come true.
struct CheckRules {
    JudgeRules judge;
    bool quiet_is_zero = false;  // as in EvalContext: of `hold` in a success list
};
/// Undefined names (with the nearest), wrong kinds, windows missing or too many, comparisons of
/// unlike things, functions of later versions, a condition that can never be true, windows that
/// cannot hold the samples they need.
std::vector<ConditionProblem> check(
    Condition const& condition, SignalTable const& signals, CheckRules const& rules = {}
);

/// Whether a playbook could be run, when somebody looked last, and why not.
struct ReadyFact {
    bool ready = false;
    std::string why;
};

/// When a playbook was drilled last with success; nothing: never.
using DrillFact = std::optional<Instant>;

/// The world a condition is evaluated in.
struct EvalContext {
    Instant now;  // the moment judged: samples newer than this do not exist
    std::function<SignalWindow const*(std::string_view)> signal;
    JudgeRules rules;
    /// Blame (A6 b): failures at or before this never count in a streak.
    std::optional<Instant> streaks_since;
    /// Samples at or before this do not exist at all (a verification, a verified run's floor); only
    /// baseline(s), which is no sample to judge but what they are compared with, still sees them.
    std::optional<Instant> ignore_before;
    /// Judging "good before" (A6 b): windows of ratios and means reach back this far instead, and
    /// min_count and confidence do not apply.
    std::optional<Duration> widen;
    /// When the current deployment started: baseline(s) is the same signal before it.
    std::optional<Instant> deployed_at;
    std::function<bool(std::string_view)> baked;
    /// Of a playbook of this service; nothing: nobody has looked yet.
    std::function<std::optional<ReadyFact>(std::string_view)> ready;
    /// Of a playbook of this service.
    std::function<DrillFact(std::string_view)> drilled;
    /// Of a service: "normal", or what a step has put it into ("safe_mode", "firewall").
    std::function<std::string(std::string_view)> mode;
    /// For `hold` in a success list: count, failures and rate of an empty window of a signal that
    /// is not stale are 0 instead of unknown (no line in an error log in 5 minutes). Never for a
    /// trigger: there, missing data is never health.
    bool quiet_is_zero = false;
    /// What is looked at often and written down rarely: `why` in words, without its proof.
    bool without_proof = false;
};

struct Evaluation {
    Verdict verdict = Verdict::unknown;
    std::string why;                  // what a person reads: "consecutive_failures(health) = 4 > 3"
    std::optional<double> count;      // left side of the deciding comparison
    std::optional<double> threshold;  // its right side
    /// Event time at which the breach began: of a true verdict only. The first failure of the
    /// deciding streak; the sample that crossed a threshold (the newest that counts towards it);
    /// the deadline of absent() and stale().
    std::optional<Instant> begun;
    /// Enough to recompute the verdict with the condition's text and the trigger's rules:
    /// {"now": ns, "signals": {"requests": {
    ///   "calls": {"failure_ratio(requests, 5m)": {"value": 0.012, "from": ns, "to": ns,
    ///             "success": 494, "failure": 6, "neutral": 0}},
    ///   "samples": [{"at": ns, "failure": 1, "reason": "…"}, …]}}}
    /// and with them, where the condition asks for more than samples, "facts": {"baked(shop)": …}.
    /// A call that could not be answered has "unknown": why instead of "value"; others carry what
    /// they counted: length since by (streaks), samples (numbers), seen failing (clients). Samples
    /// are the newest samples_max, oldest first; times are boot-clock nanoseconds.
    Json proof;
    std::uint64_t successes = 0;  // successes seen by the ranges read (A6 b needs at least one)
    /// The verdict can change at this time without a new sample: absent, staleness, and while it
    /// is true samples that leave a window.
    std::optional<Instant> changes_at;

    static constexpr std::size_t samples_max = 10;

    friend bool operator==(Evaluation const&, Evaluation const&) = default;
};
BOOST_DESCRIBE_STRUCT(
    Evaluation, (), (verdict, why, count, threshold, begun, proof, successes, changes_at)
)

/// `with_proof` false leaves `why` and `proof` empty: for the hot path.
Evaluation evaluate(Condition const& condition, EvalContext const& context, bool with_proof);

/// Wilson score interval's lower bound of a proportion (Wilson 1927), two-sided `confidence`.
/// 3 of 100 at 0.95 is 0.010255.
double wilson_lower_bound(double failures, double total, double confidence);

}  // namespace rollbackd
