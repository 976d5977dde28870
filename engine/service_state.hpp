// What is durably known of a service: its deployments and versions, what it is held by, and what is
// known of its playbooks. A part of State, and as plain.
#pragma once

#include "core/json.hpp"
#include "core/severity.hpp"
#include "core/time.hpp"

#include <set>

namespace rollbackd {

/// A moment as people and as arithmetic want it.
struct Moment {
    WallTime wall{};
    Instant boot{};

    friend bool operator==(Moment const&, Moment const&) = default;
};
BOOST_DESCRIBE_STRUCT(Moment, (), (wall, boot))

inline Moment later(Moment const& moment, Duration by) {
    return {moment.wall + std::chrono::duration_cast<WallTime::duration>(by), moment.boot + by};
}

enum class Standing { baking, known_good, superseded, bad, unknown };
BOOST_DESCRIBE_ENUM(Standing, baking, known_good, superseded, bad, unknown)
template <>
inline constexpr bool dashed_enum<Standing> = true;

/// A trigger's verdict just before a deployment (A6 b). good = false on at least one success.
struct Before {
    Verdict verdict = Verdict::unknown;
    std::uint64_t successes = 0;
    std::string why;
    std::string when;  // the condition it is the verdict of: a reload may change the trigger's
    bool good() const { return verdict == Verdict::false_ && successes > 0; }

    friend bool operator==(Before const&, Before const&) = default;
};
BOOST_DESCRIBE_STRUCT(Before, (), (verdict, successes, why, when))

/// What a release consisted of when it was asked.
struct ReleaseFacts {
    std::optional<std::string> version;  // in effect, as the service itself says
    std::optional<std::string> schema;
    std::string schema_error;                 // why it could not be read; empty: it could
    std::map<std::string, std::string> kept;  // path → sha256 of its content

    friend bool operator==(ReleaseFacts const&, ReleaseFacts const&) = default;
};
BOOST_DESCRIBE_STRUCT(ReleaseFacts, (), (version, schema, schema_error, kept))

struct Deployment {
    std::uint64_t id = 0;  // journal sequence of its record
    std::string version;
    Moment started_at;
    Moment recorded_at;
    bool known_good = false;  // recorded as such by a person: opens no window
    std::optional<bool> schema_compatible;
    ReleaseFacts facts;
    std::map<std::string, Before> before;  // by trigger
    std::string by;
    bool disturbed = false;             // an acting trigger was true while it baked
    std::optional<Moment> window_from;  // recorded during a run: its window opens when that ends
    std::optional<Moment> seen_at;      // nobody announced it: a signal had shown it until then
    bool in_effect = true;              // false: only said to be good, while another was in effect
    Moment const& from() const { return window_from ? *window_from : started_at; }

    friend bool operator==(Deployment const&, Deployment const&) = default;
};
BOOST_DESCRIBE_STRUCT(
    Deployment, (),
    (id, version, started_at, recorded_at, known_good, schema_compatible, facts, before, by,
     disturbed, window_from, seen_at, in_effect)
)

/// A version was in effect from then on, until the next one was.
struct InEffect {
    std::string version;
    Moment from;
    /// Nothing was recorded before it, and when it was deployed nobody has said.
    bool or_before = false;

    friend bool operator==(InEffect const&, InEffect const&) = default;
};
BOOST_DESCRIBE_STRUCT(InEffect, (), (version, from, or_before))

struct VersionState {
    Standing standing = Standing::unknown;
    Moment since;
    std::string incident;      // that quarantined it
    ReleaseFacts facts;        // as recorded at its newest deployment
    bool rolled_back = false;  // a rollback from it has run: never a second time for the same one

    friend bool operator==(VersionState const&, VersionState const&) = default;
};
BOOST_DESCRIBE_STRUCT(VersionState, (), (standing, since, incident, facts, rolled_back))

struct AutomaticRun {
    std::string incident;
    Moment at;

    friend bool operator==(AutomaticRun const&, AutomaticRun const&) = default;
};
BOOST_DESCRIBE_STRUCT(AutomaticRun, (), (incident, at))

/// Whether a playbook could be run, when it was looked at last.
struct Readiness {
    bool ready = false;
    std::string why;  // not; empty: it could
    Moment since;

    friend bool operator==(Readiness const&, Readiness const&) = default;
};
BOOST_DESCRIBE_STRUCT(Readiness, (), (ready, why, since))

/// A playbook's newest drill, and the newest that passed: its run was verified.
struct Drill {
    std::string incident;
    Moment broken_at;
    bool passed = false;
    /// From then until it was noticed, the run began, and the recovery was verified.
    Duration noticed{};
    Duration acted{};
    std::optional<Duration> recovered;
    std::optional<Moment> passed_at;

    friend bool operator==(Drill const&, Drill const&) = default;
};
BOOST_DESCRIBE_STRUCT(
    Drill, (), (incident, broken_at, passed, noticed, acted, recovered, passed_at)
)

struct ServiceState {
    std::vector<Deployment> deployments;  // oldest first, at most deployments_max
    std::map<std::string, VersionState> versions;
    std::string current;                  // version in effect as far as recorded; empty: none
    std::optional<std::uint64_t> window;  // id of the deployment that may be blamed
    std::optional<std::uint64_t> waiting_window;  // recorded during a run: takes over when it ends
    bool paused = false;
    std::string paused_by;
    std::set<std::string> frozen_by;             // incidents that froze it; empty: not frozen
    std::string incident;                        // the open acting incident; empty: none
    std::map<std::string, std::string> alerts;   // alert-only trigger → its open incident
    std::vector<AutomaticRun> automatic_runs;    // of the last 24 h
    std::optional<Moment> last_run_ended;        // for the cooldown
    std::map<std::string, Instant> floors;       // trigger → samples up to here never breach again
    std::set<std::string> demoted;               // triggers marked false-positive: at most advise
    std::map<std::string, Readiness> readiness;  // by playbook
    std::map<std::string, std::string> modes;    // that are on → the incident that they answer
    std::map<std::string, Drill> drills;         // by playbook
    std::vector<InEffect> history;               // oldest first, at most history_max

    Deployment const* deployment(std::uint64_t id) const;
    Deployment const* current_deployment() const;  // newest of the version in effect
    bool baked() const;                            // the version in effect is known to be good
    /// "normal", or the names of what is on, with a plus between them.
    std::string mode() const;
    /// The incidents that froze it, with commas between them; empty: not frozen.
    std::string frozen_text() const;
    /// Samples up to here never breach this trigger again.
    std::optional<Instant> floor(std::string const& trigger) const;
    static constexpr std::size_t deployments_max = 100;
    static constexpr std::size_t history_max = 300;
    friend bool operator==(ServiceState const&, ServiceState const&) = default;
};
BOOST_DESCRIBE_STRUCT(
    ServiceState, (),
    (deployments, versions, current, window, waiting_window, paused, paused_by, frozen_by, incident,
     alerts, automatic_runs, last_run_ended, floors, demoted, readiness, modes, drills, history)
)

}  // namespace rollbackd
