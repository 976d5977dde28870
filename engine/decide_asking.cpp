// The world is asked before a ladder is judged, and each rung's own steps before it may run.
#include "actions/preflight.hpp"
#include "engine/guards.hpp"
#include "engine/judge.hpp"
#include "engine/planning.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

bool is_over(IncidentState state) {
    return state == IncidentState::resolved || state == IncidentState::frozen;
}

// A deployment recorded after the breach, which lies within its start_period: those failures wait
// for the end of it, as they would have if it had been recorded at once (A2).
std::optional<Moment> starting(
    Draft const& draft, ServicePolicy const& service, Firing const& firing
) {
    auto const& known = draft.state.service(service.name);
    auto const* const deployment = known.window ? known.deployment(*known.window) : nullptr;
    if (deployment == nullptr || firing.raised || firing.blame == Blame::any) return std::nullopt;
    auto until = deployment->started_at;
    bool const waited =
        firing.begun < until.boot || firing.fired_at.boot > deployment->recorded_at.boot;
    until.boot += service.start_period;
    until.wall += std::chrono::duration_cast<WallTime::duration>(service.start_period);
    if (waited || firing.begun >= until.boot || draft.now.boot >= until.boot) return std::nullopt;
    return until;
}

// Everything that judging the ladder as far as `playbook` needs (empty: its first rung that is
// left). The steps of later rungs are not asked: what stands behind must not keep what is first
// waiting.
AskFresh ask_about(
    Draft const& draft, Incident const& incident, Firing const& firing, std::string const& playbook
) {
    AskFresh ask;
    ask.incident = incident.id;
    ask.service = incident.service;
    auto const& service = *draft.policy.service(incident.service);
    ask.references = !draft.policy.daemon.references.empty() || !service.references.empty();
    if (firing.blame != Blame::any) ask.dependencies = service.depends_on;
    for (auto const& rung : incident.ladder) {
        if (rung.state != RungState::untried || rung.trigger != firing.trigger) continue;
        auto const* const known = service.playbook(rung.playbook);
        if (known == nullptr) continue;
        bool const asks_schema = takes_release_back(*known) && known->undoes == Undoes::release;
        ask.schema = ask.schema || (asks_schema && !service.release.schema_type.empty());
        auto plan = make_plan(draft.state, service, *known, {}, incident.id);
        if (plan && asks_steps(*plan)) ask.plans.push_back(std::move(*plan));
        if (playbook.empty() || rung.playbook == playbook) break;
    }
    return ask;
}

bool must_ask(AskFresh const& ask) {
    return ask.references || !ask.dependencies.empty() || ask.schema || !ask.plans.empty();
}

void put(Draft& draft, AskFresh ask) {
    ask.ask = ask.incident + "/" + std::to_string(draft.state.seq + 1);
    draft.write(IncidentAsked{ask.incident, ask.ask});
    draft.command(std::move(ask));
}

}  // namespace

bool asks_steps(Plan const& plan) {
    auto const asked = [](std::vector<Step> const& steps) {
        return std::any_of(steps.begin(), steps.end(), is_for_hands);
    };
    return asked(plan.steps) || asked(plan.always);
}

void ask_for_rung(
    Draft& draft, std::string const& incident, Firing const& firing, std::string const& playbook
) {
    put(draft, ask_about(draft, draft.incident(incident), firing, playbook));
}

void consider(Draft& draft, std::string const& id) {
    auto const& incident = draft.incident(id);
    if (is_over(incident.state) || active_run(incident) != nullptr ||
        waiting_run(incident) != nullptr || draft.policy.service(incident.service) == nullptr) {
        return;
    }
    auto const* const firing = next_firing(draft, incident);
    if (firing == nullptr) {
        Judge{draft, id, {}, nullptr}.end_of_ladder("");
        return;
    }
    auto const until = starting(draft, *draft.policy.service(incident.service), *firing);
    if (until) {
        std::string const why = "the breach lies within start_period; judged at the end of it";
        set_state(draft, id, IncidentState::open, why, until);
        return;
    }
    if (auto ask = ask_about(draft, incident, *firing, ""); must_ask(ask)) {
        put(draft, std::move(ask));
        return;
    }
    bool const propose_only = firing->resolved.response.kind == ResponseKind::propose;
    Judge{draft, id, *firing, nullptr, propose_only}.climb();
}

void on(Draft& draft, Answered const& event) {
    auto const* const incident = draft.state.incident(event.incident);
    if (incident == nullptr || !incident->asking || incident->ask != event.ask) return;
    auto const* const firing = next_firing(draft, *incident);
    // A person may have started or asked for a run meanwhile, or it is frozen by now: the question
    // is answered all the same.
    bool const busy = is_over(incident->state) || active_run(*incident) != nullptr ||
                      waiting_run(*incident) != nullptr;
    if (busy || firing == nullptr || draft.policy.service(incident->service) == nullptr) {
        drop_question(draft, event.incident);
        return;
    }
    if (is_blind(*incident) && !event.answer.blind) {
        see_again(draft, event.incident);
        return;
    }
    bool const propose_only = firing->resolved.response.kind == ResponseKind::propose;
    Judge{draft, event.incident, *firing, &event.answer, propose_only}.climb();
    // Every rung left may have been passed over unjudged: the question is answered all the same,
    // else the incident waits for it for ever.
    auto const& after = draft.incident(event.incident);
    if (after.asking && after.ask == event.ask) drop_question(draft, event.incident);
}

void drop_question(Draft& draft, std::string const& id) {
    auto const guards = draft.incident(id).guards;
    draft.write(IncidentJudged{id, {}, {}, guards, {}, JsonObject{}});
}

}  // namespace rollbackd
