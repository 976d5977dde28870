#include "engine/guards.hpp"

#include "core/names.hpp"
#include "engine/planning.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

using namespace std::chrono_literals;

struct Bench {
    Draft const& draft;
    Incident const& incident;
    Firing const* firing;
    std::string playbook;
    Judgement out;

    void say(Guard guard, bool passed, std::string text, bool carried = false) {
        out.guards.push_back({guard, letter_of(guard), passed, text});
        if (passed) return;
        out.refusals.push_back(
            {guard, letter_of(guard), std::move(text), playbook,
             firing == nullptr ? "" : firing->trigger, draft.moment(), carried}
        );
    }
};

std::string ago(Draft const& draft, Instant then) {
    return format_human(draft.now.boot - then) + " ago";
}

void judge_switches(Bench& bench, ServiceState const& known, Wanted wanted) {
    auto const& state = bench.draft.state;
    auto const& service = bench.incident.service;
    std::string const resume = "; resume with: rollbackctl resume";
    if (state.paused) {
        bench.say(Guard::paused, false, "paused by " + state.paused_by + resume);
    } else if (known.paused) {
        bench.say(
            Guard::paused, false,
            service + " is paused by " + known.paused_by + resume + " " + service
        );
    } else {
        bench.say(Guard::paused, true, "not paused");
    }
    if (wanted == Wanted::manual) return;
    bool const silenced = is_silenced(state, service);
    bench.say(
        Guard::silenced, !silenced,
        silenced ? service + " is silenced until the silence ends" : "not silenced"
    );
    bool const frozen = !known.frozen_by.empty();
    bench.say(
        Guard::frozen, !frozen,
        frozen ? "frozen by " + known.frozen_by + "; a person ends it with: rollbackctl resume " +
                     service
               : "not frozen"
    );
}

void judge_locks(Bench& bench, std::vector<std::string> const& locks) {
    auto const& state = bench.draft.state;
    for (auto const& [id, other] : state.incidents) {
        auto const* const run = active_run(*other);
        if (run == nullptr) continue;
        if (other->service == bench.incident.service) {
            bench.say(Guard::locked, false, run->id + " is running on " + other->service);
            return;
        }
        for (auto const& lock : locks) {
            auto const& held = run->plan.locks;
            if (std::find(held.begin(), held.end(), lock) == held.end()) continue;
            bench.say(
                Guard::locked, false,
                "lock " + lock + " is held by " + run->id + " on " + other->service
            );
            return;
        }
    }
    bench.say(
        Guard::locked, true, "no other run holds " + bench.incident.service + " or its locks"
    );
}

void judge_limits(Bench& bench, ServicePolicy const& service, ServiceState const& known) {
    auto const& limits = service.limits;
    auto const now = bench.draft.now.boot;
    auto const within = [&](Duration span) {
        return std::uint32_t(std::count_if(
            known.automatic_runs.begin(), known.automatic_runs.end(),
            [&](AutomaticRun const& run) {
                return run.incident != bench.incident.id && now - run.at.boot < span;
            }
        ));
    };
    auto const hour = within(1h);
    auto const day = within(24h);
    bool const passed = hour < limits.runs_per_hour && day < limits.runs_per_day;
    bench.say(
        Guard::limit, passed,
        "automatic runs: " + std::to_string(hour) + " of " + std::to_string(limits.runs_per_hour) +
            " in an hour, " + std::to_string(day) + " of " + std::to_string(limits.runs_per_day) +
            " in a day"
    );
    // Rungs of one incident follow each other without a cooldown.
    bool const same =
        std::any_of(bench.incident.runs.begin(), bench.incident.runs.end(), [](Run const& run) {
            return run.started_at.has_value();
        });
    bool const cooling =
        !same && known.last_run_ended && now - known.last_run_ended->boot < limits.cooldown;
    bench.say(
        Guard::cooldown, !cooling,
        cooling ? "the last run ended " + ago(bench.draft, known.last_run_ended->boot) +
                      ", cooldown is " + format_duration(limits.cooldown)
                : "no run ended within the cooldown of " + format_duration(limits.cooldown)
    );
}

void judge_world(Bench& bench, ServicePolicy const& service, Answer const* answer) {
    if (answer != nullptr && answer->blind) {
        bench.say(Guard::blind, false, "blind: " + answer->blind_text);
    } else {
        bench.say(Guard::blind, true, "our own view is not lost");
    }
    if (bench.firing != nullptr && bench.firing->blame == Blame::any) return;
    std::string failing;
    for (auto const& name : service.depends_on) {
        auto const* const dependency = bench.draft.policy.service(name);
        if (dependency == nullptr) continue;
        for (auto const& signal : dependency->signals) {
            auto const* const window = bench.draft.senses.window(name, signal.name);
            if (signal.kind != SignalKind::state || window == nullptr || !window->newest())
                continue;
            if (is_failure(*window->newest())) failing = name + "/" + signal.name + " failed";
        }
        for (auto const& trigger : dependency->triggers) {
            auto const* const track = bench.draft.senses.track(name, trigger.name);
            bool const acting = is_acting(resolve(bench.draft.policy, *dependency, trigger, {}));
            if (!acting || track == nullptr || track->last.verdict != Verdict::true_) continue;
            failing = name + "/" + trigger.name + " is true";
        }
    }
    if (answer != nullptr) {
        for (auto const& one : answer->failing) {
            failing = one.service + "/" + one.signal +
                      " failed: " + printable_line(one.reason, one.reason.size());
        }
    }
    bench.say(
        Guard::dependency_failing, failing.empty(),
        failing.empty() ? "no dependency is failing" : "a dependency fails too: " + failing
    );
}

void judge_autonomy(Bench& bench) {
    auto const autonomy = effective_autonomy(bench.draft, bench.incident.service, bench.firing);
    bench.say(
        Guard::autonomy, autonomy != Autonomy::observe,
        "effective autonomy is " + to_string(autonomy)
    );
}

// (a) and (b): a deployment to blame, and it was good before.
void judge_blame(Bench& bench, ServicePolicy const& service, ServiceState const& known) {
    auto const* const deployment = known.window ? known.deployment(*known.window) : nullptr;
    if (deployment == nullptr) {
        bench.say(Guard::no_deployment, false, "no deployment to blame is recorded");
        return;
    }
    auto const breach = bench.firing->fired_at.boot;
    bool const recent = breach <= deployment->from().boot + service.watch_window;
    bench.say(
        Guard::no_deployment, recent,
        deployment->version + " started " +
            format_human(std::max(breach - deployment->from().boot, Duration::zero())) +
            " before the breach, watch window is " + format_duration(service.watch_window)
    );
    auto const before = deployment->before.find(bench.firing->trigger);
    bool const good = before != deployment->before.end() && before->second.good();
    if (!good) {
        std::string const why = before == deployment->before.end()
                                    ? "the trigger was not judged then"
                                    : "it was " + to_string(before->second.verdict) + " on " +
                                          std::to_string(before->second.successes) +
                                          " successes (" + before->second.why + ")";
        bench.say(
            Guard::bad_before, false,
            "not known to be good before " + deployment->version + ": " + why
        );
        return;
    }
    auto const blamed_at = [&](Now when) {
        return bench.draft.senses.evaluate_text(
            service.name, bench.firing->when, bench.firing->rules,
            known.floor(bench.firing->trigger), deployment->started_at.boot, bench.draft.state, when
        );
    };
    // Judged at the breach too: while the world was asked afresh, good requests may have brought a
    // ratio back below its threshold, and that makes the release no better than it was. The edge
    // saw it for the deployment known then; one recorded later is judged as of that moment.
    bool const seen = bench.firing->blames == deployment->id;
    auto blamed = blamed_at(bench.draft.now);
    if (!seen && blamed.verdict != Verdict::true_) {
        auto then = blamed_at(Now{breach, bench.firing->fired_at.wall});
        if (then.verdict == Verdict::true_) blamed = std::move(then);
    }
    bool const carried = !seen && blamed.verdict != Verdict::true_ && !bench.firing->raised;
    bench.say(
        Guard::bad_before, !carried,
        carried ? "without the failures before " + deployment->version +
                      " it is not true yet: " + blamed.why
                : "good before " + deployment->version + " (" + before->second.why + "), bad since",
        carried
    );
}

// (d): what the steps themselves say about restoring the target.
void judge_preflight(Bench& bench, Plan const& plan, Answer const* answer) {
    auto const* const preflight = answer == nullptr ? nullptr : [&]() -> std::string const* {
        auto const found = answer->preflight.find(plan.playbook);
        return found == answer->preflight.end() ? nullptr : &found->second;
    }();
    bench.say(
        Guard::no_target, preflight == nullptr,
        preflight == nullptr ? "known-good " + *plan.target + " is present and different"
                             : *plan.target + " cannot be restored: " + *preflight
    );
}

// (e): the schema the target was recorded with is the one in effect.
void judge_schema(
    Bench& bench, ServicePolicy const& service, ServiceState const& known, Plan const& plan,
    Answer const* answer
) {
    auto const* const current = known.current_deployment();
    if (current != nullptr && current->schema_compatible) {
        bench.say(
            Guard::schema_moved, *current->schema_compatible,
            std::string("the deployment was declared schema_compatible: ") +
                (*current->schema_compatible ? "true" : "false")
        );
        return;
    }
    if (service.release.schema_type.empty()) {
        bench.say(Guard::schema_moved, true, "no release.schema is configured");
        return;
    }
    if (answer == nullptr || !answer->schema_asked || !answer->schema) {
        bench.say(
            Guard::schema_moved, false,
            "the schema could not be read: " +
                (answer == nullptr ? std::string("not asked") : answer->schema_error)
        );
        return;
    }
    auto const target = known.versions.find(plan.target.value_or(""));
    if (target == known.versions.end() || !target->second.facts.schema) {
        bench.say(
            Guard::schema_moved, false,
            "the schema of " + plan.target.value_or("the target") + " was not recorded"
        );
        return;
    }
    bool const same = *target->second.facts.schema == *answer->schema;
    bench.say(
        Guard::schema_moved, same,
        "schema now " + printable(*answer->schema, 80) + ", at " + *plan.target + " " +
            printable(*target->second.facts.schema, 80)
    );
}

}  // namespace

Refusal const* Judgement::refusal(Guard guard) const {
    for (auto const& refusal : refusals) {
        if (refusal.guard == guard) return &refusal;
    }
    return nullptr;
}

Autonomy effective_autonomy(Draft const& draft, std::string const& service, Firing const* firing) {
    auto level = draft.policy.daemon.autonomy;
    if (auto const* const known = draft.policy.service(service)) {
        level = std::min(level, known->autonomy);
    }
    if (firing != nullptr) {
        level = std::min(level, firing->autonomy);
        if (draft.state.service(service).demoted.contains(firing->trigger)) {
            level = std::min(level, Autonomy::advise);
        }
    }
    if (draft.senses.untrusted(service)) level = std::min(level, Autonomy::advise);
    return level;
}

Firing const* answered_firing(Incident const& incident, Run const& run) {
    for (auto const& firing : incident.triggers) {
        auto const& answers = run.answers;
        if (std::find(answers.begin(), answers.end(), firing.trigger) != answers.end())
            return &firing;
    }
    return nullptr;
}

Run const* active_run(Incident const& incident) {
    for (auto const& run : incident.runs) {
        if (run.state == RunState::running) return &run;
        if (run.state == RunState::verifying && incident.state == IncidentState::verifying) {
            return &run;
        }
    }
    return nullptr;
}

Run const* waiting_run(Incident const& incident) {
    for (auto const& run : incident.runs) {
        if (run.state == RunState::waiting) return &run;
    }
    return nullptr;
}

Run const* run_on(State const& state, std::string const& service) {
    for (auto const& [id, incident] : state.incidents) {
        if (incident->service != service) continue;
        if (auto const* const run = active_run(*incident)) return run;
    }
    return nullptr;
}

Judgement judge_hold(
    Draft const& draft, Incident const& incident, Firing const* firing,
    std::vector<std::string> const& locks, Answer const* answer, Wanted wanted
) {
    Bench bench{draft, incident, firing, {}, {}};
    auto const* const service = draft.policy.service(incident.service);
    if (service == nullptr) {
        bench.say(Guard::paused, false, "the service is no longer configured");
        return std::move(bench.out);
    }
    auto const& known = draft.state.service(incident.service);
    judge_switches(bench, known, wanted);
    judge_locks(bench, locks);
    if (wanted == Wanted::manual) return std::move(bench.out);
    judge_world(bench, *service, answer);
    if (wanted == Wanted::approved) return std::move(bench.out);
    judge_autonomy(bench);
    judge_limits(bench, *service, known);
    return std::move(bench.out);
}

Judgement judge_step(
    Draft const& draft, Incident const& incident, Firing const* firing, Run const& run,
    Answer const* answer
) {
    Bench bench{draft, incident, firing, run.plan.playbook, {}};
    auto const* const service = draft.policy.service(incident.service);
    auto const& known = draft.state.service(incident.service);
    judge_switches(bench, known, run.manual ? Wanted::manual : Wanted::approved);
    if (service == nullptr) return std::move(bench.out);
    if (!run.manual) judge_world(bench, *service, answer);
    if (!run.plan.target) return std::move(bench.out);
    auto const target = known.versions.find(*run.plan.target);
    bool const bad = target != known.versions.end() && target->second.standing == Standing::bad;
    bench.say(
        Guard::quarantined, !bad,
        *run.plan.target + (bad ? " has been quarantined meanwhile" : " is not quarantined")
    );
    judge_preflight(bench, run.plan, answer);
    if (!run.manual) judge_schema(bench, *service, known, run.plan, answer);
    return std::move(bench.out);
}

Judgement judge_rung(
    Draft const& draft, Incident const& incident, Firing const* firing, Playbook const& playbook,
    Result<Plan> const& plan, Answer const* answer, Wanted wanted
) {
    Bench bench{draft, incident, firing, playbook.name, {}};
    auto const* const service = draft.policy.service(incident.service);
    if (service == nullptr || playbook.undoes != Undoes::release) return std::move(bench.out);
    auto const& known = draft.state.service(incident.service);
    bool const blames =
        firing != nullptr && firing->blame != Blame::any && wanted != Wanted::manual;
    if (blames) judge_blame(bench, *service, known);
    // Without a deployment to blame there is nothing to undo, and no target to look for.
    if (!bench.out.passed() && bench.out.refusals.front().guard == Guard::no_deployment) {
        return std::move(bench.out);
    }

    if (!plan) {
        auto const guard =
            plan.error().code == Errc::conflict ? Guard::quarantined : Guard::no_target;
        bench.say(guard, false, to_string(plan.error()));
        return std::move(bench.out);
    }
    auto const current = known.versions.find(known.current);
    bool const again = wanted == Wanted::automatic && current != known.versions.end() &&
                       current->second.rolled_back;
    if (again) {
        bench.say(
            Guard::limit, false,
            "a rollback from " + known.current + " has already run; a second one is for people"
        );
    }
    judge_preflight(bench, *plan, answer);
    if (wanted != Wanted::manual) judge_schema(bench, *service, known, *plan, answer);
    return std::move(bench.out);
}

}  // namespace rollbackd
