// Incidents and runs as the API shows them.
#include "api/render.hpp"
#include "engine/head.hpp"
#include "engine/planning.hpp"

namespace rollbackd::api {

namespace {

template <class Items, class Render>
JsonArray rendered(Items const& items, Render render) {
    JsonArray out;
    for (auto const& item : items) out.push_back(render(item));
    return out;
}

Json render_step(StepRun const& step) {
    JsonObject out;
    out["n"] = step.n;
    out["name"] = step.name;
    out["type"] = step.type;
    out["state"] = to_string(step.state);
    out["started_at"] = render_time(step.started_at);
    out["ended_at"] = render_time(step.ended_at);
    out["exit"] = to_json(step.exit);
    out["text"] = step.text;
    out["attempt"] = step.attempt;
    out["always"] = step.always;
    if (!step.confirmed_by.empty()) out["confirmed_by"] = step.confirmed_by;
    if (step.as_of) out["as_of"] = render_time(step.as_of->from);
    if (!step.version.empty()) out["version"] = step.version;
    return out;
}

Json render_check(CheckRun const& check, std::vector<Check> const& planned) {
    JsonObject out;
    out["n"] = check.n;
    out["passed"] = check.passed;
    out["why"] = check.why;
    if (check.n >= 1 && check.n <= planned.size()) {
        auto const& plan = planned[check.n - 1];
        out["kind"] = to_string(plan.kind);
        out["condition"] = condition_of(plan);
    }
    return out;
}

Json render_question(Question const& question) {
    JsonObject out;
    out["for"] = to_string(question.asks);
    out["n"] = question.n;
    out["what"] = question.what;
    return out;
}

std::string why_of(Firing const& firing) {
    if (firing.raised) return "raised by a person: " + firing.reason;
    return (firing.cleared ? "was true: " : "") + firing.evaluation.why;
}

}  // namespace

Json render_rung(LadderRung const& rung) {
    JsonObject out;
    out["playbook"] = rung.playbook;
    out["trigger"] = rung.trigger;
    out["state"] = to_string(rung.state);
    out["why"] = rung.why;
    return out;
}

Json render_time(WallTime time) { return to_json(format_rfc3339(time)); }

Json render_time(std::optional<Moment> const& moment) {
    return moment ? render_time(moment->wall) : Json(nullptr);
}

Json render_instant(std::optional<Instant> const& instant, Now const& now) {
    return instant ? render_time(to_wall(*instant, now)) : Json(nullptr);
}

Json render_run(Run const& run) {
    JsonObject out;
    out["id"] = run.id;
    out["incident"] = run.incident;
    out["service"] = run.plan.service;
    out["playbook"] = run.plan.playbook;
    out["state"] = to_string(run.state);
    out["reason"] = run.reason;
    out["target"] = to_json(run.plan.target);
    out["blamed"] = to_json(run.plan.blamed);
    out["plan"] = run.plan.hash;  // what approve and reject name
    out["by"] = run.by;
    out["manual"] = run.manual;
    out["why"] = run.why;
    out["undoes"] = to_string(run.plan.undoes);
    out["data_loss"] = to_string(run.plan.data_loss);
    out["data_loss_window"] = render_loss(run.plan, run.planned_at.wall, restored_as_of(run));
    out["budget"] = run.plan.budget ? to_json(format_duration(*run.plan.budget)) : Json(nullptr);
    out["planned_at"] = render_time(run.planned_at.wall);
    out["started_at"] = render_time(run.started_at);
    out["ended_at"] = render_time(run.ended_at);
    out["steps"] = rendered(run.steps, render_step);
    out["verify"] = rendered(run.verify, [&](CheckRun const& check) {
        return render_check(check, run.plan.verify);
    });
    return out;
}

Json render_firing(Firing const& firing) {
    JsonObject out;
    out["name"] = firing.trigger;
    out["verdict"] = firing.cleared ? to_string(Verdict::false_) : to_string(Verdict::true_);
    out["why"] = why_of(firing);
    out["severity"] = to_string(firing.resolved.severity);
    out["count"] = to_json(firing.evaluation.count);
    out["threshold"] = to_json(firing.evaluation.threshold);
    // The breach began at an event time; how long before it fired is on the boot timeline.
    auto const begun = Now{firing.fired_at.boot, firing.fired_at.wall};
    bool const known = firing.begun != Instant{};
    out["since"] = known ? render_instant(firing.begun, begun) : render_time(firing.fired_at.wall);
    out["fired_at"] = render_time(firing.fired_at.wall);
    out["cleared"] = firing.cleared;
    out["raised"] = firing.raised;
    out["when"] = firing.when;
    out["matrix_row"] = firing.resolved.matrix_row;
    return out;
}

Json render_refusal(Refusal const& refusal) {
    JsonObject out;
    out["guard"] = to_string(refusal.guard);
    out["letter"] = refusal.letter;
    out["text"] = refusal.text;
    out["playbook"] = refusal.playbook;
    out["trigger"] = refusal.trigger;
    out["at"] = render_time(refusal.at.wall);
    return out;
}

Json render_guard(GuardResult const& guard) { return to_json(guard); }

Json render_duty(DutyRun const& duty) {
    JsonObject out;
    out["n"] = duty.n;
    out["name"] = duty.duty.name;
    out["text"] = duty.duty.text;
    out["state"] = to_string(duty.state);
    out["due_at"] = render_time(duty.due_at.wall);
    out["by"] = duty.by;
    out["reason"] = duty.reason;
    return out;
}

Json render_reminder(ReminderRun const& reminder) {
    JsonObject out;
    out["entry"] = reminder.reminder.entry;
    out["every"] = format_duration(reminder.reminder.every);
    out["until"] = render_time(later(reminder.since, reminder.reminder.lasts).wall);
    out["next_at"] = render_time(reminder.next_at);
    out["told"] = reminder.told;
    out["why"] = reminder.why;
    return out;
}

std::string reminder_text(ReminderRun const& reminder) {
    auto const& [entry, every, lasts] = reminder.reminder;
    return "people are reminded every " + format_duration(every) + " until " +
           format_rfc3339(later(reminder.since, lasts).wall) + "; told " +
           std::to_string(reminder.told) + (reminder.told == 1 ? " time" : " times") +
           (reminder.why.empty() ? "" : ", over: " + reminder.why);
}

Json render_evidence(Evidence const& evidence, bool with_text) {
    JsonObject out;
    out["name"] = evidence.name;
    out["at"] = render_time(evidence.at);
    out["sha256"] = evidence.sha256;
    if (with_text) out["text"] = evidence.text;
    return out;
}

Json render_incident(Incident const& incident) {
    auto const head = head_of(incident);
    JsonObject out;
    out["id"] = incident.id;
    out["service"] = incident.service;
    out["state"] = to_string(incident.state);
    out["severity"] = to_string(incident.severity);
    out["summary"] = head.broken;
    out["did"] = head.did;
    out["next"] = head.next;
    out["must"] = head.must;
    out["command"] = head.command;
    out["asks"] = render_question(question_of(incident));
    out["alert_only"] = incident.alert_only;
    out["triggers"] = rendered(incident.triggers, render_firing);
    out["opened_at"] = render_time(incident.opened_at.wall);
    out["acted_at"] = render_time(incident.acted_at);
    out["recovered_at"] = render_time(incident.recovered_at);
    out["resolved_at"] = render_time(incident.resolved_at);
    out["acked_by"] = incident.acked_by;
    out["resolved_by"] = incident.resolved_by;
    out["escalated"] = incident.escalated;
    out["verdict"] = incident.verdict;
    out["blamed"] = to_json(incident.blamed);
    out["ladder"] = rendered(incident.ladder, render_rung);
    out["runs"] = rendered(incident.runs, render_run);
    out["refusals"] = rendered(incident.refusals, render_refusal);
    out["guards"] = rendered(incident.guards, render_guard);
    out["duties"] = rendered(incident.duties, render_duty);
    std::vector<Check> const& planned =
        incident.runs.empty() ? std::vector<Check>{} : incident.runs.back().plan.success;
    out["success"] = rendered(incident.success, [&](CheckRun const& check) {
        return render_check(check, planned);
    });
    out["follow_up"] = to_json(incident.follow_up);
    out["reminders"] = rendered(incident.reminders, render_reminder);
    return out;
}

std::vector<Incident const*> open_incidents(State const& state, std::string_view service) {
    std::vector<Incident const*> open;
    for (auto const& id : state.incident_order) {
        auto const* const incident = state.incident(id);
        if (incident == nullptr || incident->state == IncidentState::resolved) continue;
        if (service.empty() || incident->service == service) open.push_back(incident);
    }
    return open;
}

}  // namespace rollbackd::api
