// A step's `when`: whether it is the step's turn.
#include "engine/draft.hpp"
#include "engine/planning.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

// What the newest step that did anything has changed is not seen in samples from before its end.
std::optional<Instant> last_ended(Run const& run) {
    std::optional<Instant> newest;
    for (auto const& step : run.steps) {
        if (!step.started_at || !step.ended_at) continue;
        newest = std::max(newest.value_or(step.ended_at->boot), step.ended_at->boot);
    }
    return newest;
}

}  // namespace

std::optional<Instant> when_due(Run const& run) {
    auto const& steps = run.steps;
    if (run.state != RunState::running || !run.started_at) return std::nullopt;
    if (std::any_of(steps.begin(), steps.end(), is_on)) return std::nullopt;
    bool const stopped = run.aborting || std::any_of(steps.begin(), steps.end(), ends_run);
    auto const next = std::find_if(steps.begin(), steps.end(), [&](StepRun const& step) {
        return step.state == StepState::pending && (step.always || !stopped);
    });
    if (next == steps.end() || planned_step(run, next->n).when.empty()) return std::nullopt;
    auto const since = last_ended(run).value_or(run.started_at->boot);
    return since + planned_step(run, next->n).timeout;
}

bool awaits_samples(Run const& run) {
    return when_due(run) || std::any_of(run.steps.begin(), run.steps.end(), [](StepRun const& one) {
               return one.state == StepState::running && one.type == "wait_until";
           });
}

Evaluation judge_when(Draft const& draft, Run const& run, std::uint32_t n) {
    auto const& service = draft.incident(run.incident).service;
    auto const& when = planned_step(run, n).when;
    auto const since = last_ended(run);
    auto found = draft.senses.evaluate_text(service, when, {}, since, draft.state, draft.now);
    // Failures that wait for the end of a start_period say neither yes nor no yet.
    if (draft.senses.holds(service, when, since.value_or(Instant::min()))) {
        found.verdict = Verdict::unknown;
        found.why += "; failures wait for the end of start_period";
    }
    return found;
}

}  // namespace rollbackd
