// The guards that hold a whole ladder, and who has a run on. Those of one rung: guards_rung.cpp.
#include "engine/guards_bench.hpp"

#include "core/names.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

using namespace std::chrono_literals;

std::string ago(Draft const& draft, Instant then) {
    return format_human(draft.now.boot - then) + " ago";
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

void judge_stability(Bench& bench) {
    if (bench.firing == nullptr || bench.firing->raised) return;
    auto const* const track =
        bench.draft.senses.track(bench.incident.service, bench.firing->trigger);
    if (track == nullptr) return;
    auto const now = bench.draft.now.boot;
    bool const unstable = track->flapping.is_unstable(now);
    bench.say(
        Guard::unstable, !unstable,
        bench.firing->trigger + (unstable ? " comes and goes by itself: " : ": ") +
            track->flapping.text(now)
    );
}

void judge_autonomy(Bench& bench) {
    auto const autonomy = effective_autonomy(bench.draft, bench.incident.service, bench.firing);
    bench.say(
        Guard::autonomy, autonomy != Autonomy::observe,
        "effective autonomy is " + to_string(autonomy)
    );
}

}  // namespace

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
        frozen ? "frozen by " + known.frozen_text() +
                     "; a person ends it with: rollbackctl resume " + service
               : "not frozen"
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

void add(Judgement& to, Judgement const& from) {
    to.guards.insert(to.guards.end(), from.guards.begin(), from.guards.end());
    to.refusals.insert(to.refusals.end(), from.refusals.begin(), from.refusals.end());
}

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

bool is_run_on(Incident const& incident) {
    return std::any_of(incident.runs.begin(), incident.runs.end(), [](Run const& run) {
        return run.state == RunState::running || run.state == RunState::verifying;
    });
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
    judge_stability(bench);
    judge_autonomy(bench);
    judge_limits(bench, *service, known);
    return std::move(bench.out);
}

}  // namespace rollbackd
