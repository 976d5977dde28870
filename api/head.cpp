#include "api/head.hpp"

namespace rollbackd::api {

namespace {

Firing const* worst_firing(Incident const& incident) {
    Firing const* worst = nullptr;
    for (auto const& firing : incident.triggers) {
        bool const first = worst == nullptr;
        if (first || firing.resolved.severity < worst->resolved.severity) worst = &firing;
    }
    return worst;
}

Run const* newest_run(Incident const& incident) {
    return incident.runs.empty() ? nullptr : &incident.runs.back();
}

std::string users_text(Users users) {
    switch (users) {
        case Users::none:
            return ", no users are affected";
        case Users::some:
            return ", for some users";
        case Users::many:
            return ", for many users";
        case Users::all:
            return ", for all users";
    }
    return "";
}

std::string broken_text(Incident const& incident) {
    std::string text = to_string(incident.severity) + " " + incident.service + ": ";
    auto const* const firing = worst_firing(incident);
    if (firing == nullptr) return text + "a run asked for by a person";
    text += firing->trigger;
    text += firing->raised ? " was raised by a person (" + firing->reason + ")"
                           : " (" + firing->evaluation.why + ")";
    if (auto const& users = firing->resolved.classification.users) text += users_text(*users);
    if (auto const more = incident.triggers.size() - 1; more > 0) {
        text += ", and " + std::to_string(more) + (more == 1 ? " other" : " others");
    }
    if (incident.blamed) text += "; since version " + *incident.blamed;
    return text;
}

std::string refusal_text(Refusal const& refusal) {
    std::string const letter = refusal.letter.empty() ? "" : " (" + refusal.letter + ")";
    return to_string(refusal.guard) + letter + ": " + refusal.text;
}

std::string run_text(Run const& run) {
    std::string text = run.plan.playbook + " (" + run.id + ")";
    if (run.plan.target) text += " to " + *run.plan.target;
    return text;
}

std::string did_text(Incident const& incident) {
    if (!incident.standing_text.empty()) return incident.standing_text;
    auto const* const run = newest_run(incident);
    if (run == nullptr) {
        if (!incident.refusals.empty()) {
            return "rollbackd did nothing: " + refusal_text(incident.refusals.back());
        }
        if (incident.alert_only) return "rollbackd told people: this trigger only alerts";
        return "rollbackd has not acted";
    }
    switch (run->state) {
        case RunState::waiting:
            return "rollbackd prepared " + run_text(*run);
        case RunState::running:
            return "rollbackd is running " + run_text(*run);
        case RunState::verifying:
            return "rollbackd ran " + run_text(*run);
        case RunState::succeeded:
            return "rollbackd ran " + run_text(*run) + " and verified it";
        case RunState::failed:
            return run_text(*run) + " failed: " + run->why;
        case RunState::interrupted:
            return run_text(*run) + " was interrupted: nobody knows whether its step took effect";
        case RunState::aborted:
            return run_text(*run) + " was aborted";
    }
    return "";
}

std::string next_text(Incident const& incident) {
    switch (incident.state) {
        case IncidentState::open:
            return incident.alert_only ? "it closes by itself when the trigger is false again"
                                       : "it keeps watching and does nothing by itself";
        case IncidentState::waiting:
            return "it waits for a person to approve or reject the plan";
        case IncidentState::acting:
            return "it goes on with the next step, then verifies";
        case IncidentState::verifying:
            return "it verifies the recovery on fresh samples";
        case IncidentState::unverified:
            return "it keeps watching until data decides; no further playbook is tried";
        case IncidentState::resolved:
            return "nothing: the incident is over";
        case IncidentState::frozen:
            return "nothing by itself: the service is frozen until a person resolves it";
    }
    return "";
}

/// The step a person must settle: interrupted (unknown) or manual (waiting).
StepRun const* step_for_people(Incident const& incident) {
    auto const* const run = newest_run(incident);
    if (run == nullptr) return nullptr;
    for (auto const& step : run->steps) {
        if (step.state == StepState::unknown || step.state == StepState::waiting) return &step;
    }
    return nullptr;
}

void set_must(Head& head, Incident const& incident) {
    std::string const& id = incident.id;
    auto const* const step = step_for_people(incident);
    bool const unsettled = incident.state != IncidentState::resolved && step != nullptr;
    if (incident.state == IncidentState::waiting && step == nullptr) {
        head.command = "rollbackctl approve " + id;
        head.must = "look at the plan and decide: " + head.command + " or rollbackctl reject " + id;
    } else if (unsettled) {
        head.command = "rollbackctl confirm " + id + " " + std::to_string(step->n);
        head.must = "step " + std::to_string(step->n) + " (" + step->name +
                    ") needs a person: " + head.command;
    } else if (incident.state == IncidentState::frozen) {
        head.command = "rollbackctl resume " + incident.service;
        head.must = "mend it by hand, then: " + head.command + " or rollbackctl resolve " + id;
    } else if (incident.state == IncidentState::open && !incident.refusals.empty() &&
               incident.refusals.back().guard == Guard::no_target) {
        head.command = "rollbackctl deploy " + incident.service + " VERSION --known-good";
        head.must = "name a version that is known to be good: " + head.command;
    } else if (incident.state == IncidentState::open ||
               incident.state == IncidentState::unverified) {
        head.command = "rollbackctl explain " + id;
        head.must = "look at it: " + head.command;
    }
    for (auto const& duty : incident.duties) {
        if (duty.state != DutyState::open || !head.must.empty()) continue;
        head.command = "rollbackctl confirm " + id + " " + duty.duty.name;
        head.must = "duty: " + duty.duty.text + ": " + head.command;
    }
    if (head.must.empty()) head.must = "nothing";
}

}  // namespace

Head head_of(Incident const& incident) {
    Head head;
    head.broken = broken_text(incident);
    head.did = did_text(incident);
    head.next = next_text(incident);
    set_must(head, incident);
    return head;
}

}  // namespace rollbackd::api
