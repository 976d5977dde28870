// Playbooks as the policy declares them, and the plan one becomes for one run: everything
// rendered, nothing left to decide but what happens. Knows nothing of triggers.
#pragma once

#include "core/json.hpp"

namespace rollbackd {

enum class Undoes { nothing, release, schema, data };
BOOST_DESCRIBE_ENUM(Undoes, nothing, release, schema, data)

enum class DataLoss { none, possible, certain };
BOOST_DESCRIBE_ENUM(DataLoss, none, possible, certain)

enum class Risk { low, medium, high, critical };
BOOST_DESCRIBE_ENUM(Risk, low, medium, high, critical)

struct Step {
    std::string name;  // given, or type and number: "git_checkout-2"
    std::string type;
    JsonObject params;  // validated against the type's fields; durations in nanoseconds
    Duration timeout{};
    std::uint32_t retries = 0;
    bool idempotent = false;
    std::vector<std::string> check;  // argv: exit 0 = the step is done, 1 = not done, else unknown
    std::string host;                // name in `hosts`; empty: here
    std::string when;                // a condition: skipped where it does not hold; empty: always
    std::string save;                // name its output is kept under for later steps
    bool approval = false;
    bool destructive = false;
    bool edits = false;

    friend bool operator==(Step const&, Step const&) = default;
};
BOOST_DESCRIBE_STRUCT(
    Step, (),
    (name, type, params, timeout, retries, idempotent, check, host, when, save, approval,
     destructive, edits)
)

enum class CheckKind { until, hold, run, manual };
BOOST_DESCRIBE_ENUM(CheckKind, until, hold, run, manual)

/// An entry of verify or success: {until: COND, within: D}, {hold: COND, for: D}, {run: argv} or
/// {manual: text}.
struct Check {
    CheckKind kind = CheckKind::until;
    std::string condition;          // of until and hold
    Duration limit{};               // within, or for
    std::vector<std::string> argv;  // of run
    std::string text;               // of manual
    std::string from;               // host it is asked from; empty: here

    friend bool operator==(Check const&, Check const&) = default;
};
BOOST_DESCRIBE_STRUCT(Check, (), (kind, condition, limit, argv, text, from))

enum class DutyFrom { detection, recovery };
BOOST_DESCRIBE_ENUM(DutyFrom, detection, recovery)

/// Something people owe after an incident.
struct Duty {
    std::string name;
    std::string text;
    Duration deadline{};
    DutyFrom from = DutyFrom::detection;
    std::string to;  // channel that is told when it is overdue; empty: every channel

    friend bool operator==(Duty const&, Duty const&) = default;
};
BOOST_DESCRIBE_STRUCT(Duty, (), (name, text, deadline, from, to))

/// People are told of an entry of follow_up again and again, from the recovery on.
struct Reminder {
    std::uint32_t entry = 0;  // of follow_up, 1-based
    Duration every{};
    Duration lasts{};

    friend bool operator==(Reminder const&, Reminder const&) = default;
};
BOOST_DESCRIBE_STRUCT(Reminder, (), (entry, every, lasts))

struct Playbook {
    std::string name;
    Undoes undoes = Undoes::nothing;
    Risk risk = Risk::low;
    DataLoss data_loss = DataLoss::none;
    bool approval = false;
    std::optional<Duration> budget;
    std::vector<std::string> locks;
    JsonObject inputs;  // name → default (null: required)
    std::vector<Step> steps;
    std::vector<Step> always;  // run whatever happened
    std::vector<Check> verify;
    std::vector<Check> success;
    std::vector<std::string> follow_up;  // text for people, shown until the incident is closed
    std::vector<Reminder> reminders;     // of entries of follow_up
    std::vector<Duty> duties;
    std::vector<std::string> on_failure;  // playbooks appended to the ladder

    friend bool operator==(Playbook const&, Playbook const&) = default;
};
BOOST_DESCRIBE_STRUCT(
    Playbook, (),
    (name, undoes, risk, data_loss, approval, budget, locks, inputs, steps, always, verify, success,
     follow_up, reminders, duties, on_failure)
)

/// Destroys or loses something, so it needs a person whatever anybody says (A5.5).
bool needs_approval(Playbook const& playbook);
/// Of "steps.NAME.version" NAME, for `part` "version"; empty: another name.
std::string_view saved_part(std::string_view name, std::string_view part);
/// Under which name a step saves what it has restored, where others ask for the version that was in
/// effect at the time of that backup; empty: none does.
std::string asks_version_of(std::vector<Step> const& steps);
/// It ends with an older release in effect: it undoes the release, or the schema or the data and
/// names {{ known_good.version }} or the version that belongs to a backup.
bool takes_release_back(Playbook const& playbook);
/// Every template name its steps and checks use.
std::vector<std::string> template_names(Playbook const& playbook);

}  // namespace rollbackd
