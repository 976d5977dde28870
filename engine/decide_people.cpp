// What people do: approve, reject, confirm, run, raise. A person's word is recorded with the name.
#include "core/names.hpp"
#include "engine/guards.hpp"
#include "engine/planning.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

constexpr std::size_t reason_max = 1000;

Incident const* require(Draft& draft, std::string const& id) {
    auto const* const incident = draft.state.incident(id);
    if (incident == nullptr) draft.refuse(Errc::not_found, "no incident " + printable(id, 40));
    draft.out.reply.incident = id;
    return incident;
}

std::string reason_of(std::string const& text) { return printable(text, reason_max); }

// A run that was approved (or runs already): a second approve answers the same one.
Run const* approved_run(Incident const& incident, std::string const& plan) {
    for (auto const& run : incident.runs) {
        bool const alive = run.state != RunState::aborted && run.started_at.has_value();
        if (alive && run.plan.hash == plan) return &run;
    }
    return nullptr;
}

Firing const* answered(Incident const& incident, Run const& run) {
    for (auto const& firing : incident.triggers) {
        auto const& answers = run.answers;
        if (std::find(answers.begin(), answers.end(), firing.trigger) != answers.end())
            return &firing;
    }
    return nullptr;
}

std::string sentence(Refusal const& refusal) {
    return to_string(refusal.guard) + " (" + refusal.letter + "): " + refusal.text;
}

void add(Judgement& to, Judgement const& from) {
    to.guards.insert(to.guards.end(), from.guards.begin(), from.guards.end());
    to.refusals.insert(to.refusals.end(), from.refusals.begin(), from.refusals.end());
}

// Step-level approval of a run that is on.
bool approve_step(Draft& draft, Incident const& incident, Approved const& event) {
    for (auto const& run : incident.runs) {
        if (run.state != RunState::running) continue;
        for (auto const& step : run.steps) {
            if (step.state != StepState::waiting || step.type == "manual") continue;
            if (run.plan.hash != event.plan) {
                draft.refuse(
                    Errc::conflict, "the plan has changed; show it again and approve that"
                );
                return true;
            }
            auto const& planned = step.n <= run.plan.steps.size()
                                      ? run.plan.steps[step.n - 1]
                                      : run.plan.always[step.n - 1 - run.plan.steps.size()];
            auto const n = step.n;
            auto const run_id = run.id;
            auto const service = incident.service;
            auto const id = incident.id;
            auto rendered = render_step(planned, run);
            draft.out.reply.run = run_id;
            draft.write(RunApproved{run_id, event.actor.name});
            if (!rendered) {
                draft.refuse(Errc::conflict, to_string(rendered.error()));
                return true;
            }
            draft.write(StepIntent{run_id, n, 1, rendered->params});
            set_state(draft, id, IncidentState::acting, "step " + std::to_string(n) + " approved");
            draft.command(StartStep{run_id, n, 1, std::move(*rendered), service, id});
            return true;
        }
    }
    return false;
}

void void_run(Draft& draft, std::string const& run, std::string const& why) {
    auto const incident = draft.run(run).incident;
    end_run(draft, run, RunState::aborted, "void: " + why);
    set_state(draft, incident, IncidentState::open, "the plan is void: " + why);
    draft.refuse(Errc::conflict, "the plan is void: " + why);
}

}  // namespace

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
    auto firing = make_firing(draft, *service, *trigger, std::move(evaluation));
    firing.raised = true;
    firing.reason = reason_of(event.reason);
    bool const acting = is_acting(firing.resolved);
    auto const& known = draft.state.service(event.service);
    auto const alert = known.alerts.find(event.trigger);
    if (!acting && alert != known.alerts.end()) {
        draft.out.reply.incident = alert->second;
        return;
    }
    if (acting && !known.incident.empty()) {
        auto const id = known.incident;
        draft.out.reply.incident = id;
        auto const& incident = draft.incident(id);
        bool const there =
            std::any_of(incident.triggers.begin(), incident.triggers.end(), [&](Firing const& old) {
                return old.trigger == event.trigger && !old.cleared;
            });
        if (there) return;
        std::vector<LadderRung> rungs;
        for (auto const& rung : firing.resolved.response.rungs) {
            bool const tried = std::any_of(
                incident.ladder.begin(), incident.ladder.end(),
                [&](LadderRung const& old) { return old.playbook == rung.run; }
            );
            if (!tried)
                rungs.push_back({rung.run, rung.within, event.trigger, RungState::untried, {}});
        }
        draft.write(IncidentJoined{id, std::move(firing), std::move(rungs)});
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
    auto judgement = judge_hold(
        draft, incident, nullptr, plan ? plan->locks : playbook->locks, &event.answer,
        Wanted::manual
    );
    add(judgement,
        judge_rung(draft, incident, nullptr, *playbook, plan, &event.answer, Wanted::manual));
    if (!judgement.passed()) {
        draft.refuse(Errc::conflict, sentence(judgement.refusals.front()));
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
    Run run;
    run.id = "RUN-" + std::to_string(draft.state.next_run);
    run.incident = id;
    run.reason = reason_of(event.reason);
    run.by = event.actor.name;
    run.manual = true;
    run.planned_at = draft.moment();
    for (auto const& firing : draft.incident(id).triggers) {
        if (!firing.cleared) run.answers.push_back(firing.trigger);
    }
    std::uint32_t n = 0;
    for (auto const* const list : {&plan->steps, &plan->always}) {
        for (auto const& step : *list) {
            StepRun made;
            made.n = ++n;
            made.name = step.name;
            made.type = step.type;
            made.always = list == &plan->always;
            run.steps.push_back(std::move(made));
        }
    }
    for (std::size_t i = 0; i < plan->verify.size(); ++i) {
        run.verify.push_back({std::uint32_t(i + 1), false, false, {}, {}});
    }
    run.plan = std::move(*plan);
    auto const run_id = run.id;
    bool const asks = run.plan.approval;
    run.state = asks ? RunState::waiting : RunState::running;
    draft.out.reply.incident = id;
    draft.out.reply.run = run_id;
    draft.write(RunPlanned{std::move(run)});
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
    if (auto const* const run = approved_run(*incident, event.plan)) {
        draft.out.reply.run = run->id;
        return;
    }
    auto const* const waiting = waiting_run(*incident);
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
    auto const* const service = draft.policy.service(incident->service);
    auto const* const playbook =
        service == nullptr ? nullptr : service->playbook(waiting->plan.playbook);
    if (playbook == nullptr) {
        void_run(draft, run_id, "playbook " + waiting->plan.playbook + " is no longer configured");
        return;
    }
    auto const* const firing = answered(*incident, *waiting);
    auto const wanted = waiting->manual ? Wanted::manual : Wanted::approved;
    auto plan = make_plan(
        draft.state, *service, *playbook, waiting->plan.inputs,
        waiting->manual && incident->triggers.empty() ? "" : incident->id
    );
    auto judgement =
        judge_hold(draft, *incident, firing, waiting->plan.locks, &event.answer, wanted);
    if (effective_autonomy(draft, incident->service, firing) == Autonomy::observe &&
        !waiting->manual) {
        judgement.refusals.push_back(
            {Guard::autonomy, "f", "effective autonomy is observe", playbook->name, "",
             draft.moment(), false}
        );
    }
    add(judgement, judge_rung(draft, *incident, firing, *playbook, plan, &event.answer, wanted));
    draft.write(IncidentJudged{
        event.incident, firing == nullptr ? "" : firing->trigger, playbook->name, judgement.guards,
        judgement.refusals, JsonObject{{"approved_by", event.actor.name}}
    });
    if (!judgement.passed()) {
        void_run(draft, run_id, sentence(judgement.refusals.front()));
        return;
    }
    auto const& again = draft.incident(event.incident);
    if (firing != nullptr) {
        auto const* const same = answered(again, draft.run(run_id));
        bool still = same->raised;
        std::string why = "no longer true";
        if (!still) {
            auto const found = draft.senses.evaluate_text(
                again.service, same->when, same->rules, std::nullopt, std::nullopt, draft.state,
                draft.now
            );
            still = found.verdict == Verdict::true_;
            why = same->trigger + " is " + to_string(found.verdict) + ": " + found.why;
        }
        if (!still) {
            void_run(draft, run_id, why);
            return;
        }
    }
    if (plan && !waiting_run(again)->manual && plan->target != waiting_run(again)->plan.target) {
        void_run(draft, run_id, "the target has changed meanwhile");
        return;
    }
    draft.write(RunApproved{run_id, event.actor.name});
    start_run(draft, run_id, false);
}

void on(Draft& draft, Rejected const& event) {
    auto const* const incident = require(draft, event.incident);
    if (incident == nullptr) return;
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
    end_run(draft, waiting->id, RunState::aborted, why);
    draft.write(Escalated{event.incident, why});
    set_state(draft, event.incident, IncidentState::open, why);
}

void on(Draft& draft, Acked const& event) {
    auto const* const incident = require(draft, event.incident);
    if (incident == nullptr) return;
    if (incident->state == IncidentState::resolved) {
        draft.refuse(Errc::conflict, event.incident + " is resolved already");
        return;
    }
    if (incident->acked_by.empty()) draft.write(AckedRecord{event.incident, event.actor.name});
}

void on(Draft& draft, ResolvedBy const& event) {
    auto const* const incident = require(draft, event.incident);
    if (incident == nullptr || incident->state == IncidentState::resolved) return;
    if (auto const* const run = active_run(*incident)) {
        draft.refuse(
            Errc::conflict, run->id + " is on; abort it first: rollbackctl abort " + event.incident
        );
        return;
    }
    if (auto const* const waiting = waiting_run(*incident)) {
        end_run(draft, waiting->id, RunState::aborted, "void: resolved by " + event.actor.name);
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
    draft.write(AbortAsked{run_id, event.actor.name});
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

void on(Draft& draft, StepConfirmed const& event) {
    auto const* const incident = require(draft, event.incident);
    if (incident == nullptr) return;
    Run const* run = nullptr;
    for (auto const& candidate : incident->runs) {
        bool const open = candidate.state == RunState::running ||
                          candidate.state == RunState::interrupted ||
                          candidate.state == RunState::verifying;
        if (open) run = &candidate;
    }
    if (run == nullptr) {
        draft.refuse(Errc::conflict, event.incident + " has no run with a step to confirm");
        return;
    }
    auto const run_id = run->id;
    draft.out.reply.run = run_id;
    auto const steps = std::uint32_t(run->steps.size());
    if (event.n == 0 || event.n > steps + run->verify.size()) {
        draft.refuse(Errc::not_found, run_id + " has no step " + std::to_string(event.n));
        return;
    }
    auto const by = event.actor.name;
    if (event.n > steps) {
        auto check = run->verify[event.n - steps - 1];
        bool const manual = run->plan.verify[event.n - steps - 1].kind == CheckKind::manual;
        if (!manual || check.passed || run->state != RunState::verifying) {
            draft.refuse(Errc::conflict, "step " + std::to_string(event.n) + " waits for nobody");
            return;
        }
        if (event.outcome == "not_done") {
            end_run(
                draft, run_id, RunState::failed, by + " says: not so. " + reason_of(event.reason)
            );
            return;
        }
        check.passed = true;
        check.why = event.outcome + ", says " + by;
        auto const service = incident->service;
        draft.write(VerifyProgress{run_id, false, std::move(check)});
        progress(draft, service);
        return;
    }
    auto const& step = run->steps[event.n - 1];
    if (step.state != StepState::waiting && step.state != StepState::unknown) {
        draft.refuse(
            Errc::conflict, "step " + std::to_string(event.n) + " is " + to_string(step.state) +
                                ": nothing to confirm"
        );
        return;
    }
    StepOutcome outcome;
    outcome.text = event.outcome + ", says " + by +
                   (event.reason.empty() ? "" : ": " + reason_of(event.reason));
    bool const interrupted = run->state == RunState::interrupted;
    bool const done = event.outcome != "not_done";
    auto const attempt = step.attempt;
    auto const id = event.incident;
    if (interrupted) {
        draft.write(StepEndedRecord{
            run_id,
            event.n,
            attempt,
            done ? StepState::done : StepState::failed,
            {},
            outcome.text,
            {},
            by
        });
        if (!done) {
            draft.write(RunEnded{run_id, RunState::failed, outcome.text, by});
            set_state(
                draft, id, IncidentState::frozen,
                "the interrupted step was not done; " + by + " decides what follows"
            );
            return;
        }
        set_state(draft, id, IncidentState::acting, "running " + draft.run(run_id).plan.playbook);
        advance(draft, run_id);
        return;
    }
    finish_step(draft, run_id, event.n, done ? StepState::done : StepState::failed, outcome, by);
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
