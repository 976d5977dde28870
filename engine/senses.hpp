// What the engine perceives: every signal's window, every trigger's verdict, failures that wait for
// the end of a start_period. Volatile and rebuilt from checkpoint and sources; decides nothing.
#pragma once

#include "engine/event.hpp"
#include "engine/flapping.hpp"

#include <span>
#include <unordered_map>

namespace rollbackd {

/// Failures of a signal that waited for the end of a start_period, and then counted or were
/// dropped: of a moment when they still waited, nobody can say that it was good.
struct Waited {
    std::string signal;
    Instant first;
    Instant last;
    Instant until;

    friend bool operator==(Waited const&, Waited const&) = default;
};
BOOST_DESCRIBE_STRUCT(Waited, (), (signal, first, last, until))

/// A trigger's present standing (checkpointed with the windows).
struct Track {
    Evaluation last;                    // without texts
    bool firing = false;                // fired, and not yet cleared
    std::optional<Instant> true_since;  // true without a break, begun by a sample or a deadline
    std::optional<Instant> last_true;   // newest moment it was true
    bool held = false;                  // failures wait for the end of start_period
    std::optional<Instant> judged_to;   // restored samples up to here were judged before the crash
    Flapping flapping;                  // how often it changed by itself
};

class Senses {
public:
    void set_policy(std::shared_ptr<Policy const> policy, State const& state, Now now);

    Edges observe(std::span<Sample const> samples, State const& state, Now now);
    Edges elapse(State const& state, Now now);
    /// What conditions ask beside samples may have changed: the next elapse() looks at them.
    void note_facts();
    bool facts_moved() const { return facts_moved_; }
    /// The first moment after `after` at which a verdict can change without a sample.
    Instant next_deadline(Instant after) const;
    /// The earliest such moment that the last observe() has set.
    Instant observed_deadline() const { return observed_deadline_; }

    Track const* track(std::string_view service, std::string_view trigger) const;
    SignalWindow const* window(std::string_view service, std::string_view signal) const;
    /// Verdict, arithmetic and proof now, as people see it.
    Evaluation judge(
        std::string_view service, std::string_view trigger, State const& state, Now now
    ) const;
    /// Any condition over the service's signals, looking only at samples after `ignore_before`. In
    /// words, without proof: it is asked at every sample of a verification.
    Evaluation evaluate_text(
        std::string_view service, std::string const& condition, JudgeRules const& rules,
        std::optional<Instant> ignore_before, State const& state, Now now,
        bool quiet_is_zero = false
    ) const;
    /// The same with its proof, to be written down. Failures up to `streaks_since` count in no
    /// streak.
    Evaluation prove_text(
        std::string_view service, std::string const& condition, JudgeRules const& rules,
        std::optional<Instant> ignore_before, std::optional<Instant> streaks_since,
        State const& state, Now now
    ) const;
    /// A6 b: a trigger's condition as it stood at `when`, judged over `watch_window`.
    Before before(
        std::string_view service, std::string_view trigger, std::string const& condition,
        Instant when, State const& state
    ) const;
    /// Whether the condition's signals brought enough good samples since `since`.
    bool enough_good(
        std::string_view service, std::string const& condition, ResolveAfter const& resolve_after,
        Instant since, Now now
    ) const;
    /// Failures after `since` and up to `until` wait for the end of a start_period: they speak
    /// against a verdict of false.
    bool holds(
        std::string_view service, std::string const& condition, Instant since,
        Instant until = Instant::max()
    ) const;
    /// When the condition was true last, on samples after `since` alone; `since` where it never
    /// was.
    Instant last_true(
        std::string_view service, std::string const& condition, JudgeRules const& rules,
        Instant since, State const& state, Now now
    ) const;
    /// Every probe of the service is fresh, and something good was seen since `since`.
    bool fresh_and_good(std::string_view service, Instant since, Now now) const;
    bool awaits_confirmation(std::string_view service, std::string_view signal) const;
    bool untrusted(std::string_view service) const;

    /// Brings `firing` into line with what the journal knows: after recovery, and when an incident
    /// ended.
    void sync(State const& state);
    /// As it stands after a restart or a reload: what changes next without a sample, and when.
    void look_ahead(State const& state, Now now);
    /// The journal has been replayed over windows that may be older than its newest records.
    void forget_judged(State const& state);

    Json save(Now now, std::string const& boot_id) const;
    Result<void> load(Json const& saved, Now now, std::string const& boot_id);

private:
    struct TriggerSense {
        TriggerPolicy const* policy = nullptr;
        bool by_absence = false;
        bool by_fact = false;  // its condition asks for more than samples
        Track track;
        /// Of an open incident, which keeps its trigger though a reload has taken it away.
        std::shared_ptr<TriggerPolicy const> kept = nullptr;
        /// True by silence when it was over for the journal: no sample will bring it up again.
        bool look_again = false;
    };
    struct ServiceSense {
        ServicePolicy const* policy = nullptr;
        std::map<std::string, SignalWindow, std::less<>> windows;
        std::map<std::string, std::vector<std::size_t>, std::less<>> readers;  // signal → triggers
        std::vector<TriggerSense> triggers;    // the policy's, then those that are kept
        std::map<std::string, Track> removed;  // of triggers the policy does not have any more
        std::map<std::string, std::vector<Sample>> held;  // by signal, in order of arrival
        std::optional<Instant> held_until;
        std::vector<Waited> waited;  // oldest first
        bool untrusted = false;
        Instant expired_at{};
    };

    /// Failures of one signal that are heard of after the end of the start_period they are from.
    struct Late {
        ServiceSense* service = nullptr;
        Instant end;
        std::vector<Sample> samples;
    };

    static Instant after_all(ServiceSense const& service, std::string const& signal);
    void fold(
        ServiceSense& service, Sample const& sample, State const& state, Now now, Edges& edges
    );
    void wait(ServiceSense& service, Sample sample, Instant until);
    void release_held(ServiceSense& service, State const& state, Now now, Edges& edges);
    static void note_late(
        std::vector<Late>& late, ServiceSense& service, Sample sample, Instant end
    );
    /// Those of one signal; of all where `service` is null.
    void settle_late(
        std::vector<Late>& late, ServiceSense const* service, std::string const& signal,
        State const& state, Now now, Edges& edges
    );
    /// Drops failures of a start_period that ended at `end`, or counts them.
    void settle(
        ServiceSense& service, std::vector<Sample> failures, Instant end, State const& state,
        Now now, Edges& edges
    );
    void assess(
        ServiceSense& service, TriggerSense& trigger, State const& state, Now now, bool may_begin,
        bool new_failure, Edges& edges
    );
    static void add(ServiceSense& service, TriggerSense trigger);
    void keep_removed(ServiceSense& service, State const& state);
    static void load_tracks(ServiceSense& service, Json const& tracks, Duration shift);
    static Instant deadline_of(TriggerSense const& trigger, Instant after);
    EvalContext context(ServiceSense const& service, State const& state, Now now) const;
    /// Samples up to here were judged by an incident that is over: they never breach again.
    static std::optional<Instant> floor(
        ServiceSense const& service, TriggerSense const& trigger, State const& state
    );
    std::optional<Instant> start_period_end(
        ServicePolicy const& service, State const& state, Instant at
    ) const;
    static bool in_streak(ServiceSense const& service, Condition const& condition, Now now);
    ServiceSense const* find_service(std::string_view name) const;
    TriggerSense const* find_trigger(ServiceSense const& service, std::string_view name) const;
    Condition const& parsed(std::string const& text) const;

    std::shared_ptr<Policy const> policy_;
    std::map<std::string, ServiceSense, std::less<>> services_;
    Instant observed_deadline_ = Instant::max();
    bool facts_moved_ = false;
    std::optional<Instant> saved_at_;  // when the windows that were loaded had been saved
    /// Conditions of incidents and playbooks, parsed once each.
    mutable std::unordered_map<std::string, std::shared_ptr<Condition const>> conditions_;
    static constexpr std::size_t held_max = 10000;
    static constexpr std::size_t waited_max = 64;  // of a service; the oldest are forgotten
};

}  // namespace rollbackd
