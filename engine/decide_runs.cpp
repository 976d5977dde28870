// Runs: steps one after another, each with a durable intent before it starts and a durable outcome
// before the next.
#include "engine/guards.hpp"
#include "engine/live_version.hpp"
#include "engine/planning.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

constexpr std::uint32_t adopted_attempts_max = 3;

bool is_settled(StepState state) {
    return state == StepState::done || state == StepState::failed || state == StepState::skipped ||
           state == StepState::aborted;
}

bool budget_spent(Draft const& draft, Run const& run) {
    if (!run.plan.budget || !run.started_at) return false;
    auto const spent = draft.now.boot - run.started_at->boot - run.people_time;
    return spent >= *run.plan.budget;
}

bool recovery_due(Draft const& draft, Run const& run) {
    return run.recover_by && draft.now.boot >= *run.recover_by;
}

// A retry is a step that starts: not while aborting, and not past the budget.
bool may_retry(Draft const& draft, Run const& run, StepRun const& step) {
    if (run.aborting) return false;
    return step.always || (!budget_spent(draft, run) && !recovery_due(draft, run));
}

// An abort kills though it cannot be written down; after a crash only the step's own mark knows of
// it. A run whose step a person has killed never counts as failed: the ladder would go on.
void note_abort(
    Draft& draft, std::string const& run_id, std::uint32_t n, StepOutcome const& outcome
) {
    auto const [incident, run] = draft.state.run(run_id);
    bool const asked = outcome.abort_asked || outcome.kind == OutcomeKind::aborted;
    if (!asked || run == nullptr || run->aborting || n == 0 || n > run->steps.size()) return;
    if (run->steps[n - 1].state != StepState::running) return;
    draft.write(AbortAsked{
        run_id, "", "aborted by a person whose name is lost: the journal could not be written then"
    });
}

// Its `when` is false: skipped. Nobody can tell: a step that may be needed is not left out in
// silence.
void pass_over(Draft& draft, std::string const& run_id, std::uint32_t n, Evaluation const& found) {
    auto const& when = planned_step(draft.run(run_id), n).when;
    bool const skipped = found.verdict == Verdict::false_;
    StepOutcome outcome;
    outcome.kind = OutcomeKind::failed;
    outcome.text = (skipped ? "not needed: " : "cannot tell whether it is needed (") +
                   (skipped ? std::string() : when + "): ") + found.why;
    auto const state = skipped ? StepState::skipped : StepState::failed;
    finish_step(draft, run_id, n, state, outcome, "");
}

// Main steps are over, one way or the other.
void after_main(Draft& draft, std::string const& run_id, bool failed, std::string const& why) {
    auto const& run = draft.run(run_id);
    if (failed) {
        bool const aborted = run.aborting;
        end_run(draft, run_id, aborted ? RunState::aborted : RunState::failed, why);
        return;
    }
    auto const incident = run.incident;
    draft.write(RunVerifying{run_id});
    set_state(
        draft, incident, IncidentState::verifying,
        "all steps are done; waiting for fresh samples to prove it"
    );
    progress(draft, draft.incident(incident).service);
}

}  // namespace

Incident const& Draft::incident(std::string const& id) const { return *state.incident(id); }
Run const& Draft::run(std::string const& id) const { return *state.run(id).second; }

void begin_step(Draft& draft, std::string const& run_id, std::uint32_t n, std::uint32_t attempt) {
    auto const& run = draft.run(run_id);
    auto step = render_step(planned_step(run, n), run);
    if (!step) {
        StepOutcome outcome;
        outcome.kind = OutcomeKind::failed;
        outcome.text = to_string(step.error());
        draft.write(StepIntent{run_id, n, attempt, {}});
        finish_step(draft, run_id, n, StepState::failed, outcome, "");
        return;
    }
    auto const incident = run.incident;
    auto const service = draft.incident(incident).service;
    if (step->type == "manual") {
        draft.write(StepWaiting{run_id, n, text_of(step->params, "say")});
        set_state(
            draft, incident, IncidentState::waiting,
            "step " + std::to_string(n) + " waits for a person: " + text_of(step->params, "say")
        );
        return;
    }
    draft.write(StepIntent{run_id, n, attempt, step->params});
    if (step->type == "notify") {
        std::vector<std::string> to;
        if (auto const name = text_of(step->params, "to"); !name.empty()) to.push_back(name);
        queue_message(
            draft, incident, "incident.notice", to, text_of(step->params, "text"), "",
            Duration::zero()
        );
        finish_step(
            draft, run_id, n, StepState::done, {OutcomeKind::done, {}, "queued", {}, {}}, ""
        );
        return;
    }
    if (step->type == "wait_until") return;  // progress() and Tick watch it
    draft.command(StartStep{run_id, n, attempt, std::move(*step), service, incident});
}

void start_run(Draft& draft, std::string const& run_id, bool automatic) {
    auto const incident = draft.run(run_id).incident;
    auto const service = draft.incident(incident).service;
    auto const playbook = draft.run(run_id).plan.playbook;
    // One that nobody could verify, and was still watched: what follows would prove or blame it.
    for (auto const& other : std::vector<Run>(draft.incident(incident).runs)) {
        if (other.state != RunState::verifying) continue;
        draft.write(
            RunEnded{other.id, RunState::failed, "not proven before " + run_id + " began", ""}
        );
    }
    draft.write(RunStarted{run_id, automatic});
    auto const& plan = draft.run(run_id).plan;
    if (plan.blamed) {
        draft.write(Quarantined{service, *plan.blamed, incident, run_id});
    }
    set_state(draft, incident, IncidentState::acting, "running " + playbook + " (" + run_id + ")");
    advance(draft, run_id);
}

void advance(Draft& draft, std::string const& run_id) {
    auto const& run = draft.run(run_id);
    if (run.state != RunState::running) return;
    if (std::any_of(run.steps.begin(), run.steps.end(), is_on)) return;

    auto const bad = std::find_if(run.steps.begin(), run.steps.end(), ends_run);
    std::string why;
    if (run.aborting) {
        why = run.abort_why;
    } else if (bad != run.steps.end()) {
        why = "step " + std::to_string(bad->n) + " (" + bad->name + ") " + to_string(bad->state) +
              ": " + bad->text;
    } else if (budget_spent(draft, run)) {
        why = "the budget of " + format_duration(*run.plan.budget) + " is spent";
    } else if (recovery_due(draft, run)) {
        why = "not recovered within the rung's time";
    }
    bool const main_left = std::any_of(run.steps.begin(), run.steps.end(), [](StepRun const& step) {
        return !step.always && step.state == StepState::pending;
    });
    bool const stop_main = !why.empty() && (main_left || bad != run.steps.end() || run.aborting);
    for (auto const& step : run.steps) {
        if (step.state != StepState::pending) continue;
        if (!step.always && stop_main) continue;
        auto const n = step.n;
        auto const& planned = planned_step(run, n);
        if (!planned.when.empty()) {
            auto const found = judge_when(draft, run, n);
            if (found.verdict == Verdict::unknown && draft.now.boot < when_due(run)) return;
            if (found.verdict != Verdict::true_) return pass_over(draft, run_id, n, found);
        }
        if (planned.approval && step.confirmed_by.empty() && step.attempt == 0) {
            auto const incident = run.incident;
            draft.write(StepWaiting{run_id, n, "waits for approval"});
            set_state(
                draft, incident, IncidentState::waiting,
                "step " + std::to_string(n) + " waits for approval"
            );
            return;
        }
        begin_step(draft, run_id, n, 1);
        return;
    }
    bool const settled = std::all_of(run.steps.begin(), run.steps.end(), [&](StepRun const& step) {
        return is_settled(step.state) || (!step.always && stop_main);
    });
    if (settled) after_main(draft, run_id, stop_main, why);
}

void finish_step(
    Draft& draft, std::string const& run_id, std::uint32_t n, StepState state,
    StepOutcome const& outcome, std::string const& by
) {
    auto const incident = draft.run(run_id).incident;
    auto const attempt = draft.run(run_id).steps[n - 1].attempt;
    for (auto const& evidence : outcome.evidence) draft.write(EvidenceRecord{incident, evidence});
    StepEndedRecord ended{run_id, n, attempt, state, outcome.exit, outcome.text, outcome.saved, by};
    if (state == StepState::done && outcome.as_of) {
        ended.as_of = outcome.as_of;
        auto const& service = draft.state.service(draft.incident(incident).service);
        auto version = version_at(service, *outcome.as_of);
        ended.version = version.value_or("");
        if (!version) ended.no_version = version.error().what;
    }
    draft.write(std::move(ended));
    auto const& run = draft.run(run_id);
    if (draft.incident(incident).state == IncidentState::waiting &&
        run.state == RunState::running) {
        set_state(
            draft, incident, IncidentState::acting,
            "running " + run.plan.playbook + " (" + run_id + ")"
        );
    }
    advance(draft, run_id);
}

void end_run(
    Draft& draft, std::string const& run_id, RunState state, std::string why, std::string by
) {
    auto const incident_id = draft.run(run_id).incident;
    auto const on_failure = draft.run(run_id).plan.on_failure;
    bool const started = draft.run(run_id).started_at.has_value();
    draft.write(RunEnded{run_id, state, why, std::move(by)});
    if (started) free_locks(draft, incident_id);
    if (state == RunState::interrupted) {
        set_state(
            draft, incident_id, IncidentState::frozen,
            "interrupted: " + why + "; a person must say what happened"
        );
        return;
    }
    if (state == RunState::aborted && started) {
        set_state(draft, incident_id, IncidentState::frozen, why);
        return;
    }
    if (state != RunState::failed) return;
    auto const& incident = draft.incident(incident_id);
    if (incident.triggers.empty()) {
        set_state(draft, incident_id, IncidentState::frozen, "the manual run failed: " + why);
        return;
    }
    std::vector<LadderRung> grown;
    auto const& trigger = draft.run(run_id).answers.empty() ? incident.triggers.front().trigger
                                                            : draft.run(run_id).answers.front();
    for (auto const& playbook : on_failure) {
        // No playbook twice in an incident: not one that a person has run by hand either.
        bool const tried =
            std::any_of(
                incident.ladder.begin(), incident.ladder.end(),
                [&](LadderRung const& rung) { return rung.playbook == playbook; }
            ) ||
            std::any_of(incident.runs.begin(), incident.runs.end(), [&](Run const& run) {
                return run.started_at && run.plan.playbook == playbook;
            });
        if (!tried) grown.push_back({playbook, {}, trigger, RungState::untried, {}});
    }
    if (!grown.empty()) draft.write(LadderGrown{incident_id, std::move(grown)});
    // Another plan may wait already, if this one could not be verified for long.
    bool const waits = waiting_run(draft.incident(incident_id)) != nullptr;
    set_state(
        draft, incident_id, waits ? IncidentState::waiting : IncidentState::open,
        draft.run(run_id).plan.playbook + " failed: " + why
    );
    after_failure(draft, incident_id, Run(draft.run(run_id)));
}

void on(Draft& draft, StepEnded const& event) {
    note_abort(draft, event.run, event.n, event.outcome);
    auto const [incident, run] = draft.state.run(event.run);
    if (run == nullptr || event.n == 0 || event.n > run->steps.size()) return;
    auto const& step = run->steps[event.n - 1];
    if (step.state != StepState::running || step.attempt != event.attempt) return;
    auto const& planned = planned_step(*run, event.n);
    switch (event.outcome.kind) {
        case OutcomeKind::done:
            finish_step(draft, event.run, event.n, StepState::done, event.outcome, "");
            return;
        case OutcomeKind::aborted:
            finish_step(draft, event.run, event.n, StepState::aborted, event.outcome, "");
            return;
        case OutcomeKind::failed:
            if (may_retry(draft, *run, step) && step.attempt <= planned.retries) {
                begin_step(draft, event.run, event.n, step.attempt + 1);
                return;
            }
            finish_step(draft, event.run, event.n, StepState::failed, event.outcome, "");
            return;
        case OutcomeKind::unknown:
            draft.command(SettleStep{event.run, event.n, as_run(planned, *run)});
            return;
    }
}

void on(Draft& draft, StepSettled const& event) {
    note_abort(draft, event.run, event.n, event.outcome);
    auto const [incident, run] = draft.state.run(event.run);
    if (run == nullptr || event.n == 0 || event.n > run->steps.size()) return;
    auto const& step = run->steps[event.n - 1];
    if (step.state != StepState::running) return;
    auto const& planned = planned_step(*run, event.n);
    bool const attempts_left =
        may_retry(draft, *run, step) &&
        step.attempt <= std::max(planned.retries, planned.idempotent ? adopted_attempts_max : 0);
    switch (event.outcome.kind) {
        case OutcomeKind::done:
            finish_step(draft, event.run, event.n, StepState::done, event.outcome, "");
            return;
        case OutcomeKind::failed:
        case OutcomeKind::aborted:
            // Known not done. Only what may run twice is started again.
            if (attempts_left && (planned.idempotent || planned.retries > 0)) {
                begin_step(draft, event.run, event.n, step.attempt + 1);
                return;
            }
            finish_step(draft, event.run, event.n, StepState::failed, event.outcome, "");
            return;
        case OutcomeKind::unknown:
            if (planned.idempotent && attempts_left) {
                begin_step(draft, event.run, event.n, step.attempt + 1);
                return;
            }
            auto const attempt = step.attempt;
            draft.write(StepEndedRecord{
                event.run,
                event.n,
                attempt,
                StepState::unknown,
                event.outcome.exit,
                event.outcome.text,
                {},
                {}
            });
            end_run(
                draft, event.run, RunState::interrupted,
                "nobody can say whether step " + std::to_string(event.n) +
                    " took effect: " + event.outcome.text
            );
            return;
    }
}

}  // namespace rollbackd
