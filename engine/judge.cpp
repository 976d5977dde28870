#include "engine/judge.hpp"

#include "engine/live_version.hpp"
#include "engine/planning.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

Json proof_of(
    Firing const& firing, Answer const* answer, Judgement const& judgement,
    std::string const& playbook
) {
    JsonObject out{
        {"evaluation", to_json(firing.evaluation)}, {"matrix_row", firing.resolved.matrix_row}
    };
    if (judgement.before) out["before"] = to_json(*judgement.before);
    if (judgement.beside) out["beside"] = to_json(*judgement.beside);
    if (judgement.blamed) out["blamed"] = to_json(*judgement.blamed);
    if (answer == nullptr) return out;
    JsonArray failing;
    for (auto const& one : answer->failing) {
        failing.push_back(
            JsonObject{{"service", one.service}, {"signal", one.signal}, {"reason", one.reason}}
        );
    }
    JsonObject told{{"blind", answer->blind}, {"failing", std::move(failing)}};
    if (auto looks = looks_at(*answer, playbook); !looks.empty()) told["steps"] = std::move(looks);
    if (answer->schema) told["schema"] = *answer->schema;
    if (!answer->schema_error.empty()) told["schema_error"] = answer->schema_error;
    out["answer"] = std::move(told);
    return out;
}

bool is_harmless(Playbook const& playbook) {
    return playbook.undoes == Undoes::nothing && playbook.data_loss == DataLoss::none;
}

bool could_not_work(Incident const& incident, LadderRung const& rung) {
    auto const& all = incident.refusals;
    return std::any_of(all.begin(), all.end(), [&](Refusal const& one) {
        return one.impossible && one.playbook == rung.playbook && one.trigger == rung.trigger;
    });
}

std::string why_it_asks(Plan const& plan) {
    if (plan.data_loss == DataLoss::certain) return plan.playbook + " loses data";
    if (plan.data_loss == DataLoss::possible) return plan.playbook + " may lose data";
    if (plan.undoes == Undoes::schema || plan.undoes == Undoes::data) {
        return plan.playbook + " undoes " + to_string(plan.undoes);
    }
    return plan.playbook + " asks for a person (approval: true)";
}

// A person has said no to just this plan, for another trigger or before the world changed.
Run const* rejected(Incident const& incident, Plan const& plan) {
    for (auto const& run : incident.runs) {
        bool const refused =
            run.state == RunState::aborted && !run.started_at && !run.manual && !run.by.empty();
        if (refused && run.plan.hash == plan.hash) return &run;
    }
    return nullptr;
}

}  // namespace

Firing const* next_firing(Draft const& draft, Incident const& incident) {
    auto const* const service = draft.policy.service(incident.service);
    auto const order = [&](std::string const& trigger) -> std::size_t {
        if (service == nullptr) return 0;
        for (std::size_t i = 0; i < service->triggers.size(); ++i) {
            if (service->triggers[i].name == trigger) return i;
        }
        return service->triggers.size();
    };
    Firing const* best = nullptr;
    for (auto const& firing : incident.triggers) {
        if (firing.cleared) continue;
        bool const has_rung = std::any_of(
            incident.ladder.begin(), incident.ladder.end(),
            [&](LadderRung const& rung) {
                return rung.trigger == firing.trigger && rung.state == RungState::untried;
            }
        );
        if (!has_rung) continue;
        if (best == nullptr || firing.resolved.severity < best->resolved.severity ||
            (firing.resolved.severity == best->resolved.severity &&
             order(firing.trigger) < order(best->trigger))) {
            best = &firing;
        }
    }
    return best;
}

Run make_run(
    Draft const& draft, std::string const& incident, Plan plan, std::string reason,
    Answer const* answer
) {
    Run run;
    if (answer != nullptr) {
        run.foreseen = foresee(draft.state.service(plan.service), plan, answer->looks).as_of;
    }
    run.id = "RUN-" + std::to_string(draft.state.next_run);
    run.incident = incident;
    run.reason = std::move(reason);
    run.planned_at = draft.moment();
    std::uint32_t n = 0;
    for (auto const* const list : {&plan.steps, &plan.always}) {
        for (auto const& step : *list) {
            StepRun made;
            made.n = ++n;
            made.name = step.name;
            made.type = step.type;
            made.always = list == &plan.always;
            run.steps.push_back(std::move(made));
        }
    }
    for (std::size_t i = 0; i < plan.verify.size(); ++i) {
        run.verify.push_back({std::uint32_t(i + 1), false, false, {}, {}});
    }
    run.plan = std::move(plan);
    return run;
}

void Judge::record(Judgement const& judgement, std::string const& playbook) {
    auto proof = proof_of(firing, answer, judgement, playbook);
    draft.write(IncidentJudged{
        id, firing.trigger, playbook, judgement.guards, judgement.refusals, std::move(proof)
    });
}

void Judge::propose(Plan plan, std::string why, bool storm) {
    auto reason = firing.trigger + ": " + firing.evaluation.why;
    auto run = make_run(draft, id, std::move(plan), std::move(reason), answer);
    run.answers = {firing.trigger};
    run.state = RunState::waiting;
    run.storm = storm;
    run.why = why;
    draft.write(RunPlanned{std::move(run)});
    set_state(draft, id, IncidentState::waiting, std::move(why));
}

void Judge::act(Plan plan) {
    auto reason = firing.trigger + ": " + firing.evaluation.why;
    auto run = make_run(draft, id, std::move(plan), std::move(reason), answer);
    run.answers = {firing.trigger};
    run.state = RunState::running;
    auto const run_id = run.id;
    draft.write(RunPlanned{std::move(run)});
    start_run(draft, run_id, true);
}

void Judge::hold(Refusal first, Judgement const& held_by, Plan const* plan) {
    std::string const why =
        "not acting (" + first.letter + ", " + to_string(first.guard) + "): " + first.text;
    bool const proposes =
        std::all_of(held_by.refusals.begin(), held_by.refusals.end(), [](Refusal const& one) {
            return one.guard == Guard::dependency_failing || one.guard == Guard::limit ||
                   one.guard == Guard::cooldown || one.guard == Guard::unstable;
        });
    bool const storm =
        std::any_of(held_by.refusals.begin(), held_by.refusals.end(), [](Refusal const& one) {
            return one.storm;
        });
    if (proposes && plan != nullptr) {
        propose(*plan, why, storm);
    } else {
        set_state(draft, id, IncidentState::open, why);
    }
}

void Judge::pass_over(LadderRung const& rung, std::string const& why) {
    draft.write(RungChanged{id, rung.playbook, RungState::passed_over, why, rung.trigger});
}

void Judge::climb() {
    auto const ladder = draft.incident(id).ladder;
    bool passed_one = false;
    std::string last_why;
    auto const* const service = draft.policy.service(draft.incident(id).service);
    for (auto const& rung : ladder) {
        if (rung.trigger != firing.trigger) continue;
        if (rung.state == RungState::passed_over) {
            auto const* const playbook = service->playbook(rung.playbook);
            bool const harmless = playbook != nullptr && is_harmless(*playbook);
            bool const no_verdict = harmless && could_not_work(draft.incident(id), rung);
            passed_one = passed_one || !no_verdict;
            last_why = rung.why;
        }
        if (rung.state != RungState::untried) continue;
        if (judge(rung, passed_one, last_why) == Verdict::over) return;
    }
    end_of_ladder(whole_story(last_why));
}

// What could not be carried out is told, whatever was passed over after it.
std::string Judge::whole_story(std::string const& last_why) const {
    auto const& incident = draft.incident(id);
    auto const* const service = draft.policy.service(incident.service);
    std::string out;
    for (auto const& rung : incident.ladder) {
        auto const* const playbook = service->playbook(rung.playbook);
        bool const impossible = rung.state == RungState::passed_over && playbook != nullptr &&
                                is_harmless(*playbook) && could_not_work(incident, rung) &&
                                rung.why != last_why;
        if (rung.trigger == firing.trigger && impossible) out += rung.why + "; ";
    }
    return out + last_why;
}

Judge::Verdict Judge::judge(LadderRung const& rung, bool& passed_one, std::string& last_why) {
    auto const service_name = draft.incident(id).service;
    auto const& service = *draft.policy.service(service_name);
    auto const* const playbook = service.playbook(rung.playbook);
    if (playbook == nullptr) {
        pass_over(rung, "the playbook is no longer configured");
        return Verdict::next;
    }
    bool const harmless = is_harmless(*playbook);
    if (passed_one && !harmless) {
        last_why = "an earlier rung was passed over, and this one undoes something";
        pass_over(rung, last_why);
        return Verdict::next;
    }
    auto plan = make_plan(draft.state, service, *playbook, {}, id);
    bool const asked = answer != nullptr && plan && answer->asked.contains(plan->hash);
    if (plan && asks_steps(*plan) && !asked) {
        ask_for_rung(draft, id, firing, rung.playbook);
        return Verdict::over;
    }
    auto const locks = plan ? plan->locks : playbook->locks;
    auto held = judge_hold(draft, draft.incident(id), &firing, locks, answer, Wanted::automatic);
    if (!harmless) add(held, judge_storm(draft, draft.incident(id), firing));
    auto judgement =
        judge_rung(draft, draft.incident(id), &firing, *playbook, plan, answer, Wanted::automatic);
    bool const could_run = judgement.passed() && plan.has_value();
    judgement.guards.insert(judgement.guards.begin(), held.guards.begin(), held.guards.end());
    if (!propose_only && !held.passed()) {
        // Held as a whole; what speaks against this rung besides is told too.
        judgement.refusals.insert(
            judgement.refusals.begin(), held.refusals.begin(), held.refusals.end()
        );
        record(judgement, "");
        hold(judgement.refusals.front(), held, could_run ? &*plan : nullptr);
        return Verdict::over;
    }
    record(judgement, rung.playbook);
    if (judgement.refusal(Guard::limit) != nullptr) {
        hold(judgement.refusals.front(), judgement, plan ? &*plan : nullptr);
        return Verdict::over;
    }
    if (judgement.passed() && plan) {
        go(std::move(*plan), service_name);
        return Verdict::over;
    }
    // What undoes nothing and cannot be carried out says nothing about the release.
    passed_one = passed_one || !harmless || judgement.passed();
    if (judgement.passed()) {
        last_why = rung.playbook + " cannot be planned: " + to_string(plan.error());
        pass_over(rung, last_why);
        return Verdict::next;
    }
    auto const& refusal = judgement.refusals.front();
    last_why = rung.playbook + " passed over (" + refusal.letter + ", " + to_string(refusal.guard) +
               "): " + refusal.text;
    // A carried streak may still come to blame the release alone: not given up.
    if (!refusal.carried) pass_over(rung, last_why);
    return Verdict::next;
}

void Judge::go(Plan plan, std::string const& service) {
    auto const autonomy = effective_autonomy(draft, service, &firing);
    if (propose_only) {
        propose(std::move(plan), "the plan is ready");
    } else if (plan.approval) {
        auto const why = why_it_asks(plan);
        propose(std::move(plan), "waiting for approval (f, approval): " + why);
    } else if (auto const* const run = rejected(draft.incident(id), plan)) {
        auto const why = run->by + " has rejected the same plan (" + run->id + ")";
        propose(std::move(plan), "waiting for approval (f, approval): " + why);
    } else if (firing.approval) {
        propose(
            std::move(plan), "waiting for approval (f, approval): the trigger asks for a person"
        );
    } else if (autonomy == Autonomy::advise) {
        propose(
            std::move(plan), "waiting for approval (f, autonomy): effective autonomy is advise"
        );
    } else {
        act(std::move(plan));
    }
}

void Judge::end_of_ladder(std::string const& why) {
    auto const& incident = draft.incident(id);
    // Another firing trigger may have rungs of its own.
    auto const* const other = next_firing(draft, incident);
    bool const carried = other != nullptr && other->trigger == firing.trigger;
    if (other != nullptr && !carried) {
        consider(draft, id);
        return;
    }
    bool const acted = std::any_of(incident.runs.begin(), incident.runs.end(), [](Run const& run) {
        return run.started_at.has_value();
    });
    if (acted) {
        set_state(
            draft, id, IncidentState::frozen,
            "every rung was tried" + (why.empty() ? "" : "; " + why)
        );
    } else {
        set_state(
            draft, id, IncidentState::open, why.empty() ? "no rung is left" : "not acting: " + why
        );
    }
}

}  // namespace rollbackd
