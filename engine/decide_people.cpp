// What people do: raise, acknowledge, resolve, abort, judge, confirm duties. A person's word is
// recorded with the name. Plans and steps: decide_approvals.cpp.
#include "core/names.hpp"
#include "engine/guards.hpp"
#include "engine/planning.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

constexpr std::size_t reason_max = 1000;

}  // namespace

Incident const* require(Draft& draft, std::string const& id) {
    auto const* const incident = draft.state.incident(id);
    if (incident == nullptr) draft.refuse(Errc::not_found, "no incident " + printable(id, 40));
    draft.out.reply.incident = id;
    return incident;
}

std::string reason_of(std::string const& text) { return printable_line(text, reason_max); }

void on(Draft& draft, Raised const& event) {
    auto const* const service = draft.policy.service(event.service);
    auto const* const trigger = service == nullptr ? nullptr : service->trigger(event.trigger);
    if (trigger == nullptr) {
        draft.refuse(
            Errc::not_found,
            "no trigger " + printable(event.service, 64) + "/" + printable(event.trigger, 64)
        );
        return;
    }
    auto evaluation = draft.senses.judge(event.service, event.trigger, draft.state, draft.now);
    evaluation.why = "raised by " + event.actor.name + ": " + reason_of(event.reason);
    auto firing = make_firing(draft, *service, *trigger, std::move(evaluation), {});
    firing.raised = true;
    firing.reason = reason_of(event.reason);
    bool const acting = is_acting(firing.resolved);
    auto const& known = draft.state.service(event.service);
    auto const alert = known.alerts.find(event.trigger);
    if (!acting && alert != known.alerts.end()) {
        draft.out.reply.incident = alert->second;
        return;
    }
    if (acting) disturb(draft, event.service, event.trigger);
    if (acting && !known.incident.empty()) {
        auto const id = known.incident;
        draft.out.reply.incident = id;
        auto const& incident = draft.incident(id);
        bool const there =
            std::any_of(incident.triggers.begin(), incident.triggers.end(), [&](Firing const& old) {
                return old.trigger == event.trigger && !old.cleared;
            });
        if (there) return;
        join_incident(draft, id, std::move(firing));
        consider(draft, id);
        return;
    }
    bool const proposes = firing.resolved.response.kind == ResponseKind::propose;
    auto const id = open_incident(draft, event.service, std::move(firing), !acting);
    draft.out.reply.incident = id;
    if (acting || proposes) {
        consider(draft, id);
    } else {
        set_state(draft, id, IncidentState::open, "alert only: the policy asks for people");
    }
}

void on(Draft& draft, Acked const& event) {
    auto const* const incident = require(draft, event.incident);
    if (incident == nullptr) return;
    if (incident->state == IncidentState::resolved) {
        draft.refuse(Errc::conflict, event.incident + " is resolved already");
        return;
    }
    if (!incident->acked_by.empty()) return;
    draft.write(AckedRecord{event.incident, event.actor.name});
    queue_ack(draft, event.incident, event.actor.name);
}

void on(Draft& draft, ResolvedBy const& event) {
    auto const* const incident = require(draft, event.incident);
    if (incident == nullptr) return;
    if (incident->state == IncidentState::resolved) {
        bool const reminds = std::any_of(
            incident->reminders.begin(), incident->reminders.end(),
            [](ReminderRun const& reminder) { return reminder.next_at.has_value(); }
        );
        if (reminds) {
            draft.write(RemindersEnded{event.incident, event.actor.name, reason_of(event.reason)});
        }
        return;
    }
    if (auto const* const run = active_run(*incident)) {
        draft.refuse(
            Errc::conflict, run->id + " is on; abort it first: rollbackctl abort " + event.incident
        );
        return;
    }
    if (auto const* const waiting = waiting_run(*incident)) {
        end_run(draft, waiting->id, RunState::aborted, "void: resolved by " + event.actor.name);
    }
    for (auto const& run : std::vector<Run>(draft.incident(event.incident).runs)) {
        bool const open = run.state == RunState::verifying || run.state == RunState::interrupted;
        if (open) end_run(draft, run.id, RunState::aborted, "resolved by " + event.actor.name);
    }
    auto const reason = reason_of(event.reason);
    resolve_incident(
        draft, event.incident, event.actor.name,
        "resolved by " + event.actor.name + (reason.empty() ? "" : ": " + reason)
    );
}

void on(Draft& draft, Aborted const& event) {
    auto const* const incident = require(draft, event.incident);
    if (incident == nullptr) return;
    Run const* const run = active_run(*incident);
    if (run == nullptr) {
        draft.refuse(Errc::conflict, event.incident + " has no run that is on");
        return;
    }
    auto const run_id = run->id;
    draft.out.reply.run = run_id;
    if (run->aborting) return;
    draft.write(AbortAsked{run_id, event.actor.name, ""});
    if (draft.run(run_id).state == RunState::verifying) {
        end_run(draft, run_id, RunState::aborted, "aborted by " + event.actor.name);
        return;
    }
    for (auto const& step : draft.run(run_id).steps) {
        if (step.state == StepState::waiting ||
            (step.state == StepState::running && step.type == "wait_until")) {
            StepOutcome outcome;
            outcome.text = "aborted by " + event.actor.name;
            finish_step(draft, run_id, step.n, StepState::aborted, outcome, "");
            return;
        }
        if (step.state == StepState::running) {
            draft.command(AbortStep{run_id, step.n});
            return;
        }
    }
    advance(draft, run_id);
}

void on(Draft& draft, VerdictGiven const& event) {
    auto const* const incident = require(draft, event.incident);
    if (incident == nullptr) return;
    std::vector<std::string> demoted;
    // What acted wrongly asks first from now on.
    bool const acted = incident->acted_at.has_value();
    if (event.verdict == "false-positive" && acted) {
        for (auto const& firing : incident->triggers) demoted.push_back(firing.trigger);
    }
    draft.write(VerdictRecord{
        event.incident, event.verdict, event.actor.name, reason_of(event.reason), std::move(demoted)
    });
}

void on(Draft& draft, DutyConfirmed const& event) {
    auto const* const incident = require(draft, event.incident);
    if (incident == nullptr) return;
    for (auto const& duty : incident->duties) {
        if (duty.n != event.n) continue;
        if (duty.state != DutyState::open) return;
        bool const applies = event.outcome != "does_not_apply";
        if (!applies && event.reason.empty()) {
            draft.refuse(Errc::invalid, "a duty that does not apply needs a reason");
            return;
        }
        draft.write(DutyChanged{
            event.incident, event.n, applies ? DutyState::done : DutyState::does_not_apply, false,
            event.actor.name, reason_of(event.reason)
        });
        return;
    }
    draft.refuse(Errc::not_found, event.incident + " has no duty " + std::to_string(event.n));
}

void on(Draft& draft, EvidenceAdded const& event) {
    if (require(draft, event.incident) == nullptr) return;
    draft.write(EvidenceRecord{event.incident, event.evidence});
}

}  // namespace rollbackd
