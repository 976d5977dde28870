// From the last step to the end of an incident: who waits for samples is asked again at each of
// them, and what recovered is followed until nothing is left to be proved.
#include "engine/guards.hpp"
#include "engine/planning.hpp"
#include "engine/verifier.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

using namespace std::chrono_literals;

constexpr Duration command_retry = 2s;

// A wait_until step: done when its condition is true, failed when its time is over.
void step_wait(Draft& draft, std::string const& run_id, std::string const& service) {
    auto const& run = draft.run(run_id);
    for (auto const& step : run.steps) {
        if (step.state != StepState::running || step.type != "wait_until") continue;
        auto const n = step.n;
        auto const& planned = planned_step(run, n);
        auto const started = step.started_at ? step.started_at->boot : draft.now.boot;
        auto const found = draft.senses.evaluate_text(
            service, text_of(planned.params, "until"), {}, started, draft.state, draft.now
        );
        Duration within = planned.timeout;
        if (auto const* const limit = planned.params.if_contains("within"))
            from_json(*limit, within);
        StepOutcome outcome;
        outcome.text = found.why;
        if (found.verdict == Verdict::true_) {
            outcome.kind = OutcomeKind::done;
            finish_step(draft, run_id, n, StepState::done, outcome, "");
        } else if (draft.now.boot >= started + within) {
            outcome.kind = OutcomeKind::failed;
            outcome.text = "not within " + format_duration(within) + ": " + found.why;
            finish_step(draft, run_id, n, StepState::failed, outcome, "");
        }
        return;
    }
}

// Verified, and not over: other triggers or success entries are looked at until data decides.
bool awaits_success(Incident const& incident) {
    bool const watched =
        incident.state == IncidentState::verifying || incident.state == IncidentState::unverified;
    return incident.recovered_at && watched && !is_run_on(incident);
}

}  // namespace

void progress(Draft& draft, std::string const& service) {
    auto const& known = draft.state.service(service);
    std::vector<std::string> ids;
    if (!known.incident.empty()) ids.push_back(known.incident);
    for (auto const& [trigger, id] : known.alerts) ids.push_back(id);
    for (auto const& id : ids) {
        auto const* incident = draft.state.incident(id);
        if (incident == nullptr) continue;
        for (auto const& run : incident->runs) {
            if (run.state == RunState::running) {
                // A copy: what is written replaces the incident, and this run with it.
                auto const run_id = run.id;
                step_wait(draft, run_id, service);
                advance(draft, run_id);  // a step's `when` may be known by now
                break;
            }
            if (run.state == RunState::verifying && run.steps_ended_at) {
                Verifier{draft, run.id, service, run.steps_ended_at->boot}.step();
                break;
            }
        }
        incident = draft.state.incident(id);
        if (incident != nullptr && awaits_success(*incident)) follow_through(draft, id);
    }
}

void follow_through(Draft& draft, std::string const& id) {
    auto const service = draft.incident(id).service;
    auto const* succeeded = [&]() -> Run const* {
        Run const* newest = nullptr;
        for (auto const& run : draft.incident(id).runs) {
            if (run.state == RunState::succeeded) newest = &run;
        }
        return newest;
    }();
    if (succeeded == nullptr || !succeeded->steps_ended_at) return;
    auto const run_id = succeeded->id;
    auto const since = succeeded->steps_ended_at->boot;

    // Triggers that joined meanwhile: on fresh samples still true, their ladder follows.
    bool unknown = false;
    bool again = false;
    for (auto const& firing : std::vector<Firing>(draft.incident(id).triggers)) {
        if (firing.cleared) continue;
        auto const found = fresh(draft, service, firing.when, firing.rules, since);
        if (found.verdict == Verdict::true_) again = true;
        if (found.verdict == Verdict::unknown) unknown = true;
        if (found.verdict == Verdict::false_) {
            bool const enough = false_for_long(draft, service, firing, since);
            if (enough) draft.write(TriggerCleared{id, firing.trigger, found.why, since});
            unknown = unknown || !enough;
        }
    }
    if (again) {
        set_state(
            draft, id, IncidentState::open, "recovered from one breach, another is still true"
        );
        consider(draft, id);
        return;
    }
    if (unknown) {
        auto const* const policy = draft.policy.service(service);
        auto const settle = policy == nullptr ? Limits{}.settle : policy->limits.settle;
        if (draft.now.boot >= draft.incident(id).recovered_at->boot + settle) {
            set_state(
                draft, id, IncidentState::unverified,
                "recovered, but another trigger cannot be judged for want of samples"
            );
        }
        return;
    }
    Outstanding worst;
    std::optional<std::string> too_late;
    Verifier success{draft, run_id, service, since};
    if (!success.all_checks(true, worst, too_late)) {
        set_state(
            draft, id, IncidentState::verifying,
            "recovered; watching for success" + (worst.why.empty() ? "" : ": " + worst.why)
        );
        return;
    }
    if (auto const left = mode_left_on(draft, id)) {
        set_state(draft, id, IncidentState::verifying, "recovered; " + *left);
        return;
    }
    resolve_incident(draft, id, "", "verified: " + draft.run(run_id).plan.playbook + " worked");
}

void on(Draft& draft, CheckEnded const& event) {
    auto const [incident, run] = draft.state.run(event.run);
    if (run == nullptr) return;
    auto const& list = event.success_list ? incident->success : run->verify;
    if (event.n == 0 || event.n > list.size()) return;
    auto check = list[event.n - 1];
    if (!check.started || check.passed) return;
    check.started = false;
    check.passed = event.passed;
    check.why = event.text;
    check.since = draft.now.boot + command_retry;
    auto const service = incident->service;
    draft.write(VerifyProgress{event.run, event.success_list, std::move(check)});
    progress(draft, service);
}

}  // namespace rollbackd
