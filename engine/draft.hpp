// A decision in the making. Records are applied to the draft's own copy of the state as they are
// written, so later thoughts of the same decision see them; the real state changes only when the
// journal has them. (The copy is shallow: incidents and messages are shared.)
#pragma once

#include "engine/command.hpp"
#include "engine/records.hpp"
#include "engine/senses.hpp"

namespace rollbackd {

struct Draft {
    Draft(State const& before, Policy const& policy_, Senses const& senses_, Now now_)
        : state(before), policy(policy_), senses(senses_), now(now_) {}

    State state;
    Policy const& policy;
    Senses const& senses;
    Now now;
    Decision out;
    /// Messages that wait to be sent and may still be merged into the next (message.cpp).
    std::optional<std::vector<std::shared_ptr<Message const>>> unsent;

    template <class T>
    void write(T body) {
        out.records.push_back({kind_of<T>(), to_json(body)});
        apply_body(state, RecordBody(std::move(body)), {state.seq + 1, moment()});
    }
    void command(Command command) { out.commands.push_back(std::move(command)); }
    void refuse(Errc code, std::string what) {
        if (!out.reply.error) out.reply.error = Error{code, std::move(what), {}};
    }
    Moment moment() const { return {now.wall, now.boot}; }
    /// Incidents change with every record: never keep the pointer across a write.
    Incident const& incident(std::string const& id) const;
    Run const& run(std::string const& id) const;
};

// Ladders (decide_ladder.cpp).
/// Looks for the next thing to do for an incident that has no run on: judges, asks, plans, starts.
void consider(Draft& draft, std::string const& incident);
void on(Draft& draft, EdgesSeen const& event);
void on(Draft& draft, Answered const& event);
/// Opens an incident for a trigger (or a person's manual run, without one); returns its id.
std::string open_incident(
    Draft& draft, std::string const& service, std::optional<Firing> firing, bool alert_only
);
Firing make_firing(
    Draft const& draft, ServicePolicy const& service, TriggerPolicy const& trigger,
    Evaluation evaluation, std::optional<std::uint64_t> blames
);
/// Another trigger of the same service: its own rungs follow what the incident has tried already.
void join_incident(Draft& draft, std::string const& incident, Firing firing);
/// An acting trigger was true: the deployment in its window does not become known-good.
void disturb(Draft& draft, std::string const& service, std::string const& trigger);
/// Triggers still true are judged again, passed-over rungs too: the world has changed.
void reconsider(
    Draft& draft, std::string const& service, std::string const& why,
    std::map<std::string, Instant> floors = {}
);
/// The world was asked, and the answer decides nothing: the incident waits for it no longer.
void drop_question(Draft& draft, std::string const& incident);
/// The newest judgement was blind.
bool is_blind(Incident const& incident);
/// We are not blind any more: what probes saw until now proves nothing, and fresh samples decide
/// whether the breach goes on.
void see_again(Draft& draft, std::string const& incident);
/// Whether a firing trigger is true now, on samples after `since` where there is one.
Verdict verdict_now(
    Draft const& draft, std::string const& service, Firing const& firing,
    std::optional<Instant> since
);
bool is_still_true(Draft const& draft, std::string const& service, Firing const& firing);
/// What follows a run that failed: the next rung for who is still true, else people.
void after_failure(Draft& draft, std::string const& incident, Run const& run);
/// A plan was rejected, ran out of time or is void: triggers it would not have answered are judged.
/// A person's own plan answered for none: nobody has judged their ladders.
void answer_others(Draft& draft, std::string const& incident, Run const& plan);
/// A run has ended: what its locks held on other services is judged again.
void free_locks(Draft& draft, std::string const& incident);
void resolve_incident(
    Draft& draft, std::string const& incident, std::string const& by, std::string const& why
);
/// `until`: it is judged again then. One whose freeze nobody has ended is frozen, never open.
void set_state(
    Draft& draft, std::string const& incident, IncidentState state, std::string why,
    std::optional<Moment> until = std::nullopt
);

// Runs (decide_runs.cpp).
void start_run(Draft& draft, std::string const& run, bool automatic);
/// Whether its `when` holds, on samples newer than all that the run has done (decide_when.cpp).
Evaluation judge_when(Draft const& draft, Run const& run, std::uint32_t n);
/// The intent, then the command; what the head does itself is done at once.
void begin_step(Draft& draft, std::string const& run, std::uint32_t n, std::uint32_t attempt);
/// Goes to the next step, to verification, or to the end.
void advance(Draft& draft, std::string const& run);
/// `by`: the person who did not want it.
void end_run(
    Draft& draft, std::string const& run, RunState state, std::string why, std::string by = {}
);
void on(Draft& draft, StepEnded const& event);
void on(Draft& draft, StepSettled const& event);
void finish_step(
    Draft& draft, std::string const& run, std::uint32_t n, StepState state,
    StepOutcome const& outcome, std::string const& by
);

// Verification (decide_verify.cpp).
void progress(Draft& draft, std::string const& service);
void on(Draft& draft, CheckEnded const& event);
/// After a run succeeded: other triggers, success entries, then resolved.
void follow_through(Draft& draft, std::string const& incident);

// What is known beside samples (decide_facts.cpp).
/// What a run of the incident has switched on and nobody off, and how to.
std::optional<std::string> mode_left_on(Draft const& draft, std::string const& incident);
void on(Draft& draft, ReadinessSeen const& event);
void on(Draft& draft, DrillDone const& event);

// People (decide_people.cpp, decide_approvals.cpp, decide_steps.cpp).
/// The incident a person names; refuses with not_found where there is none.
Incident const* require(Draft& draft, std::string const& id);
/// A person's reason as it may be kept: printable and bounded.
std::string reason_of(std::string const& text);
/// A step of the run that is on waits for approval, and this is one. False: none waits.
bool approve_step(Draft& draft, Incident const& incident, Approved const& event);
/// Nobody approved that step: the run ends as if aborted, people are called.
void reject_step(Draft& draft, std::string const& run, std::string const& why);
void on(Draft& draft, Raised const& event);
void on(Draft& draft, RunAsked const& event);
void on(Draft& draft, Approved const& event);
void on(Draft& draft, Rejected const& event);
void on(Draft& draft, Acked const& event);
void on(Draft& draft, ResolvedBy const& event);
void on(Draft& draft, Aborted const& event);
void on(Draft& draft, VerdictGiven const& event);
void on(Draft& draft, StepConfirmed const& event);
void on(Draft& draft, DutyConfirmed const& event);
void on(Draft& draft, EvidenceAdded const& event);

// Services and the daemon (decide_services.cpp).
void on(Draft& draft, DeploymentPosted const& event);
void on(Draft& draft, Paused const& event);
void on(Draft& draft, Resumed const& event);
void on(Draft& draft, SilenceAdded const& event);
void on(Draft& draft, SilenceRemoved const& event);
/// The end of a silence tells what is still broken, and judges it again.
void end_silence(Draft& draft, Silence const& silence, std::string const& by);
void on(Draft& draft, VersionReleased const& event);
void on(Draft& draft, RequestAnswered const& event);
void on(Draft& draft, PolicyLoaded const& event);
void on(Draft& draft, Recovered const& event);
void on(Draft& draft, BlindEnded const& event);
void on(Draft& draft, Tick const& event);
/// A deployment whose bake is over becomes known-good once fresh good samples say so.
void check_bake(Draft& draft, std::string const& service);

// Messages (message.cpp).
/// One message per state an incident entered in this decision; `before` is the state it began with.
void queue_messages(Draft& draft, State const& before);
void queue_message(
    Draft& draft, std::string const& incident, std::string const& event,
    std::vector<std::string> const& channels, std::string text, std::string command, Duration delay
);
/// To who is told of the incident; the last of that topic, where it is not delivered yet, gives
/// way.
void queue_reminder(
    Draft& draft, std::string const& incident, std::string topic, std::string text,
    std::string command
);
/// Somebody has taken the incident: for channels that were told of it and follow that.
void queue_ack(Draft& draft, std::string const& incident, std::string const& by);
bool is_silenced(State const& state, std::string const& service);
/// Tells everybody of an incident that nobody has answered, where that is due.
void tell_again(Draft& draft, std::string const& incident);
/// A response of `propose` prepares a plan and pages nobody.
bool pages(Incident const& incident);
/// The other channel of that message is told the same, once.
void on(Draft& draft, ChannelFailed const& event);
Decision note_delivery(State const& state, MessageDelivered const& event);

}  // namespace rollbackd
