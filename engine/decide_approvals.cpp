// What people decide about plans: run, approve, reject. Single steps: decide_steps.cpp.
#include "core/names.hpp"
#include "engine/guards.hpp"
#include "engine/judge.hpp"
#include "engine/live_version.hpp"
#include "engine/planning.hpp"
#include "engine/storm.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

// A run that was approved (or runs already): a second approve answers the same one.
Run const* approved_run(Incident const& incident, std::string const& plan) {
    for (auto const& run : incident.runs) {
        bool const alive = run.state != RunState::aborted && run.started_at.has_value();
        if (alive && run.plan.hash == plan) return &run;
    }
    return nullptr;
}

void void_run(Draft& draft, std::string const& run, std::string const& why) {
    auto const incident = draft.run(run).incident;
    Run const plan = draft.run(run);
    end_run(draft, run, RunState::aborted, "void: " + why);
    set_state(draft, incident, IncidentState::open, "the plan is void: " + why);
    draft.refuse(Errc::conflict, "the plan is void: " + why);
    answer_others(draft, incident, plan);
}

// Whether the trigger a plan answers is still true; why not, otherwise.
std::optional<std::string> no_longer_true(
    Draft const& draft, Incident const& incident, Firing const& firing
) {
    if (firing.raised) return std::nullopt;
    auto const found = draft.senses.evaluate_text(
        incident.service, firing.when, firing.rules,
        draft.state.service(incident.service).floor(firing.trigger), draft.state, draft.now
    );
    if (found.verdict == Verdict::true_) return std::nullopt;
    return firing.trigger + " is " + to_string(found.verdict) + ": " + found.why;
}

std::string all_the_same(std::string const& service, std::string const& playbook) {
    return "rollbackctl run " + service + " " + playbook + " --force";
}

// Approved was what a newer backup would cost; that one is gone, or of no use any more.
std::optional<std::string> loses_more(
    Draft const& draft, Plan const& plan, std::optional<BackupTime> const& shown,
    Answer const& answer
) {
    auto const now = foresee(draft.state.service(plan.service), plan, answer.looks).as_of;
    if (!now || !shown || now->from >= shown->from) return std::nullopt;
    return "it would restore the backup of " + format_moment(now->from) +
           " by now, not the one of " + format_moment(shown->from) +
           ": more is lost than was shown";
}

// On approval every guard is judged again; what speaks against the plan now.
std::optional<std::string> judge_again(
    Draft& draft, Incident const& incident, Run const& waiting, Approved event
) {
    auto const forced = event.force ? take_objections(event.answer) : std::string();
    auto const* const service = draft.policy.service(incident.service);
    auto const* const playbook =
        service == nullptr ? nullptr : service->playbook(waiting.plan.playbook);
    if (playbook == nullptr) {
        return "playbook " + waiting.plan.playbook + " is no longer configured";
    }
    auto const* const blamed = answered_firing(incident, waiting);
    auto const firing = blamed == nullptr ? std::nullopt : std::optional(*blamed);
    auto const* const known = firing ? &*firing : nullptr;
    auto const wanted = waiting.manual ? Wanted::manual : Wanted::approved;
    bool const manual = waiting.manual;
    auto const target = waiting.plan.target;
    auto const shown = waiting.foreseen;
    auto const plan = make_plan(draft.state, *service, *playbook, waiting.plan.inputs, incident.id);
    auto judgement = judge_hold(draft, incident, known, waiting.plan.locks, &event.answer, wanted);
    bool const observes =
        !manual && effective_autonomy(draft, incident.service, known) == Autonomy::observe;
    if (observes) {
        judgement.refusals.push_back(
            {Guard::autonomy, "f", "effective autonomy is observe", playbook->name, "",
             draft.moment(), false}
        );
    }
    add(judgement, judge_rung(draft, incident, known, *playbook, plan, &event.answer, wanted));
    // A person's own plan is for what that person saw, not for what fires beside it.
    bool const answers = known != nullptr && !manual;
    auto still = answers ? no_longer_true(draft, incident, *known) : std::nullopt;
    draft.write(IncidentJudged{
        event.incident, known == nullptr ? "" : known->trigger, playbook->name, judgement.guards,
        judgement.refusals,
        by_a_person("approved_by", event.actor, event.answer, playbook->name, forced)
    });
    if (!judgement.passed()) {
        return refusal_of(judgement, all_the_same(incident.service, playbook->name));
    }
    if (still) return still;
    if (plan && plan->target != target) return "the target has changed meanwhile";
    if (plan) return loses_more(draft, *plan, shown, event.answer);
    return std::nullopt;
}

}  // namespace

void on(Draft& draft, RunAsked const& event) {
    auto const* const service = draft.policy.service(event.service);
    auto const* const playbook = service == nullptr ? nullptr : service->playbook(event.playbook);
    if (playbook == nullptr) {
        draft.refuse(
            Errc::not_found,
            "no playbook " + printable(event.service, 64) + "/" + printable(event.playbook, 64)
        );
        return;
    }
    auto const open = draft.state.service(event.service).incident;
    auto plan = make_plan(draft.state, *service, *playbook, event.inputs, open);
    if (!plan && plan.error().code == Errc::invalid) {
        draft.refuse(Errc::invalid, to_string(plan.error()));
        return;
    }
    Incident none;
    none.service = event.service;
    auto const& incident = open.empty() ? none : draft.incident(open);
    auto answer = event.answer;
    auto const forced = event.force ? take_objections(answer) : std::string();
    auto judgement = judge_hold(
        draft, incident, nullptr, plan ? plan->locks : playbook->locks, &answer, Wanted::manual
    );
    add(judgement, judge_rung(draft, incident, nullptr, *playbook, plan, &answer, Wanted::manual));
    if (!judgement.passed()) {
        draft.refuse(
            Errc::conflict, refusal_of(judgement, all_the_same(event.service, event.playbook))
        );
        return;
    }
    if (!open.empty()) {
        if (auto const* const waiting = waiting_run(draft.incident(open))) {
            end_run(
                draft, waiting->id, RunState::aborted,
                "void: " + event.actor.name + " runs " + event.playbook + " by hand"
            );
        }
    }
    auto const id = open.empty() ? open_incident(draft, event.service, std::nullopt, false) : open;
    auto run = make_run(draft, id, std::move(*plan), reason_of(event.reason), &answer);
    run.by = event.actor.name;
    run.manual = true;
    for (auto const& firing : draft.incident(id).triggers) {
        if (!firing.cleared) run.answers.push_back(firing.trigger);
    }
    auto const run_id = run.id;
    bool const asks = run.plan.approval;
    run.state = asks ? RunState::waiting : RunState::running;
    draft.out.reply.incident = id;
    draft.out.reply.run = run_id;
    draft.write(RunPlanned{std::move(run)});
    draft.write(IncidentJudged{
        id,
        "",
        event.playbook,
        judgement.guards,
        {},
        by_a_person("run_by", event.actor, answer, event.playbook, forced)
    });
    if (asks) {
        set_state(
            draft, id, IncidentState::waiting,
            "waiting for approval (f, approval): the playbook may lose data"
        );
    } else {
        start_run(draft, run_id, false);
    }
}

void on(Draft& draft, Approved const& event) {
    auto const* const incident = require(draft, event.incident);
    if (incident == nullptr) return;
    if (approve_step(draft, *incident, event)) return;
    auto const* const waiting = waiting_run(*incident);
    // The same plan once more, after it has failed, is a question of its own.
    bool const asked = waiting != nullptr && waiting->plan.hash == event.plan;
    if (auto const* const run = approved_run(*incident, event.plan); run != nullptr && !asked) {
        draft.out.reply.run = run->id;
        return;
    }
    if (waiting == nullptr) {
        draft.refuse(Errc::conflict, event.incident + " has no plan that waits for approval");
        return;
    }
    auto const run_id = waiting->id;
    draft.out.reply.run = run_id;
    if (waiting->plan.hash != event.plan) {
        draft.refuse(
            Errc::conflict,
            "that is not the plan that waits; show " + event.incident + " and approve its plan"
        );
        return;
    }
    auto const objection = judge_again(draft, *incident, *waiting, event);
    if (objection) {
        void_run(draft, run_id, *objection);
        return;
    }
    draft.write(RunApproved{run_id, event.actor.name});
    start_run(draft, run_id, false);
    let_storm_go(draft, run_id);
}

void on(Draft& draft, Rejected const& event) {
    auto const* const incident = require(draft, event.incident);
    if (incident == nullptr) return;
    if (auto const* const run = active_run(*incident); run != nullptr && waits_for_approval(*run)) {
        draft.out.reply.run = run->id;
        if (!event.plan.empty() && run->plan.hash != event.plan) {
            draft.refuse(Errc::conflict, "that is not the plan that waits");
            return;
        }
        reject_step(draft, std::string(run->id), "rejected by " + event.actor.name);
        return;
    }
    auto const* const waiting = waiting_run(*incident);
    if (waiting == nullptr) {
        draft.refuse(Errc::conflict, event.incident + " has no plan that waits for approval");
        return;
    }
    if (!event.plan.empty() && waiting->plan.hash != event.plan) {
        draft.refuse(Errc::conflict, "that is not the plan that waits");
        return;
    }
    draft.out.reply.run = waiting->id;
    std::string const why = "rejected by " + event.actor.name;
    Run const plan = *waiting;
    end_run(draft, plan.id, RunState::aborted, why, event.actor.name);
    draft.write(Escalated{event.incident, why});
    set_state(draft, event.incident, IncidentState::open, why);
    answer_others(draft, event.incident, plan);
}

}  // namespace rollbackd
