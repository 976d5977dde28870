#include "engine/deadlines.hpp"

#include "engine/answering.hpp"
#include "engine/planning.hpp"

namespace rollbackd {

namespace {

struct Earliest {
    Instant after;
    Instant next = Instant::max();

    void consider(Instant at) {
        if (at > after && at < next) next = at;
    }
};

void consider_checks(
    Earliest& due, std::vector<Check> const& checks, std::vector<CheckRun> const& runs,
    Instant since
) {
    for (std::size_t i = 0; i < checks.size() && i < runs.size(); ++i) {
        if (runs[i].passed) continue;
        if (checks[i].limit > Duration::zero()) due.consider(since + checks[i].limit);
        if (!runs[i].since) continue;
        due.consider(
            checks[i].kind == CheckKind::hold ? *runs[i].since + checks[i].limit : *runs[i].since
        );
    }
}

void consider_run(Earliest& due, Run const& run, Incident const& incident, Limits const& limits) {
    if (run.state == RunState::waiting && run.waiting_since) {
        due.consider(*run.waiting_since + limits.approval_timeout);
    }
    if (auto const when = when_due(run)) due.consider(*when);
    if (run.state == RunState::running) {
        for (auto const& step : run.steps) {
            if (step.state == StepState::waiting && run.waiting_since) {
                bool const manual = step.type == "manual";
                due.consider(
                    *run.waiting_since +
                    (manual ? planned_step(run, step.n).timeout : limits.approval_timeout)
                );
            }
            bool const waits = step.type == "wait_until" && step.state == StepState::running;
            if (!waits || !step.started_at || step.n > run.plan.steps.size()) continue;
            auto const& params = run.plan.steps[step.n - 1].params;
            Duration within = run.plan.steps[step.n - 1].timeout;
            if (auto const* const limit = params.if_contains("within")) from_json(*limit, within);
            due.consider(step.started_at->boot + within);
        }
    }
    if (!run.steps_ended_at) return;
    auto const since = run.steps_ended_at->boot;
    if (run.state == RunState::verifying) {
        due.consider(since + limits.settle);
        if (run.recover_by) due.consider(*run.recover_by);
        consider_checks(due, run.plan.verify, run.verify, since);
    }
    if (run.state == RunState::succeeded) {
        consider_checks(due, run.plan.success, incident.success, since);
    }
    for (auto const& firing : incident.triggers) {
        if (firing.resolve_after.duration) due.consider(since + *firing.resolve_after.duration);
    }
}

void consider_incident(Earliest& due, Incident const& incident, Policy const& policy) {
    for (auto const& duty : incident.duties) {
        if (duty.state == DutyState::open && !duty.overdue_told) due.consider(duty.due_at.boot);
    }
    for (auto const& reminder : incident.reminders) {
        if (reminder.next_at) due.consider(reminder.next_at->boot);
    }
    if (incident.state == IncidentState::resolved) return;
    auto const* const service = policy.service(incident.service);
    Limits const limits = service == nullptr ? Limits{} : service->limits;
    if (incident.held_until) due.consider(incident.held_until->boot);
    due.consider(told_again_at(incident, policy));
    if (incident.recovered_at) due.consider(incident.recovered_at->boot + limits.settle);
    for (auto const& run : incident.runs) consider_run(due, run, incident, limits);
    for (auto const& firing : incident.triggers) {
        auto const* const trigger = service == nullptr ? nullptr : service->trigger(firing.trigger);
        if (trigger == nullptr || !trigger->deadline || incident.escalated) continue;
        due.consider(firing.fired_at.boot + *trigger->deadline);
    }
}

}  // namespace

Instant next_due(State const& state, Policy const& policy, Instant after) {
    Earliest due{after};
    for (auto const& silence : state.silences) due.consider(silence.until.boot);
    for (auto const& [id, incident] : state.incidents) consider_incident(due, *incident, policy);
    for (auto const& service : policy.services) {
        auto const& known = state.service(service.name);
        auto const* const deployment = known.window ? known.deployment(*known.window) : nullptr;
        if (deployment == nullptr || deployment->disturbed) continue;
        due.consider(deployment->from().boot + service.bake);
    }
    return due.next;
}

}  // namespace rollbackd
