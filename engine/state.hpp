// All durable state, rebuilt from the journal by Engine::apply and from nothing else. Plain values:
// the API reads them directly on the loop thread, the checkpoint writes them as JSON.
// Instants are on the boot timeline of the running daemon (records of other boots are mapped
// through wall time when they are applied).
#pragma once

#include "actions/outcome.hpp"
#include "core/record.hpp"
#include "engine/plan.hpp"
#include "engine/service_state.hpp"

namespace rollbackd {

enum class StepState { pending, waiting, running, done, failed, unknown, skipped, aborted };
BOOST_DESCRIBE_ENUM(StepState, pending, waiting, running, done, failed, unknown, skipped, aborted)

struct StepRun {
    std::uint32_t n = 0;  // 1-based over steps, then always
    std::string name;
    std::string type;
    bool always = false;
    StepState state = StepState::pending;
    std::uint32_t attempt = 0;
    std::optional<Moment> started_at;
    std::optional<Moment> ended_at;
    std::optional<int> exit;
    std::string text;  // why it ended so; last lines of output, secrets removed
    std::string saved;
    std::string confirmed_by;
    std::optional<std::string> node;  // where its newest attempt left its claims
    std::optional<BackupTime> as_of;  // of what it has restored
    std::string version;              // that was in effect then
    std::string no_version;           // as_of, and none can be named: why

    friend bool operator==(StepRun const&, StepRun const&) = default;
};
BOOST_DESCRIBE_STRUCT(
    StepRun, (),
    (n, name, type, always, state, attempt, started_at, ended_at, exit, text, saved, confirmed_by,
     node, as_of, version, no_version)
)

enum class RunState { waiting, running, verifying, succeeded, failed, interrupted, aborted };
BOOST_DESCRIBE_ENUM(RunState, waiting, running, verifying, succeeded, failed, interrupted, aborted)

struct CheckRun {
    std::uint32_t n = 0;
    bool passed = false;
    bool started = false;          // of a `run` check: its command was sent off
    std::optional<Instant> since;  // of a hold: true since
    std::string why;

    friend bool operator==(CheckRun const&, CheckRun const&) = default;
};
BOOST_DESCRIBE_STRUCT(CheckRun, (), (n, passed, started, since, why))

struct Run {
    std::string id;  // "RUN-7"
    std::string incident;
    RunState state = RunState::waiting;
    std::string reason;
    std::string by;                    // who asked for or approved it; empty: the policy
    bool manual = false;               // a person's own run
    bool automatic = false;            // started by the policy alone: limits and cooldown count it
    bool storm = false;                // its approval lets the plans of the whole storm go
    std::vector<std::string> answers;  // triggers it answers
    Plan plan;
    std::vector<StepRun> steps;
    std::vector<CheckRun> verify;
    Moment planned_at;
    std::optional<Moment> started_at;
    std::optional<Moment> steps_ended_at;  // only samples begun after this count for verify
    std::optional<Moment> ended_at;
    std::optional<Instant> recover_by;  // the rung's `within`
    Duration people_time{};             // spent waiting for people: not on the budget
    std::optional<Instant> waiting_since;
    bool aborting = false;
    std::string abort_why;  // who asked for the abort, or what it stands for
    std::string why;
    std::optional<BackupTime> foreseen;  // of the backup that would be restored, as its step said

    friend bool operator==(Run const&, Run const&) = default;
};
BOOST_DESCRIBE_STRUCT(
    Run, (),
    (id, incident, state, reason, by, manual, automatic, storm, answers, plan, steps, verify,
     planned_at, started_at, steps_ended_at, ended_at, recover_by, people_time, waiting_since,
     aborting, abort_why, why, foreseen)
)

enum class IncidentState { open, waiting, acting, verifying, unverified, resolved, frozen };
BOOST_DESCRIBE_ENUM(IncidentState, open, waiting, acting, verifying, unverified, resolved, frozen)

enum class Guard {
    no_deployment,
    bad_before,
    dependency_failing,
    blind,
    no_target,
    schema_moved,
    quarantined,
    autonomy,
    approval,
    paused,
    silenced,
    cooldown,
    limit,
    locked,
    frozen,
    unstable,
};
BOOST_DESCRIBE_ENUM(
    Guard, no_deployment, bad_before, dependency_failing, blind, no_target, schema_moved,
    quarantined, autonomy, approval, paused, silenced, cooldown, limit, locked, frozen, unstable
)

/// The letter of DESIGN A6 a guard belongs to.
std::string letter_of(Guard guard);

struct GuardResult {
    Guard guard = Guard::no_deployment;
    std::string letter;
    bool passed = false;
    std::string text;

    friend bool operator==(GuardResult const&, GuardResult const&) = default;
};
BOOST_DESCRIBE_STRUCT(GuardResult, (), (guard, letter, passed, text))

/// Why a rung (or the whole ladder, `playbook` empty) was not run.
struct Refusal {
    Guard guard = Guard::no_deployment;
    std::string letter;
    std::string text;
    std::string playbook;
    std::string trigger;
    Moment at;
    bool carried = false;     // b only because the blamed part is too short yet: judged again
    bool storm = false;       // c because many services broke together: one approval lets all go
    bool impossible = false;  // d because a step of the plan says that it cannot work

    friend bool operator==(Refusal const&, Refusal const&) = default;
};
BOOST_DESCRIBE_STRUCT(
    Refusal, (), (guard, letter, text, playbook, trigger, at, carried, storm, impossible)
)

struct Firing {
    std::string trigger;
    std::string when;  // condition text and rules as they were when it fired
    ResolveAfter resolve_after;
    JudgeRules rules;
    Resolved resolved;
    Blame blame = Blame::release;
    bool approval = false;
    Autonomy autonomy = Autonomy::enforce;
    std::vector<std::string> notify;
    Evaluation evaluation;  // at the moment it fired
    Moment fired_at;
    Instant begun{};                      // event time at which the breach began
    std::optional<std::uint64_t> blames;  // deployment whose own failures alone made it true
    bool cleared = false;
    bool raised = false;  // by a person
    std::string reason;   // the person's

    friend bool operator==(Firing const&, Firing const&) = default;
};
BOOST_DESCRIBE_STRUCT(
    Firing, (),
    (trigger, when, resolve_after, rules, resolved, blame, approval, autonomy, notify, evaluation,
     fired_at, begun, blames, cleared, raised, reason)
)

enum class RungState { untried, passed_over, waiting, running, failed, succeeded };
BOOST_DESCRIBE_ENUM(RungState, untried, passed_over, waiting, running, failed, succeeded)

struct LadderRung {
    std::string playbook;
    std::optional<Duration> within;
    std::string trigger;
    RungState state = RungState::untried;
    std::string why;

    friend bool operator==(LadderRung const&, LadderRung const&) = default;
};
BOOST_DESCRIBE_STRUCT(LadderRung, (), (playbook, within, trigger, state, why))

enum class DutyState { open, done, does_not_apply };
BOOST_DESCRIBE_ENUM(DutyState, open, done, does_not_apply)

struct DutyRun {
    std::uint32_t n = 0;
    Duty duty;
    Moment due_at;
    DutyState state = DutyState::open;
    bool overdue_told = false;
    std::string by;
    std::string reason;

    friend bool operator==(DutyRun const&, DutyRun const&) = default;
};
BOOST_DESCRIBE_STRUCT(DutyRun, (), (n, duty, due_at, state, overdue_told, by, reason))

/// A reminder of an incident that has recovered.
struct ReminderRun {
    Reminder reminder;
    Moment since;                   // the recovery
    std::optional<Moment> next_at;  // none: it is over
    std::uint32_t told = 0;
    std::string why;  // it is over

    Instant until() const { return since.boot + reminder.lasts; }
    /// How many of them fell due by then.
    std::int64_t due_by(Instant instant) const {
        return (std::min(instant, until()) - since.boot) / reminder.every;
    }

    friend bool operator==(ReminderRun const&, ReminderRun const&) = default;
};
BOOST_DESCRIBE_STRUCT(ReminderRun, (), (reminder, since, next_at, told, why))

struct TimelineEntry {
    std::uint64_t seq = 0;
    WallTime at{};
    std::string kind;
    std::string text;

    friend bool operator==(TimelineEntry const&, TimelineEntry const&) = default;
};
BOOST_DESCRIBE_STRUCT(TimelineEntry, (), (seq, at, kind, text))

struct Incident {
    std::string id;  // "INC-7"
    std::string service;
    IncidentState state = IncidentState::open;
    Severity severity = Severity::P2;
    bool alert_only = false;
    std::vector<Firing> triggers;
    Moment opened_at;
    std::optional<Moment> acted_at;      // first step's intent
    std::optional<Moment> recovered_at;  // verified
    std::optional<Moment> resolved_at;
    std::string acked_by;
    std::string resolved_by;  // a person; empty: data decided
    std::vector<LadderRung> ladder;
    std::vector<Run> runs;
    std::vector<Refusal> refusals;
    std::vector<GuardResult> guards;  // newest judgement, passed ones too
    std::vector<DutyRun> duties;
    std::vector<CheckRun> success;  // of the run that verified
    std::vector<std::string> follow_up;
    std::vector<ReminderRun> reminders;
    std::vector<Evidence> evidence;
    std::vector<TimelineEntry> timeline;
    bool asking = false;               // fresh answers are on their way
    std::string ask;                   // id of that ask
    std::optional<Moment> held_until;  // judged again then: the end of a start_period
    bool escalated = false;
    std::optional<Moment> worse_at;       // a trigger that joined has raised the severity
    std::uint32_t unanswered = 0;         // how often everybody was told that nobody answers
    std::optional<Moment> unanswered_at;  // the last time
    std::string verdict;                  // "false-positive" by a person
    std::optional<std::string> blamed;    // version, where a deployment is blamed
    std::string standing_text;  // what rollbackd did, or why not: the message's second line

    friend bool operator==(Incident const&, Incident const&) = default;
};
BOOST_DESCRIBE_STRUCT(
    Incident, (),
    (id, service, state, severity, alert_only, triggers, opened_at, acted_at, recovered_at,
     resolved_at, acked_by, resolved_by, ladder, runs, refusals, guards, duties, success, follow_up,
     reminders, evidence, timeline, asking, ask, held_until, escalated, worse_at, unanswered,
     unanswered_at, verdict, blamed, standing_text)
)

struct Silence {
    std::string id;       // "SIL-3"
    std::string service;  // empty: all
    std::string reason;
    std::string by;
    Moment from;
    Moment until;

    friend bool operator==(Silence const&, Silence const&) = default;
};
BOOST_DESCRIBE_STRUCT(Silence, (), (id, service, reason, by, from, until))

enum class MessageState { queued, sent, dropped };
BOOST_DESCRIBE_ENUM(MessageState, queued, sent, dropped)

/// A line of the outbox: one message for one channel.
struct Message {
    std::string id;        // "MSG-12"
    std::string incident;  // may be empty (quarantine alert, daemon's own)
    std::string channel;
    std::string event;  // "incident.acting"
    std::string text;
    std::string command;  // what the reader must do, ready to paste; may be empty
    Json payload;         // of the generic webhook: the incident as the API shows it
    Moment queued_at;
    Instant not_before{};           // a state left within 1 s is merged into the next
    std::vector<std::string> also;  // other incidents it tells of: those of one storm
    std::uint32_t attempts = 0;
    std::string fallback;  // channel that is told instead while its own fails; empty once it was
    std::string topic;  // undelivered, it gives way to the next of the same topic; empty: to none

    friend bool operator==(Message const&, Message const&) = default;
};
BOOST_DESCRIBE_STRUCT(
    Message, (),
    (id, incident, channel, event, text, command, payload, queued_at, not_before, also, attempts,
     fallback, topic)
)

/// An answered request that carried an Idempotency-Key; kept 24 h.
struct AnsweredRequest {
    std::string scope;  // sha256 of token name, method, path and key
    std::string body_hash;
    std::uint32_t status = 0;
    std::string answer;  // JSON text
    Moment at;

    friend bool operator==(AnsweredRequest const&, AnsweredRequest const&) = default;
};
BOOST_DESCRIBE_STRUCT(AnsweredRequest, (), (scope, body_hash, status, answer, at))

struct State {
    std::uint64_t seq = 0;  // of the newest record applied
    std::string hash;       // its hash
    std::uint64_t next_incident = 1;
    std::uint64_t next_run = 1;
    std::uint64_t next_message = 1;
    std::uint64_t next_silence = 1;
    bool paused = false;
    std::string paused_by;
    std::map<std::string, ServiceState> services;
    std::map<std::string, std::shared_ptr<Incident const>>
        incidents;                            // open ones and the newest closed
    std::vector<std::string> incident_order;  // oldest first
    std::vector<Silence> silences;
    std::map<std::string, std::shared_ptr<Message const>> outbox;  // queued only
    std::map<std::string, AnsweredRequest> answered;
    std::string policy_hash;
    std::optional<std::string> node;  // of the daemon that acts
    Moment last_at;                   // of the newest record applied
    /// Not kept: a record of another boot lies in this boot's future, so nobody knows how old
    /// things are. (Within one boot its own clock says so, wherever wall time was set.)
    bool clock_doubt = false;

    Incident const* incident(std::string_view id) const;
    /// The run with that id and its incident; {nullptr, nullptr} where there is none.
    std::pair<Incident const*, Run const*> run(std::string_view id) const;
    ServiceState const& service(std::string_view name) const;  // an empty one where unknown
    static constexpr std::size_t closed_incidents_max = 500;
};
BOOST_DESCRIBE_STRUCT(
    State, (),
    (seq, hash, next_incident, next_run, next_message, next_silence, paused, paused_by, services,
     incidents, incident_order, silences, outbox, answered, policy_hash, node, last_at)
)

}  // namespace rollbackd
