// What can happen to the engine, beside samples. The shell makes these; decide() answers them.
#pragma once

#include "engine/state.hpp"

#include <set>
#include <variant>

namespace rollbackd {

/// Who did it: a token's name, "unix:deploy", or empty for the daemon itself.
struct Actor {
    std::string name;
    std::string role;
    std::string request = {};  // the call it came with, for the log; empty: it came with none
};

enum class StepFinding {
    ready,       // nothing speaks against it
    impossible,  // it cannot work, and no step before it brings what is missing
    later,       // it could not work yet; a step before it may bring what is missing
    unanswered,  // no answer in time, or none that can be trusted
    unasked,     // it may not be needed, depends on an earlier one, or does not wait to be asked
};
BOOST_DESCRIBE_ENUM(StepFinding, ready, impossible, later, unanswered, unasked)

/// What one step of a plan answered to its preflight.
struct StepLook {
    std::string playbook;
    std::uint32_t n = 0;  // over steps, then always; from 1
    std::string name;
    StepFinding found = StepFinding::unasked;
    std::string text;
    std::optional<BackupTime> as_of = {};  // of the backup it would restore
};
BOOST_DESCRIBE_STRUCT(StepLook, (), (playbook, n, name, found, text, as_of))

/// The world asked afresh (A6 c, d, e), all of it within 2 s.
struct Answer {
    bool blind = false;  // every reference failed
    std::string blind_text;
    struct Failing {
        std::string service;
        std::string signal;
        std::string reason;
    };
    std::vector<Failing> failing;  // dependencies that failed or did not answer
    bool schema_asked = false;
    std::optional<std::string> schema;
    std::string schema_error;
    std::map<std::string, std::string> preflight;  // playbook → why it cannot run; absent: it can
    std::set<std::string> asked = {};              // plans whose steps were asked, by hash
    std::vector<StepLook> looks = {};              // what each of those steps answered
};

enum class EdgeKind {
    fired,     // the condition is true and its `for` has passed
    cleared,   // it had fired and has been false for resolve_after
    again,     // true again before it cleared, or a refused judgement asked to see each failure
    progress,  // fresh samples for a service whose run is being verified or waited for
};
BOOST_DESCRIBE_ENUM(EdgeKind, fired, cleared, again, progress)

struct Edge {
    EdgeKind kind = EdgeKind::fired;
    std::string service;
    std::string trigger;  // empty for progress
    Evaluation evaluation;
    /// The deployment whose own failures alone made it true, at the moment of the edge (A6 b).
    std::optional<std::uint64_t> blames = {};
};
using Edges = std::vector<Edge>;

struct EdgesSeen {
    Edges edges;
};
struct Tick {};  // next_deadline() has come
struct Answered {
    std::string incident;
    std::string ask;
    Answer answer;
};
struct StepEnded {
    std::string run;
    std::uint32_t n = 0;
    std::uint32_t attempt = 0;
    StepOutcome outcome;
};
/// Answer to SettleStep: done, failed (= not done) or unknown.
struct StepSettled {
    std::string run;
    std::uint32_t n = 0;
    StepOutcome outcome;
};
struct CheckEnded {
    std::string run;
    std::uint32_t n = 0;
    bool success_list = false;
    bool passed = false;
    std::string text;
};
/// Why a text cannot name a version; empty: it can.
std::string version_problem(std::string_view version);

struct DeploymentPosted {
    Actor actor;
    std::string service;
    std::string version;
    std::optional<WallTime> started_at;
    bool known_good = false;
    std::optional<bool> schema_compatible;
    ReleaseFacts facts;
    /// Nobody announced it: a signal has shown it until then. Nothing happens where it is known by
    /// now.
    std::optional<Moment> seen_at = {};
};
struct Raised {
    Actor actor;
    std::string service;
    std::string trigger;
    std::string reason;
};
struct RunAsked {
    Actor actor;
    std::string service;
    std::string playbook;
    std::string reason;
    JsonObject inputs;
    Answer answer;       // asked by the shell before (preflight)
    bool force = false;  // though a step says that it cannot work
};
struct Approved {
    Actor actor;
    std::string incident;
    std::string plan;
    Answer answer;
    bool force = false;  // though a step says that it cannot work
};
struct Rejected {
    Actor actor;
    std::string incident;
    std::string plan;
};
struct Acked {
    Actor actor;
    std::string incident;
};
struct ResolvedBy {
    Actor actor;
    std::string incident;
    std::string reason;
};
struct Aborted {
    Actor actor;
    std::string incident;
};
struct VerdictGiven {
    Actor actor;
    std::string incident;
    std::string verdict;
    std::string reason;
};
/// outcome: "done", "not_done" or "does_not_apply".
struct StepConfirmed {
    Actor actor;
    std::string incident;
    std::uint32_t n = 0;
    std::string outcome;
    std::string reason;
};
struct DutyConfirmed {
    Actor actor;
    std::string incident;
    std::uint32_t n = 0;
    std::string outcome;
    std::string reason;
};
struct EvidenceAdded {
    Actor actor;
    std::string incident;
    Evidence evidence;
};
struct Paused {
    Actor actor;
    std::string service;
};  // empty: the whole daemon
struct Resumed {
    Actor actor;
    std::string service;
};
struct SilenceAdded {
    Actor actor;
    std::string service;
    Duration for_{};
    std::string reason;
};
struct SilenceRemoved {
    Actor actor;
    std::string id;
};
struct VersionReleased {
    Actor actor;
    std::string service;
    std::string version;
    std::string reason;
};
struct MessageDelivered {
    std::string id;
    bool ok = false;
    bool give_up = false;
    std::string text;
};
/// The channel of this message has refused it, or could not be reached several times.
struct ChannelFailed {
    std::string id;
    std::string text;
};
struct RequestAnswered {
    AnsweredRequest request;
};
struct PolicyLoaded {
    Actor actor;
    /// Written down first, handed to Engine::set_policy once it is; null: the engine's own.
    std::shared_ptr<Policy const> policy = nullptr;
};
/// Somebody has looked whether a playbook could be run now. `why`: not; empty: it could.
struct ReadinessSeen {
    std::string service;
    std::string playbook;
    std::string why;
};
/// A person has broken the service on purpose, and this incident is what came of it.
struct DrillDone {
    Actor actor;
    std::string service;
    std::string playbook;
    std::string incident;
    WallTime broken_at;
};
/// The journal has been replayed; go on where it stopped.
struct Recovered {
    /// Names the folder where this daemon's steps keep their claims: what was begun under another
    /// name cannot be found from here. Empty: every step can.
    std::string node;
};
struct BlindEnded {};  // a reference answers again

using Event = std::variant<
    EdgesSeen, Tick, Answered, StepEnded, StepSettled, CheckEnded, DeploymentPosted, Raised,
    RunAsked, Approved, Rejected, Acked, ResolvedBy, Aborted, VerdictGiven, StepConfirmed,
    DutyConfirmed, EvidenceAdded, Paused, Resumed, SilenceAdded, SilenceRemoved, VersionReleased,
    MessageDelivered, ChannelFailed, RequestAnswered, PolicyLoaded, ReadinessSeen, DrillDone,
    Recovered, BlindEnded>;

}  // namespace rollbackd
