// What the senses noticed: triggers that fired, cleared, or are true again.
#include "engine/guards.hpp"
#include "engine/judge.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

// It waited while nothing could be written down, and its samples have been judged meanwhile (A8).
bool is_over(Draft const& draft, Edge const& edge) {
    auto const floor = draft.state.service(edge.service).floor(edge.trigger);
    auto const& begun = edge.evaluation.begun;
    if (!floor || !begun || *begun > *floor) return false;
    auto const now = draft.senses.judge(edge.service, edge.trigger, draft.state, draft.now);
    return now.verdict != Verdict::true_;
}

// A reload may have changed it, and the incident keeps the trigger that it was opened for: what is
// noticed of the new one neither proves the old one nor says whom to blame for it.
bool is_same(Firing const& firing, TriggerPolicy const& trigger) {
    return firing.when == trigger.when.text() && firing.rules == trigger.rules;
}

// The incident to consider, once every edge of this moment is known.
std::string on_fired(Draft& draft, Edge const& edge) {
    auto const* const service = draft.policy.service(edge.service);
    auto const* const trigger = service == nullptr ? nullptr : service->trigger(edge.trigger);
    if (trigger == nullptr || is_over(draft, edge)) return "";
    auto firing = make_firing(draft, *service, *trigger, edge.evaluation, edge.blames);
    auto const& known = draft.state.service(edge.service);
    if (!is_acting(firing.resolved)) {
        if (auto const alert = known.alerts.find(edge.trigger); alert != known.alerts.end()) {
            // A run that was only proposed has ended, and it was false then: true again.
            auto const id = alert->second;
            auto const& fired = draft.incident(id).triggers.front();
            if (fired.cleared) {
                draft.write(
                    TriggerRefired{id, edge.trigger, edge.evaluation, draft.moment(), edge.blames}
                );
            }
            return "";
        }
        bool const proposes = firing.resolved.response.kind == ResponseKind::propose;
        auto const id = open_incident(draft, edge.service, std::move(firing), true);
        set_state(draft, id, IncidentState::open, "alert only: the policy asks for people");
        return proposes ? id : "";
    }
    disturb(draft, edge.service, edge.trigger);
    auto const open = draft.state.service(edge.service).incident;
    if (open.empty()) return open_incident(draft, edge.service, std::move(firing), false);
    auto const& incident = draft.incident(open);
    auto const known_trigger =
        std::find_if(incident.triggers.begin(), incident.triggers.end(), [&](Firing const& old) {
            return old.trigger == edge.trigger && !old.cleared;
        });
    bool const idle = incident.state == IncidentState::open;
    bool const is_known = known_trigger != incident.triggers.end();
    bool const changed = is_known && !is_same(*known_trigger, *trigger);
    if (changed && !idle) return "";
    if (changed && is_still_true(draft, edge.service, *known_trigger)) return open;
    if (changed) {
        draft.write(TriggerCleared{open, edge.trigger, "it is no longer true, nor in the policy"});
    } else if (is_known) {
        // It was false in the middle of a run, and nobody could say so then.
        draft.write(TriggerRefired{open, edge.trigger, edge.evaluation, draft.moment(), edge.blames}
        );
        return idle ? open : "";
    }
    join_incident(draft, open, std::move(firing));
    return open;
}

std::string on_again(Draft& draft, Edge const& edge) {
    auto const id = draft.state.service(edge.service).incident;
    auto const* const incident = draft.state.incident(id);
    auto const* const service = draft.policy.service(edge.service);
    auto const* const trigger = service == nullptr ? nullptr : service->trigger(edge.trigger);
    if (incident == nullptr || incident->state != IncidentState::open) return "";
    if (is_over(draft, edge)) return "";
    for (auto const& firing : incident->triggers) {
        if (firing.trigger != edge.trigger || firing.cleared) continue;
        bool const same = trigger == nullptr || is_same(firing, *trigger);
        if (!same && !is_still_true(draft, edge.service, firing)) return "";
        auto const at = firing.fired_at;
        if (same && edge.blames != firing.blames) {
            draft.write(TriggerRefired{id, edge.trigger, edge.evaluation, at, edge.blames});
        }
        // Failures may come faster than the world answers: one that is being asked is not asked
        // again, its answer is judged on what is true then.
        auto const& now = draft.incident(id);
        return now.asking || next_firing(draft, now) == nullptr ? "" : id;
    }
    return "";
}

void on_cleared(Draft& draft, Edge const& edge) {
    auto const& known = draft.state.service(edge.service);
    auto const alert = known.alerts.find(edge.trigger);
    if (alert != known.alerts.end()) {
        auto const id = alert->second;
        if (auto const* const waiting = waiting_run(draft.incident(id))) {
            end_run(draft, waiting->id, RunState::aborted, "void: the trigger is no longer true");
        }
        // A run of it goes to its own end, one that is unverified too: data decides that.
        if (is_run_on(draft.incident(id))) return;
        draft.write(TriggerCleared{id, edge.trigger, edge.evaluation.why});
        resolve_incident(draft, id, "", "no longer true: " + edge.evaluation.why);
        return;
    }
    auto const id = known.incident;
    auto const* const incident = draft.state.incident(id);
    // What follows from a breach does not depend on how long the world takes to answer.
    if (incident == nullptr || incident->asking) return;
    if (incident->state != IncidentState::open && incident->state != IncidentState::waiting) return;
    if (active_run(*incident) != nullptr) return;  // a step of it waits: the run goes to its end
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
    std::vector<std::string> ready;
    auto const note = [&](std::string id) {
        bool const known = std::find(ready.begin(), ready.end(), id) != ready.end();
        if (!id.empty() && !known) ready.push_back(std::move(id));
    };
    for (auto const& edge : event.edges) {
        switch (edge.kind) {
            case EdgeKind::fired:
                note(on_fired(draft, edge));
                break;
            case EdgeKind::cleared:
                on_cleared(draft, edge);
                break;
            case EdgeKind::again:
                note(on_again(draft, edge));
                break;
            case EdgeKind::progress:
                break;
        }
    }
    // What one sample broke is judged together: the most severe is answered, whatever its place.
    for (auto const& id : ready) consider(draft, id);
    for (auto const& edge : event.edges) {
        if (edge.kind != EdgeKind::progress) continue;
        progress(draft, edge.service);
        check_bake(draft, edge.service);
    }
}

}  // namespace rollbackd
