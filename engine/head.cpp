#include "engine/head.hpp"

#include "core/names.hpp"
#include "engine/planning.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

Run const* newest_run(Incident const& incident) {
    return incident.runs.empty() ? nullptr : &incident.runs.back();
}

Question question_of_step(Run const& run, StepRun const& step) {
    if (step.state == StepState::unknown && run.state == RunState::interrupted) {
        return {Asks::unsettled_step, step.n, step.name};
    }
    if (step.state != StepState::waiting || run.state != RunState::running) return {};
    if (step.type == "manual") return {Asks::manual_step, step.n, step.text};
    return {Asks::step_approval, step.n, step.name};
}

}  // namespace

Question question_of(Incident const& incident) {
    auto const* const run = newest_run(incident);
    if (run == nullptr || incident.state == IncidentState::resolved) return {};
    if (run->state == RunState::waiting) return {Asks::plan, 0, run->plan.playbook};
    for (auto const& step : run->steps) {
        if (auto found = question_of_step(*run, step); found.asks != Asks::nothing) return found;
    }
    if (run->state != RunState::verifying) return {};
    for (auto const& check : run->verify) {
        if (check.passed || check.n == 0 || check.n > run->plan.verify.size()) continue;
        auto const& planned = run->plan.verify[check.n - 1];
        if (planned.kind != CheckKind::manual) continue;
        return {Asks::manual_check, std::uint32_t(run->steps.size()) + check.n, planned.text};
    }
    return {};
}

namespace {

std::string on_one_line(std::string const& text) { return printable_line(text, text.size()); }

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

std::string firing_text(Firing const& firing) {
    if (firing.raised) return firing.trigger + " was raised by a person (" + firing.reason + ")";
    return firing.trigger + " (" + firing.evaluation.why + ")";
}

std::string broken_text(Incident const& incident) {
    std::string text = to_string(incident.severity) + " " + incident.service + ": ";
    if (incident.triggers.empty()) return text + "a run asked for by a person";
    auto const worst = std::min_element(
        incident.triggers.begin(), incident.triggers.end(),
        [](Firing const& a, Firing const& b) { return a.resolved.severity < b.resolved.severity; }
    );
    text += firing_text(*worst);
    if (auto const& users = worst->resolved.classification.users) text += users_text(*users);
    std::string others;
    for (auto firing = incident.triggers.begin(); firing != incident.triggers.end(); ++firing) {
        if (firing != worst) others += (others.empty() ? "; also " : ", ") + firing->trigger;
    }
    text += others;
    if (incident.blamed) text += "; since version " + *incident.blamed;
    return text;
}

std::string run_text(Run const& run) {
    std::string const name = run.plan.playbook + " (" + run.id + ")" +
                             (run.plan.target ? " to " + *run.plan.target : "");
    std::string const why = run.why.empty() ? "" : ": " + run.why;
    switch (run.state) {
        case RunState::waiting: {
            auto const lost = lost_by(run);
            return "prepared " + name + why + (lost.empty() ? "" : "; it costs " + lost);
        }
        case RunState::running:
            return "is running " + name;
        case RunState::verifying:
            return "ran " + name + ", not yet proven";
        case RunState::succeeded:
            return "ran " + name + (proves_nothing(run) ? " to its last step" : " and verified it");
        case RunState::failed:
            return "ran " + name + ", which failed" + why;
        case RunState::interrupted:
            return "ran " + name + ", which was interrupted" + why;
        case RunState::aborted:
            return run.started_at ? "ran " + name + ", which was aborted" + why
                                  : "did not run " + name + why;
    }
    return "";
}

/// Whether the incident's own sentence says what the runs do not.
bool standing_adds(Incident const& incident) {
    auto const& standing = incident.standing_text;
    auto const* const run = newest_run(incident);
    if (standing.empty()) return false;
    if (run == nullptr) return true;
    bool const proven = run->state == RunState::succeeded && incident.resolved_by.empty();
    switch (incident.state) {
        case IncidentState::acting:
        case IncidentState::verifying:
            return false;
        case IncidentState::resolved:
            if (proven) return false;
            break;
        case IncidentState::open:
        case IncidentState::waiting:
        case IncidentState::unverified:
        case IncidentState::frozen:
            break;
    }
    return run->why.empty() || standing.find(run->why) == std::string::npos;
}

std::string did_text(Incident const& incident) {
    std::string text;
    for (auto const& run : incident.runs) text += (text.empty() ? "" : "; ") + run_text(run);
    bool const over = incident.state == IncidentState::resolved;
    if (text.empty() && over && !incident.refusals.empty()) {
        text = "did nothing, " + refusal_text(incident.refusals.back());
    }
    if (standing_adds(incident)) text += (text.empty() ? "" : "; ") + incident.standing_text;
    return text.empty() ? "detected just now" : text;
}

std::string open_next(Incident const& incident) {
    if (incident.alert_only) return "it closes by itself when the trigger is false again";
    if (incident.refusals.empty()) return "it keeps watching and does nothing by itself";
    auto const& refusal = incident.refusals.back();
    if (refusal.carried) return "it judges again at each further failure";
    switch (refusal.guard) {
        case Guard::no_deployment:
            return "it keeps watching, and judges again when a deployment is recorded";
        case Guard::paused:
            return "it keeps watching, and judges again after a resume";
        case Guard::silenced:
            return "it keeps watching, and judges again when the silence ends";
        case Guard::blind:
            return "it keeps watching, and judges again when a reference answers";
        case Guard::bad_before:
        case Guard::dependency_failing:
        case Guard::no_target:
        case Guard::schema_moved:
        case Guard::quarantined:
        case Guard::autonomy:
        case Guard::approval:
        case Guard::cooldown:
        case Guard::limit:
        case Guard::locked:
        case Guard::frozen:
        case Guard::unstable:
            break;
    }
    return "it keeps watching and does nothing by itself";
}

std::string waiting_next(Incident const& incident, Question const& question) {
    std::string const step = "step " + std::to_string(question.n) + " (" + question.what + ")";
    switch (question.asks) {
        case Asks::manual_step:
            return "it waits until a person has done step " + std::to_string(question.n) +
                   " and says so, then goes on";
        case Asks::step_approval:
            return "it waits for a person to approve " + step + ", then goes on";
        case Asks::plan:
        case Asks::nothing:
        case Asks::unsettled_step:
        case Asks::manual_check:
            break;
    }
    std::string const waits =
        "it waits for a person to approve or reject the plan; unanswered, it is rejected";
    bool const unstable =
        std::any_of(incident.refusals.begin(), incident.refusals.end(), [](Refusal const& one) {
            return one.guard == Guard::unstable;
        });
    return unstable ? waits + "; stable again and still true, it is judged again" : waits;
}

std::string next_text(Incident const& incident, Question const& question) {
    bool const owes =
        std::any_of(incident.duties.begin(), incident.duties.end(), [](DutyRun const& duty) {
            return duty.state == DutyState::open;
        });
    switch (incident.state) {
        case IncidentState::open:
            return open_next(incident);
        case IncidentState::waiting:
            return waiting_next(incident, question);
        case IncidentState::acting:
            return "it goes on with the next step, then verifies";
        case IncidentState::verifying:
            if (question.asks == Asks::manual_check) return "it waits for a person's word";
            return incident.recovered_at ? "it watches whether the recovery holds"
                                         : "it verifies the recovery on fresh samples";
        case IncidentState::unverified:
            if (!incident.runs.empty() && proves_nothing(incident.runs.back()))
                return "nothing by itself: no data can decide this";
            return "it keeps watching until data decides; no further playbook is tried";
        case IncidentState::resolved:
            return owes ? "nothing by itself: the incident is over, duties remain"
                        : "nothing: the incident is over";
        case IncidentState::frozen:
            return "nothing by itself: the service is frozen until a person takes over";
    }
    return "";
}

/// What the run's question asks a person to do. False: nothing is asked.
bool answer_question(Head& head, std::string const& id, Question const& question) {
    std::string const n = std::to_string(question.n);
    std::string const confirm = "rollbackctl confirm " + id + " " + n;
    switch (question.asks) {
        case Asks::nothing:
            return false;
        case Asks::plan:
            head.command = "rollbackctl approve " + id;
            head.must =
                "look at the plan and decide: " + head.command + " or rollbackctl reject " + id;
            return true;
        case Asks::step_approval:
            head.command = "rollbackctl approve " + id;
            head.must = "step " + n + " (" + question.what +
                        ") needs an approval: " + head.command + " or rollbackctl abort " + id;
            return true;
        case Asks::manual_step:
            head.command = confirm;
            head.must = "do step " + n + " (" + question.what + "), then: " + confirm;
            return true;
        case Asks::unsettled_step:
            head.command = confirm;
            head.must = "find out whether step " + n + " (" + question.what +
                        ") took effect, then: " + confirm + " or " + confirm + " --not-done";
            return true;
        case Asks::manual_check:
            head.command = confirm;
            head.must = "look whether it is so (" + question.what + "), then: " + confirm;
            return true;
    }
    return false;
}

void answer_open(Head& head, Incident const& incident) {
    auto const* const last = incident.refusals.empty() ? nullptr : &incident.refusals.back();
    auto const guard = last == nullptr ? std::nullopt : std::optional(last->guard);
    if (last != nullptr && last->impossible) {
        head.command = "rollbackctl run " + incident.service + " " + last->playbook;
        head.must = "mend what its step says, then: " + head.command;
    } else if (guard == Guard::no_target) {
        head.command = "rollbackctl deploy " + incident.service + " VERSION --known-good";
        head.must = "name a version that is known to be good: " + head.command;
    } else if (guard == Guard::paused) {
        head.command = "rollbackctl resume " + incident.service;
        head.must = "mend it by hand, or let rollbackd act again: " + head.command;
    } else {
        head.command = "rollbackctl explain " + incident.id;
        head.must = "look at it: " + head.command;
    }
}

bool answer_duty(Head& head, Incident const& incident) {
    for (auto const& duty : incident.duties) {
        if (duty.state != DutyState::open) continue;
        head.command = "rollbackctl confirm " + incident.id + " duty:" + std::to_string(duty.n);
        head.must = "duty " + duty.duty.name + " (" + duty.duty.text + "), then: " + head.command;
        return true;
    }
    return false;
}

void set_must(Head& head, Incident const& incident, Question const& question) {
    std::string const& id = incident.id;
    if (answer_question(head, id, question)) return;
    switch (incident.state) {
        case IncidentState::open:
            answer_open(head, incident);
            return;
        case IncidentState::unverified:
            head.command = "rollbackctl resolve " + id;
            head.must = "look whether it works, then: " + head.command;
            return;
        case IncidentState::frozen:
            head.command = "rollbackctl resume " + incident.service;
            head.must = "mend it by hand, then: " + head.command + " or rollbackctl resolve " + id;
            return;
        case IncidentState::waiting:
        case IncidentState::acting:
        case IncidentState::verifying:
        case IncidentState::resolved:
            break;
    }
    if (answer_duty(head, incident)) return;
    bool const over = incident.state == IncidentState::resolved;
    head.command = (over ? "rollbackctl report " : "rollbackctl show ") + id;
    head.must = over ? "nothing; the whole story: " + head.command
                     : "nothing yet; to follow it: " + head.command;
}

}  // namespace

std::string refusal_text(Refusal const& refusal) {
    return to_string(refusal.guard) + " (" + refusal.letter + "): " + refusal.text;
}

ShortHashes short_versions(ServiceState const& service) {
    std::vector<std::string> names;
    for (auto const& [version, state] : service.versions) names.push_back(version);
    return ShortHashes(names);
}

Head head_of(Incident const& incident) {
    auto const question = question_of(incident);
    Head head;
    // A sentence is a line: what came from outside, a step's output too, must not write another.
    head.broken = on_one_line(broken_text(incident));
    head.did = on_one_line(did_text(incident));
    head.next = next_text(incident, question);
    std::vector<std::string> named{head.broken, head.did, head.next};
    for (auto const& guard : incident.guards) named.push_back(guard.text);
    for (auto const& refusal : incident.refusals) named.push_back(refusal.text);
    ShortHashes const shorten(named);
    for (auto* const text : {&head.broken, &head.did, &head.next}) *text = shorten(*text);
    set_must(head, incident, question);
    return head;
}

std::string message_text(Incident const& incident) {
    return message_text(incident, head_of(incident));
}

std::string message_text(Incident const& incident, Head const& head) {
    return head.broken + " (" + incident.id + ")\nrollbackd: " + head.did + "\nNext: " + head.next +
           "\nYou: " + head.must;
}

}  // namespace rollbackd
