// From a playbook to a plan: which version a rollback would restore, every template filled in, and
// the hash that binds it.
#pragma once

#include "engine/plan.hpp"
#include "engine/state.hpp"

namespace rollbackd {

/// The newest known-good version that is not in effect. The Error says which guard fails: its code
/// is not_found (no_target) or conflict (quarantined).
Result<std::string> choose_target(ServiceState const& service, std::string const& service_name);

Result<Plan> make_plan(
    State const& state, ServicePolicy const& service, Playbook const& playbook,
    JsonObject const& inputs, std::string const& incident
);

/// What is lost by it, with how much that is in time; empty: nothing. `as_of`: the backup that is
/// restored, once that is known.
std::string lost_by(
    Plan const& plan, WallTime planned, std::optional<BackupTime> const& as_of = {}
);

std::string lost_by(Run const& run);
/// Since when everything written is lost by what the run restores: as its steps have said, or as
/// was foreseen.
std::optional<BackupTime> restored_as_of(Run const& run);

/// The n-th step of a run's plan, counted from 1 over its steps, then over `always`.
Step const& planned_step(Run const& run, std::uint32_t n);
/// A step of the ladder (not of `always`) that failed or was aborted: nothing follows it.
bool ends_run(StepRun const& step);
/// It is under way: begun, and its outcome not known.
bool is_on(StepRun const& step);
/// A step of a run that is on waits for approval.
bool waits_for_approval(Run const& run);
/// Its plan without the steps that have ended: what an approval in mid-run is about.
Plan what_is_left(Run const& run);
/// Until when the step that is next waits for samples that say whether its `when` holds.
std::optional<Instant> when_due(Run const& run);
/// A wait_until is on, or a `when` is to be judged: the service's signals are asked faster.
bool awaits_samples(Run const& run);
/// It has no verify and answers no trigger: no sample will ever say whether it worked.
bool proves_nothing(Run const& run);
/// Fills in "{{ steps.NAME }}" with what earlier steps saved and restored: the last rendering, at
/// the intent.
Result<Step> render_step(Step const& step, Run const& run);
/// As it was started: rendered where it can be (its intent was).
Step as_run(Step const& step, Run const& run);

/// The run has put its target into effect, and began only after that deployment had been made.
bool has_replaced(Run const& run, Deployment const& deployment);

}  // namespace rollbackd
