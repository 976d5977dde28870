// From a breach to a rung: incidents open and are joined, the world is asked, guards are judged,
// and the first rung that may run does.
#include "engine/guards.hpp"
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

// The most severe firing trigger that still has a rung to try; ties go by file order.
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

Json proof_of(Firing const& firing, Answer const* answer) {
    JsonObject out{
        {"evaluation", to_json(firing.evaluation)}, {"matrix_row", firing.resolved.matrix_row}
    };
    if (answer == nullptr) return out;
    JsonArray failing;
    for (auto const& one : answer->failing) {
        failing.push_back(
            JsonObject{{"service", one.service}, {"signal", one.signal}, {"reason", one.reason}}
        );
    }
    JsonObject told{{"blind", answer->blind}, {"failing", std::move(failing)}};
    if (answer->schema) told["schema"] = *answer->schema;
    if (!answer->schema_error.empty()) told["schema_error"] = answer->schema_error;
    out["answer"] = std::move(told);
    return out;
}

struct Judge {
    Draft& draft;
    std::string id;
    Firing firing;  // a copy: the incident changes under our hands
    Answer const* answer;
    bool propose_only = false;

    void record(Judgement const& judgement, std::string const& playbook) {
        draft.write(IncidentJudged{
            id, firing.trigger, playbook, judgement.guards, judgement.refusals,
            proof_of(firing, answer)
        });
    }

    std::string new_run_id() const { return "RUN-" + std::to_string(draft.state.next_run); }

    Run make_run(Plan plan, std::string reason) const {
        Run run;
        run.id = new_run_id();
        run.incident = id;
        run.reason = std::move(reason);
        run.answers = {firing.trigger};
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

    void propose(Plan plan, std::string why) {
        auto run = make_run(std::move(plan), firing.trigger + ": " + firing.evaluation.why);
        run.state = RunState::waiting;
        run.why = why;
        draft.write(RunPlanned{std::move(run)});
        set_state(draft, id, IncidentState::waiting, std::move(why));
    }

    void act(Plan plan) {
        auto run = make_run(std::move(plan), firing.trigger + ": " + firing.evaluation.why);
        run.state = RunState::running;
        auto const run_id = run.id;
        draft.write(RunPlanned{std::move(run)});
        start_run(draft, run_id, true);
    }

    // Held: people are told; where a plan could help once approved, it is made ready.
    void hold(Refusal first, Judgement const& held_by, Plan const* plan) {
        std::string const why =
            "not acting (" + first.letter + ", " + to_string(first.guard) + "): " + first.text;
        bool const proposes = std::all_of(
            held_by.refusals.begin(), held_by.refusals.end(),
            [](Refusal const& one) {
                return one.guard == Guard::dependency_failing || one.guard == Guard::limit ||
                       one.guard == Guard::cooldown || one.guard == Guard::unstable;
            }
        );
        if (proposes && plan != nullptr) {
            propose(*plan, why);
        } else {
            set_state(draft, id, IncidentState::open, why);
        }
    }

    void climb() {
        auto const service_name = draft.incident(id).service;
        auto const& service = *draft.policy.service(service_name);
        auto ladder = draft.incident(id).ladder;
        bool passed_one = false;
        std::string last_why;
        for (auto const& rung : ladder) {
            if (rung.trigger != firing.trigger) continue;
            if (rung.state == RungState::passed_over) {
                passed_one = true;
                last_why = rung.why;
            }
            if (rung.state != RungState::untried) continue;
            auto const* const playbook = service.playbook(rung.playbook);
            if (playbook == nullptr) {
                draft.write(RungChanged{
                    id, rung.playbook, RungState::passed_over,
                    "the playbook is no longer configured"
                });
                continue;
            }
            bool const harmless =
                playbook->undoes == Undoes::nothing && playbook->data_loss == DataLoss::none;
            if (passed_one && !harmless) {
                last_why = "an earlier rung was passed over, and this one undoes something";
                draft.write(RungChanged{id, rung.playbook, RungState::passed_over, last_why});
                continue;
            }
            auto plan = make_plan(draft.state, service, *playbook, {}, id);
            auto locks = plan ? plan->locks : playbook->locks;
            auto const hold_judgement =
                judge_hold(draft, draft.incident(id), &firing, locks, answer, Wanted::automatic);
            auto judgement = judge_rung(
                draft, draft.incident(id), &firing, *playbook, plan, answer, Wanted::automatic
            );
            judgement.guards.insert(
                judgement.guards.begin(), hold_judgement.guards.begin(), hold_judgement.guards.end()
            );
            if (!propose_only && !hold_judgement.passed()) {
                // Held as a whole; what speaks against this rung besides is told too.
                bool const could_run = judgement.passed() && plan.has_value();
                judgement.refusals.insert(
                    judgement.refusals.begin(), hold_judgement.refusals.begin(),
                    hold_judgement.refusals.end()
                );
                record(judgement, "");
                hold(judgement.refusals.front(), hold_judgement, could_run ? &*plan : nullptr);
                return;
            }
            record(judgement, rung.playbook);
            if (judgement.refusal(Guard::limit) != nullptr) {
                hold(judgement.refusals.front(), judgement, plan ? &*plan : nullptr);
                return;
            }
            if (!judgement.passed()) {
                passed_one = true;
                auto const& refusal = judgement.refusals.front();
                last_why = rung.playbook + " passed over (" + refusal.letter + ", " +
                           to_string(refusal.guard) + "): " + refusal.text;
                // A carried streak may still come to blame the release alone: not given up.
                if (!refusal.carried) {
                    draft.write(RungChanged{id, rung.playbook, RungState::passed_over, last_why});
                }
                continue;
            }
            if (!plan) {
                passed_one = true;
                last_why = rung.playbook + " cannot be planned: " + to_string(plan.error());
                draft.write(RungChanged{id, rung.playbook, RungState::passed_over, last_why});
                continue;
            }
            go(std::move(*plan), service_name);
            return;
        }
        end_of_ladder(last_why);
    }

    void go(Plan plan, std::string const& service) {
        auto const autonomy = effective_autonomy(draft, service, &firing);
        if (propose_only) {
            propose(std::move(plan), "the plan is ready");
        } else if (plan.approval) {
            propose(
                std::move(plan),
                "waiting for approval (f, approval): the playbook may lose data or undoes " +
                    to_string(plan.undoes)
            );
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

    void end_of_ladder(std::string const& why) {
        auto const& incident = draft.incident(id);
        // Another firing trigger may have rungs of its own.
        auto const* const other = next_firing(draft, incident);
        bool const carried = other != nullptr && other->trigger == firing.trigger;
        if (other != nullptr && !carried) {
            consider(draft, id);
            return;
        }
        bool const acted =
            std::any_of(incident.runs.begin(), incident.runs.end(), [](Run const& run) {
                return run.started_at.has_value();
            });
        if (acted) {
            set_state(
                draft, id, IncidentState::frozen,
                "every rung was tried" + (why.empty() ? "" : "; " + why)
            );
        } else {
            set_state(
                draft, id, IncidentState::open,
                why.empty() ? "no rung is left" : "not acting: " + why
            );
        }
    }
};

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
