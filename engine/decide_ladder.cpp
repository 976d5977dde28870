// From a breach to a rung: incidents open and are joined, the world is asked, guards are judged,
// and the first rung that may run does.
#include "engine/guards.hpp"
#include "engine/judge.hpp"
#include "engine/planning.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

bool is_over(IncidentState state) {
    return state == IncidentState::resolved || state == IncidentState::frozen;
}

std::vector<LadderRung> rungs_of(Incident const* incident, Firing const& firing) {
    std::vector<LadderRung> out;
    if (firing.resolved.response.kind == ResponseKind::alert) return out;
    for (auto const& rung : firing.resolved.response.rungs) {
        bool const tried = incident != nullptr &&
                           std::any_of(
                               incident->ladder.begin(), incident->ladder.end(),
                               [&](LadderRung const& old) { return old.playbook == rung.run; }
                           );
        if (!tried) out.push_back({rung.run, rung.within, firing.trigger, RungState::untried, {}});
    }
    return out;
}

AskFresh ask_about(Draft const& draft, Incident const& incident, Firing const& firing) {
    AskFresh ask;
    ask.incident = incident.id;
    ask.service = incident.service;
    auto const& service = *draft.policy.service(incident.service);
    ask.references = !draft.policy.daemon.references.empty() || !service.references.empty();
    if (firing.blame != Blame::any) ask.dependencies = service.depends_on;
    for (auto const& rung : incident.ladder) {
        if (rung.state != RungState::untried || rung.trigger != firing.trigger) continue;
        auto const* const playbook = service.playbook(rung.playbook);
        if (playbook == nullptr || playbook->undoes != Undoes::release) continue;
        ask.schema = !service.release.schema_type.empty();
        auto plan = make_plan(draft.state, service, *playbook, {}, incident.id);
        if (plan) ask.plans.push_back(std::move(*plan));
    }
    return ask;
}

bool must_ask(AskFresh const& ask) {
    return ask.references || !ask.dependencies.empty() || ask.schema || !ask.plans.empty();
}

}  // namespace

Firing make_firing(
    Draft const& draft, ServicePolicy const& service, TriggerPolicy const& trigger,
    Evaluation evaluation
) {
    Firing firing;
    firing.trigger = trigger.name;
    firing.when = trigger.when.text();
    firing.resolve_after = trigger.resolve_after;
    firing.rules = trigger.rules;
    firing.resolved = resolve(draft.policy, service, trigger, {});
    firing.blame = trigger.blame;
    firing.approval = trigger.approval;
    firing.autonomy = trigger.autonomy;
    firing.notify = trigger.notify.empty() ? service.notify : trigger.notify;
    firing.fired_at = draft.moment();
    firing.begun = evaluation.begun.value_or(draft.now.boot);
    firing.evaluation = std::move(evaluation);
    return firing;
}

std::string open_incident(
    Draft& draft, std::string const& service, std::optional<Firing> firing, bool alert_only
) {
    Incident incident;
    incident.id = "INC-" + std::to_string(draft.state.next_incident);
    incident.service = service;
    incident.opened_at = draft.moment();
    incident.alert_only = alert_only;
    if (firing) {
        incident.severity = firing->resolved.severity;
        incident.ladder = rungs_of(nullptr, *firing);
        incident.triggers.push_back(std::move(*firing));
    } else {
        incident.severity = Severity::P3;
    }
    auto const id = incident.id;
    draft.write(IncidentOpened{std::move(incident)});
    auto const* const policy = draft.policy.service(service);
    if (policy == nullptr || alert_only) return id;
    std::uint32_t n = 0;
    for (auto const& duty : policy->duties) {
        if (duty.from != DutyFrom::detection) continue;
        DutyRun owed;
        owed.n = ++n;
        owed.duty = duty;
        owed.due_at = draft.moment();
        owed.due_at.boot += duty.deadline;
        owed.due_at.wall += std::chrono::duration_cast<WallTime::duration>(duty.deadline);
        draft.write(DutyOwed{id, std::move(owed)});
    }
    return id;
}

void set_state(Draft& draft, std::string const& incident, IncidentState state, std::string why) {
    auto const& now = draft.incident(incident);
    if (now.state == state && now.standing_text == why) return;
    draft.write(StateChanged{incident, state, std::move(why)});
}

void resolve_incident(
    Draft& draft, std::string const& incident, std::string const& by, std::string const& why
) {
    std::map<std::string, Instant> floors;
    if (!by.empty()) {
        for (auto const& firing : draft.incident(incident).triggers) {
            if (!firing.cleared) floors[firing.trigger] = draft.now.boot;
        }
    }
    draft.write(IncidentResolved{incident, by, why, std::move(floors)});
}

void consider(Draft& draft, std::string const& id) {
    auto const& incident = draft.incident(id);
    if (is_over(incident.state) || active_run(incident) != nullptr ||
        waiting_run(incident) != nullptr || draft.policy.service(incident.service) == nullptr) {
        return;
    }
    auto const* const firing = next_firing(draft, incident);
    if (firing == nullptr) {
        Judge{draft, id, {}, nullptr}.end_of_ladder(incident.ladder.empty() ? "" : "");
        return;
    }
    auto ask = ask_about(draft, incident, *firing);
    if (must_ask(ask)) {
        ask.ask = id + "/" + std::to_string(draft.state.seq + 1);
        draft.write(IncidentAsked{id, ask.ask});
        draft.command(std::move(ask));
        return;
    }
    bool const propose_only = firing->resolved.response.kind == ResponseKind::propose;
    Judge{draft, id, *firing, nullptr, propose_only}.climb();
}

void on(Draft& draft, Answered const& event) {
    auto const* const incident = draft.state.incident(event.incident);
    if (incident == nullptr || !incident->asking || incident->ask != event.ask) return;
    if (is_over(incident->state)) return;
    auto const* const firing = next_firing(draft, *incident);
    if (firing == nullptr || draft.policy.service(incident->service) == nullptr) {
        draft.write(IncidentJudged{event.incident, {}, {}, {}, {}, JsonObject{}});
        return;
    }
    bool const propose_only = firing->resolved.response.kind == ResponseKind::propose;
    Judge{draft, event.incident, *firing, &event.answer, propose_only}.climb();
}

void reconsider(Draft& draft, std::string const& service, std::string const& why) {
    auto const id = draft.state.service(service).incident;
    auto const* const incident = draft.state.incident(id);
    if (incident == nullptr || is_over(incident->state)) return;
    if (incident->state != IncidentState::open && incident->state != IncidentState::waiting) return;
    if (auto const* const waiting = waiting_run(*incident)) {
        end_run(draft, waiting->id, RunState::aborted, "void: " + why);
    }
    draft.write(LadderReopened{id, why});
    for (auto const& firing : std::vector<Firing>(draft.incident(id).triggers)) {
        if (firing.cleared || firing.raised) continue;
        auto const verdict =
            draft.senses.judge(service, firing.trigger, draft.state, draft.now).verdict;
        if (verdict == Verdict::true_) continue;
        if (verdict == Verdict::false_) draft.write(TriggerCleared{id, firing.trigger, why});
    }
    auto const& triggers = draft.incident(id).triggers;
    bool const all_clear = !triggers.empty() &&
                           std::all_of(triggers.begin(), triggers.end(), [](Firing const& firing) {
                               return firing.cleared;
                           });
    if (all_clear) {
        resolve_incident(draft, id, "", "the service recovered by itself");
    } else {
        consider(draft, id);
    }
}

namespace {

void on_fired(Draft& draft, Edge const& edge) {
    auto const* const service = draft.policy.service(edge.service);
    auto const* const trigger = service == nullptr ? nullptr : service->trigger(edge.trigger);
    if (trigger == nullptr) return;
    auto firing = make_firing(draft, *service, *trigger, edge.evaluation);
    bool const acting = is_acting(firing.resolved);
    auto const& known = draft.state.service(edge.service);
    if (!acting) {
        if (known.alerts.contains(edge.trigger)) return;
        bool const proposes = firing.resolved.response.kind == ResponseKind::propose;
        auto const id = open_incident(draft, edge.service, std::move(firing), true);
        set_state(draft, id, IncidentState::open, "alert only: the policy asks for people");
        if (proposes) consider(draft, id);
        return;
    }
    if (auto const* const deployment = known.window ? known.deployment(*known.window) : nullptr) {
        if (!deployment->disturbed) {
            draft.write(Disturbed{edge.service, deployment->id, edge.trigger});
        }
    }
    auto const open = draft.state.service(edge.service).incident;
    if (open.empty()) {
        auto const id = open_incident(draft, edge.service, std::move(firing), false);
        consider(draft, id);
        return;
    }
    auto const& incident = draft.incident(open);
    bool const known_trigger =
        std::any_of(incident.triggers.begin(), incident.triggers.end(), [&](Firing const& old) {
            return old.trigger == edge.trigger && !old.cleared;
        });
    if (known_trigger) return;
    auto rungs = rungs_of(&incident, firing);
    draft.write(IncidentJoined{open, std::move(firing), std::move(rungs)});
    consider(draft, open);
}

void on_cleared(Draft& draft, Edge const& edge) {
    auto const& known = draft.state.service(edge.service);
    auto const alert = known.alerts.find(edge.trigger);
    if (alert != known.alerts.end()) {
        auto const id = alert->second;
        if (auto const* const waiting = waiting_run(draft.incident(id))) {
            end_run(draft, waiting->id, RunState::aborted, "void: the trigger is no longer true");
        }
        if (active_run(draft.incident(id)) != nullptr) return;
        draft.write(TriggerCleared{id, edge.trigger, edge.evaluation.why});
        resolve_incident(draft, id, "", "no longer true: " + edge.evaluation.why);
        return;
    }
    auto const id = known.incident;
    auto const* const incident = draft.state.incident(id);
    if (incident == nullptr) return;
    if (incident->state != IncidentState::open && incident->state != IncidentState::waiting) return;
    draft.write(TriggerCleared{id, edge.trigger, edge.evaluation.why});
    auto const& triggers = draft.incident(id).triggers;
    bool const all = std::all_of(triggers.begin(), triggers.end(), [](Firing const& firing) {
        return firing.cleared;
    });
    if (!all) return;
    if (auto const* const waiting = waiting_run(draft.incident(id))) {
        end_run(draft, waiting->id, RunState::aborted, "void: the service recovered by itself");
    }
    resolve_incident(draft, id, "", "the service recovered by itself: " + edge.evaluation.why);
}

}  // namespace

void on(Draft& draft, EdgesSeen const& event) {
    for (auto const& edge : event.edges) {
        switch (edge.kind) {
            case EdgeKind::fired:
                on_fired(draft, edge);
                break;
            case EdgeKind::cleared:
                on_cleared(draft, edge);
                break;
            case EdgeKind::again: {
                auto const id = draft.state.service(edge.service).incident;
                if (draft.state.incident(id) == nullptr) break;
                if (draft.incident(id).state == IncidentState::open) consider(draft, id);
                break;
            }
            case EdgeKind::progress:
                progress(draft, edge.service);
                check_bake(draft, edge.service);
                break;
        }
    }
}

}  // namespace rollbackd
