// The bodies of journal records: every durable change there is, one struct each. `kind` is what the
// journal, the event stream and `apply` know it by. Fields may be added (absent ones keep their
// default when an older journal is read), never renamed or given another meaning.
#pragma once

#include "engine/state.hpp"

#include <variant>

namespace rollbackd {

#define ROLLBACKD_RECORD(Type, kind_text, members)                          \
    inline constexpr char const* kind_of(Type const*) { return kind_text; } \
    BOOST_DESCRIBE_STRUCT(Type, (), members)

struct PolicyLoadedRecord {
    std::string hash;
    std::string text;
    std::string by;
};
ROLLBACKD_RECORD(PolicyLoadedRecord, "policy.loaded", (hash, text, by))

struct RecoveredRecord {
    std::string version;
    std::string note;
    std::optional<std::string> node;  // steps begun from here on leave their claims there
};
ROLLBACKD_RECORD(RecoveredRecord, "daemon.started", (version, note, node))

struct DeploymentRecorded {
    std::string service;
    Deployment deployment;
    bool repeated = false;     // the version in effect, said again: nothing restarts
    bool own = false;          // a run's own target: no deployment
    bool quarantined = false;  // the version is bad: flagged, stays bad
    bool opens_window = false;
    bool becomes_current = true;
};
ROLLBACKD_RECORD(
    DeploymentRecorded, "deployment.recorded",
    (service, deployment, repeated, own, quarantined, opens_window, becomes_current)
)

struct KnownGood {
    std::string service;
    std::string version;
    std::uint64_t deployment = 0;
    std::string why;
};
ROLLBACKD_RECORD(KnownGood, "deployment.known_good", (service, version, deployment, why))

struct Disturbed {
    std::string service;
    std::uint64_t deployment = 0;
    std::string trigger;
};
ROLLBACKD_RECORD(Disturbed, "deployment.disturbed", (service, deployment, trigger))

struct WindowClosed {
    std::string service;
    std::string why;
};
ROLLBACKD_RECORD(WindowClosed, "deployment.window_closed", (service, why))

struct Quarantined {
    std::string service;
    std::string version;
    std::string incident;
    std::string run;
};
ROLLBACKD_RECORD(Quarantined, "version.quarantined", (service, version, incident, run))

struct ReleasedRecord {
    std::string service;
    std::string version;
    std::string by;
    std::string reason;
};
ROLLBACKD_RECORD(ReleasedRecord, "version.released", (service, version, by, reason))

struct PausedRecord {
    std::string service;
    std::string by;
};
ROLLBACKD_RECORD(PausedRecord, "service.paused", (service, by))

struct ResumedRecord {
    std::string service;
    std::string by;
};
ROLLBACKD_RECORD(ResumedRecord, "service.resumed", (service, by))

struct SilenceAddedRecord {
    Silence silence;
};
ROLLBACKD_RECORD(SilenceAddedRecord, "silence.added", (silence))

struct SilenceEnded {
    std::string id;
    std::string service;
    std::string by;
};
ROLLBACKD_RECORD(SilenceEnded, "silence.ended", (id, service, by))

struct IncidentOpened {
    Incident incident;
};
ROLLBACKD_RECORD(IncidentOpened, "incident.opened", (incident))

struct IncidentJoined {
    std::string id;
    Firing firing;
    std::vector<LadderRung> rungs;
};
ROLLBACKD_RECORD(IncidentJoined, "incident.joined", (id, firing, rungs))

struct IncidentAsked {
    std::string id;
    std::string ask;
};
ROLLBACKD_RECORD(IncidentAsked, "incident.asked", (id, ask))

/// One judgement: every guard, passed or not, and the fresh answers it used.
struct IncidentJudged {
    std::string id;
    std::string trigger;
    std::string playbook;
    std::vector<GuardResult> guards;
    std::vector<Refusal> refusals;  // empty: it acts, or asks for approval
    Json evidence;                  // {"evaluation":…,"before":…,"beside":…,"blamed":…,"answer":…}
};
ROLLBACKD_RECORD(
    IncidentJudged, "incident.judged", (id, trigger, playbook, guards, refusals, evidence)
)

struct RungChanged {
    std::string id;
    std::string playbook;
    RungState state = RungState::untried;
    std::string why;
    std::string trigger;  // whose rung; empty: of every trigger
};
ROLLBACKD_RECORD(RungChanged, "incident.rung", (id, playbook, state, why, trigger))

/// A ladder grows by a playbook's on_failure.
struct LadderGrown {
    std::string id;
    std::vector<LadderRung> rungs;
};
ROLLBACKD_RECORD(LadderGrown, "incident.ladder", (id, rungs))

/// Passed-over rungs may be tried again: the world changed (a deployment, a resume). Samples up to
/// the floors, seen while we were blind, never begin a breach again, nor keep one.
struct LadderReopened {
    std::string id;
    std::string why;
    std::map<std::string, Instant> floors = {};
};
ROLLBACKD_RECORD(LadderReopened, "incident.reopened", (id, why, floors))

struct StateChanged {
    std::string id;
    IncidentState state = IncidentState::open;
    std::string why;
    std::optional<Moment> until;  // it is judged again then
};
ROLLBACKD_RECORD(StateChanged, "incident.state", (id, state, why, until))

/// Judged false on samples after `floor` alone, where there is one: those up to it never begin the
/// same breach again.
struct TriggerCleared {
    std::string id;
    std::string trigger;
    std::string why;
    std::optional<Instant> floor = {};
};
ROLLBACKD_RECORD(TriggerCleared, "incident.cleared", (id, trigger, why, floor))

/// Still, or again, true after a run: it counts as firing from this moment.
struct TriggerRefired {
    std::string id;
    std::string trigger;
    Evaluation evaluation;
    Moment at;
    std::optional<std::uint64_t> blames;  // as Firing has it
};
ROLLBACKD_RECORD(TriggerRefired, "incident.refired", (id, trigger, evaluation, at, blames))

struct AckedRecord {
    std::string id;
    std::string by;
};
ROLLBACKD_RECORD(AckedRecord, "incident.acked", (id, by))

struct Escalated {
    std::string id;
    std::string why;
};
ROLLBACKD_RECORD(Escalated, "incident.escalated", (id, why))

struct Unanswered {
    std::string id;
    std::string why;
};
ROLLBACKD_RECORD(Unanswered, "incident.unanswered", (id, why))

struct VerdictRecord {
    std::string id;
    std::string verdict;
    std::string by;
    std::string reason;
    std::vector<std::string> demoted;
};
ROLLBACKD_RECORD(VerdictRecord, "incident.verdict", (id, verdict, by, reason, demoted))

struct EvidenceRecord {
    std::string id;
    Evidence evidence;
};
ROLLBACKD_RECORD(EvidenceRecord, "incident.evidence", (id, evidence))

struct RunPlanned {
    Run run;
};
ROLLBACKD_RECORD(RunPlanned, "run.planned", (run))

struct RunApproved {
    std::string run;
    std::string by;
};
ROLLBACKD_RECORD(RunApproved, "run.approved", (run, by))

struct RunStarted {
    std::string run;
    bool automatic = false;
};
ROLLBACKD_RECORD(RunStarted, "run.started", (run, automatic))

struct StepIntent {
    std::string run;
    std::uint32_t n = 0;
    std::uint32_t attempt = 0;
    JsonObject params;
};
ROLLBACKD_RECORD(StepIntent, "step.intent", (run, n, attempt, params))

struct StepWaiting {
    std::string run;
    std::uint32_t n = 0;
    std::string text;
};
ROLLBACKD_RECORD(StepWaiting, "step.waiting", (run, n, text))

struct StepEndedRecord {
    std::string run;
    std::uint32_t n = 0;
    std::uint32_t attempt = 0;
    StepState state = StepState::done;
    std::optional<int> exit;
    std::string text;
    std::string saved;
    std::string by;                        // a person who settled or confirmed it
    std::optional<BackupTime> as_of = {};  // of what it has restored
    std::string version = {};              // that was in effect then
    std::string no_version = {};           // as_of, and none can be named: why
};
ROLLBACKD_RECORD(
    StepEndedRecord, "step.ended",
    (run, n, attempt, state, exit, text, saved, by, as_of, version, no_version)
)

struct AbortAsked {
    std::string run;
    std::string by;   // a person; empty: nobody answered, or the name could not be recorded
    std::string why;  // empty: "aborted by" that person
};
ROLLBACKD_RECORD(AbortAsked, "run.abort", (run, by, why))

struct RunVerifying {
    std::string run;
};
ROLLBACKD_RECORD(RunVerifying, "run.verifying", (run))

struct VerifyProgress {
    std::string run;
    bool success_list = false;
    CheckRun check;
};
ROLLBACKD_RECORD(VerifyProgress, "run.check", (run, success_list, check))

struct RunEnded {
    std::string run;
    RunState state = RunState::failed;
    std::string why;
    std::string by;
};
ROLLBACKD_RECORD(RunEnded, "run.ended", (run, state, why, by))

/// Verified. Samples up to the floors never begin the same breach again.
struct IncidentRecovered {
    std::string id;
    std::string run;
    std::map<std::string, Instant> floors;
};
ROLLBACKD_RECORD(IncidentRecovered, "incident.recovered", (id, run, floors))

struct IncidentResolved {
    std::string id;
    std::string by;
    std::string why;
    std::map<std::string, Instant> floors;
};
ROLLBACKD_RECORD(IncidentResolved, "incident.resolved", (id, by, why, floors))

struct DutyOwed {
    std::string id;
    DutyRun duty;
};
ROLLBACKD_RECORD(DutyOwed, "duty.owed", (id, duty))

struct DutyChanged {
    std::string id;
    std::uint32_t n = 0;
    DutyState state = DutyState::open;
    bool overdue = false;
    std::string by;
    std::string reason;
};
ROLLBACKD_RECORD(DutyChanged, "duty.changed", (id, n, state, overdue, by, reason))

/// People are told of a follow-up; `missed` of them fell due while nobody could be.
struct ReminderTold {
    std::string id;
    std::uint32_t entry = 0;
    std::uint64_t missed = 0;
};
ROLLBACKD_RECORD(ReminderTold, "follow_up.told", (id, entry, missed))

/// A person has seen enough after the incident was resolved by data.
struct RemindersEnded {
    std::string id;
    std::string by;
    std::string reason;
};
ROLLBACKD_RECORD(RemindersEnded, "follow_up.ended", (id, by, reason))

struct MessageQueued {
    Message message;
    std::vector<std::string> merges;
};
ROLLBACKD_RECORD(MessageQueued, "message.queued", (message, merges))

struct MessageAttempted {
    std::string id;
    std::string text;
};
ROLLBACKD_RECORD(MessageAttempted, "message.attempted", (id, text))

/// Its channel takes nothing: the same was queued for the other one.
struct MessageFellBack {
    std::string id;
    std::string to;
    std::string text;
};
ROLLBACKD_RECORD(MessageFellBack, "message.fell_back", (id, to, text))

struct MessageEnded {
    std::string id;
    MessageState state = MessageState::sent;
    std::string text;
};
ROLLBACKD_RECORD(MessageEnded, "message.ended", (id, state, text))

struct RequestRecord {
    AnsweredRequest request;
};
ROLLBACKD_RECORD(RequestRecord, "request.answered", (request))

struct ReadinessChanged {
    std::string service;
    std::string playbook;
    bool ready = false;
    std::string why;
};
ROLLBACKD_RECORD(ReadinessChanged, "playbook.readiness", (service, playbook, ready, why))

struct DrillRecorded {
    std::string service;
    std::string playbook;
    Drill drill;
    std::string by;
};
ROLLBACKD_RECORD(DrillRecorded, "playbook.drilled", (service, playbook, drill, by))

#undef ROLLBACKD_RECORD

using RecordBody = std::variant<
    PolicyLoadedRecord, RecoveredRecord, DeploymentRecorded, KnownGood, Disturbed, WindowClosed,
    Quarantined, ReleasedRecord, PausedRecord, ResumedRecord, SilenceAddedRecord, SilenceEnded,
    IncidentOpened, IncidentJoined, IncidentAsked, IncidentJudged, RungChanged, LadderGrown,
    LadderReopened, StateChanged, TriggerCleared, TriggerRefired, AckedRecord, Escalated,
    Unanswered, VerdictRecord, EvidenceRecord, RunPlanned, RunApproved, RunStarted, StepIntent,
    StepWaiting, StepEndedRecord, AbortAsked, RunVerifying, VerifyProgress, RunEnded,
    IncidentRecovered, IncidentResolved, DutyOwed, DutyChanged, ReminderTold, RemindersEnded,
    MessageQueued, MessageAttempted, MessageFellBack, MessageEnded, RequestRecord, ReadinessChanged,
    DrillRecorded>;

template <class T>
std::string kind_of() {
    return kind_of(static_cast<T const*>(nullptr));
}

/// The typed body of a record. Errc::corrupt where the kind or a member is not known to us: a
/// journal written by a newer version is not guessed at.
Result<RecordBody> read_body(Record const& record);

/// What apply must know of a record besides its body.
struct Stamp {
    std::uint64_t seq = 0;
    Moment at;
};

/// The only way durable state changes. Total: a record that does not fit the state is a bug.
void apply_body(State& state, RecordBody const& body, Stamp const& stamp);

/// One line for people, without the time; empty where the record is not worth one.
std::string tell(RecordBody const& body, State const& state);

}  // namespace rollbackd
