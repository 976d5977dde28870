// Steps that wait for people: approved, rejected, confirmed.
#include "engine/guards.hpp"
#include "engine/planning.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

// What is looked at again in the middle of a run is written down in docs/decisions.md.
std::optional<std::string> objection_to(
    Draft& draft, Run const& run, std::uint32_t n, Approved event
) {
    auto const forced = event.force ? take_objections(event.answer) : std::string();
    auto const& incident = draft.incident(run.incident);
    auto const* const firing = answered_firing(incident, run);
    auto const judgement = judge_step(draft, incident, firing, run, &event.answer);
    auto proof = by_a_person("approved_by", event.actor, event.answer, run.plan.playbook, forced);
    proof["step"] = n;
    if (firing != nullptr) {
        // It need not be true any more: the steps before may have closed the traffic it counts.
        auto const verdict = verdict_now(draft, incident.service, *firing, std::nullopt);
        proof["verdict"] = to_string(verdict);
    }
    auto const trigger = firing == nullptr ? "" : firing->trigger;
    draft.write(IncidentJudged{
        event.incident, trigger, run.plan.playbook, judgement.guards, judgement.refusals,
        std::move(proof)
    });
    if (judgement.passed()) return std::nullopt;
    return refusal_of(judgement, "rollbackctl approve " + event.incident + " --force");
}

// A `manual` entry of verify, numbered on after the steps.
void confirm_check(
    Draft& draft, Incident const& incident, Run const& run, StepConfirmed const& event
) {
    auto const index = event.n - run.steps.size() - 1;
    auto check = run.verify[index];
    bool const manual = run.plan.verify[index].kind == CheckKind::manual;
    if (!manual || check.passed || run.state != RunState::verifying) {
        draft.refuse(Errc::conflict, "step " + std::to_string(event.n) + " waits for nobody");
        return;
    }
    auto const by = event.actor.name;
    auto const run_id = run.id;
    if (event.outcome == "not_done") {
        end_run(draft, run_id, RunState::failed, by + " says: not so. " + reason_of(event.reason));
        return;
    }
    check.passed = true;
    check.why = event.outcome + ", says " + by;
    auto const service = incident.service;
    draft.write(VerifyProgress{run_id, false, std::move(check)});
    progress(draft, service);
}

// A manual step that waits, or one of which nobody could say whether it took effect.
void confirm_step(Draft& draft, Run const& run, StepConfirmed const& event) {
    auto const& step = run.steps[event.n - 1];
    if (step.state != StepState::waiting && step.state != StepState::unknown) {
        draft.refuse(
            Errc::conflict, "step " + std::to_string(event.n) + " is " + to_string(step.state) +
                                ": nothing to confirm"
        );
        return;
    }
    if (step.state == StepState::waiting && step.type != "manual") {
        draft.refuse(
            Errc::conflict, "step " + std::to_string(event.n) +
                                " waits for an approval, not for a confirmation: rollbackctl "
                                "approve " +
                                event.incident
        );
        return;
    }
    auto const by = event.actor.name;
    auto const run_id = run.id;
    auto const attempt = step.attempt;
    bool const done = event.outcome != "not_done";
    StepOutcome outcome;
    outcome.text = event.outcome + ", says " + by +
                   (event.reason.empty() ? "" : ": " + reason_of(event.reason));
    auto const state = done ? StepState::done : StepState::failed;
    if (run.state != RunState::interrupted) {
        finish_step(draft, run_id, event.n, state, outcome, by);
        return;
    }
    auto const* const other = run_on(draft.state, draft.incident(run.incident).service);
    if (other != nullptr) {
        draft.refuse(Errc::conflict, other->id + " is on meanwhile; this one can be resolved only");
        return;
    }
    draft.write(StepEndedRecord{run_id, event.n, attempt, state, {}, outcome.text, {}, by});
    if (!done) {
        draft.write(RunEnded{run_id, RunState::failed, outcome.text, by});
        set_state(
            draft, event.incident, IncidentState::frozen,
            "the interrupted step was not done; " + by + " decides what follows"
        );
        return;
    }
    set_state(
        draft, event.incident, IncidentState::acting, "running " + draft.run(run_id).plan.playbook
    );
    advance(draft, run_id);
}

}  // namespace

void reject_step(Draft& draft, std::string const& run, std::string const& why) {
    auto const incident = draft.run(run).incident;
    draft.write(Escalated{incident, why});
    draft.write(AbortAsked{run, "", why});
    for (auto const& step : draft.run(run).steps) {
        if (step.state != StepState::waiting) continue;
        StepOutcome outcome;
        outcome.text = why;
        finish_step(draft, run, step.n, StepState::aborted, outcome, "");
        return;
    }
}

bool approve_step(Draft& draft, Incident const& incident, Approved const& event) {
    auto const* const run = active_run(incident);
    if (run == nullptr || !waits_for_approval(*run)) return false;
    auto const run_id = run->id;
    draft.out.reply.run = run_id;
    if (run->plan.hash != event.plan) {
        draft.refuse(Errc::conflict, "the plan has changed; show it again and approve that");
        return true;
    }
    auto const waiting =
        std::find_if(run->steps.begin(), run->steps.end(), [](StepRun const& step) {
            return step.state == StepState::waiting;
        });
    auto const n = waiting->n;
    // Half-way, an objection ends nothing: the step goes on waiting, and can be approved once it is
    // gone. Unanswered, it is rejected like any other.
    auto const objection = objection_to(draft, Run(*run), n, event);
    if (objection) {
        draft.refuse(
            Errc::conflict, "step " + std::to_string(n) + " goes on waiting: " + *objection
        );
        return true;
    }
    draft.write(RunApproved{run_id, event.actor.name});
    set_state(
        draft, event.incident, IncidentState::acting, "step " + std::to_string(n) + " approved"
    );
    begin_step(draft, run_id, n, 1);
    return true;
}

void on(Draft& draft, StepConfirmed const& event) {
    auto const* const incident = require(draft, event.incident);
    if (incident == nullptr) return;
    // A resume, or its trigger's end, may have closed it with an interrupted run.
    if (incident->state == IncidentState::resolved) {
        draft.refuse(
            Errc::conflict, event.incident + " is resolved: nothing of it is confirmed any more"
        );
        return;
    }
    Run const* run = nullptr;
    for (auto const& candidate : incident->runs) {
        bool const open = candidate.state == RunState::running ||
                          candidate.state == RunState::interrupted ||
                          candidate.state == RunState::verifying;
        if (open) run = &candidate;
    }
    if (run == nullptr) {
        draft.refuse(Errc::conflict, event.incident + " has no run with a step to confirm");
        return;
    }
    draft.out.reply.run = run->id;
    auto const steps = std::uint32_t(run->steps.size());
    if (event.n == 0 || event.n > steps + run->verify.size()) {
        draft.refuse(Errc::not_found, run->id + " has no step " + std::to_string(event.n));
    } else if (event.n > steps) {
        confirm_check(draft, *incident, *run, event);
    } else {
        confirm_step(draft, *run, event);
    }
}

}  // namespace rollbackd
