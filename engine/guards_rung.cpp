// The guards of one rung, (a), (b), (d) and (e), and those of a step that is approved in mid-run.
#include "core/names.hpp"
#include "engine/guards_bench.hpp"
#include "engine/head.hpp"
#include "engine/planning.hpp"
#include "engine/storm.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

using namespace std::chrono_literals;

// The last moment that is surely before a deployment. Logs stamp whole seconds, and so does who
// pushes: what a deployment did in its first one may lie before it.
Instant just_before(
    ServicePolicy const& service, std::string const& when, Deployment const& deployment
) {
    bool exact = true;
    auto const condition = Condition::parse(when);
    for (auto const& name : condition ? condition->signals() : std::vector<std::string>()) {
        auto const* const signal = service.signal(name);
        exact = exact && signal != nullptr && signal->is_probe;
    }
    return deployment.started_at.boot - (exact ? Duration::zero() : Duration(1s));
}

// A breach of the same incident that began before the deployment and goes on. How this trigger
// stood is judged from then: the good times before it would hide in a widened ratio that it was bad
// too.
Firing const* bad_beside_an_older(
    Bench& bench, ServicePolicy const& service, Deployment const& deployment
) {
    for (auto const& firing : bench.incident.triggers) {
        auto const before = deployment.before.find(firing.trigger);
        bool const same = before != deployment.before.end() &&
                          (before->second.when.empty() || before->second.when == firing.when);
        bool const older = same && !firing.cleared && before->second.verdict == Verdict::true_ &&
                           firing.fired_at.boot <= deployment.started_at.boot;
        if (!older || firing.trigger == bench.firing->trigger) continue;
        bench.out.beside = bench.draft.senses.prove_text(
            service.name, bench.firing->when, JudgeRules{1, std::nullopt},
            firing.begun - Duration(1), std::nullopt, bench.draft.state,
            Now{deployment.started_at.boot, deployment.started_at.wall}
        );
        if (bench.out.beside->verdict == Verdict::true_) return &firing;
    }
    return nullptr;
}

// How the condition of this breach stood before the deployment: as its record says, unless a reload
// has changed the trigger in between. Then the record speaks of another condition, and what the
// windows hold is all there is.
Before stood_before(
    Bench const& bench, ServicePolicy const& service, Deployment const& deployment
) {
    auto const& firing = *bench.firing;
    auto const when = just_before(service, firing.when, deployment);
    auto const known_now = [&] {
        return bench.draft.senses.before(
            service.name, firing.trigger, firing.when, when, bench.draft.state
        );
    };
    auto const recorded = deployment.before.find(firing.trigger);
    if (recorded == deployment.before.end()) {
        return {Verdict::unknown, 0, "the trigger was not judged then", firing.when};
    }
    bool const another = !recorded->second.when.empty() && recorded->second.when != firing.when;
    if (another) return known_now();
    if (!recorded->second.good()) return recorded->second;
    // What had begun by then and was heard of only later: a probe that hung, a line read late.
    auto now = known_now();
    return now.verdict == Verdict::true_ ? now : recorded->second;
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
    auto const before = stood_before(bench, service, *deployment);
    bench.out.before = before;
    if (!before.good()) {
        bench.say(
            Guard::bad_before, false,
            "not known to be good before " + deployment->version + ": it was " +
                to_string(before.verdict) + " on " + std::to_string(before.successes) +
                " successes (" + before.why + ")"
        );
        return;
    }
    if (auto const* const older = bad_beside_an_older(bench, service, *deployment)) {
        bench.say(
            Guard::bad_before, false,
            "bad before " + deployment->version + " already, since " + older->trigger +
                " began: " + bench.out.beside->why
        );
        return;
    }
    auto const blamed_at = [&](Now when) {
        return judge_blamed(
            bench.draft.senses, service, bench.firing->when, bench.firing->rules, *deployment,
            known.floor(bench.firing->trigger), bench.draft.state, when
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
    if (!seen) bench.out.blamed = blamed;
    bool const carried = !seen && blamed.verdict != Verdict::true_ && !bench.firing->raised;
    bench.say(
        Guard::bad_before, !carried,
        carried ? "without what was before " + deployment->version +
                      " it is not true yet: " + blamed.why
                : "good before " + deployment->version + " (" + before.why + "), bad since",
        carried
    );
}

// The run that put the present version into effect; null: it was deployed.
Run const* restored_by(State const& state, std::string const& service) {
    auto const& known = state.service(service);
    auto const* const deployed = known.current_deployment();
    Run const* newest = nullptr;
    for (auto const& [id, incident] : state.incidents) {
        if (incident->service != service) continue;
        for (auto const& run : incident->runs) {
            bool const restored = run.steps_ended_at && run.plan.target == known.current;
            if (!restored) continue;
            if (deployed != nullptr && deployed->recorded_at.boot > run.steps_ended_at->boot)
                continue;
            if (newest == nullptr || run.steps_ended_at->boot > newest->steps_ended_at->boot)
                newest = &run;
        }
    }
    return newest;
}

// Never in a loop (A5.3), whatever a policy waives: one that does not help is not helped by
// another.
void judge_repetition(Bench& bench, ServiceState const& known) {
    auto const current = known.versions.find(known.current);
    if (current != known.versions.end() && current->second.rolled_back) {
        bench.say(
            Guard::limit, false,
            "a rollback from " + known.current + " has already run; a second one is for people"
        );
    }
    auto const* const run = restored_by(bench.draft.state, bench.incident.service);
    if (run == nullptr) return;
    bench.say(
        Guard::limit, false,
        known.current + " is in effect by " + run->id +
            "; a rollback is never rolled back, which is for people"
    );
}

// "3 of 5 steps were asked; migrate: no answer in time".
std::string asked_words(Answer const* answer, std::string const& playbook) {
    if (answer == nullptr) return {};
    std::size_t all = 0;
    std::size_t asked = 0;
    std::string open;
    for (auto const& look : answer->looks) {
        if (look.playbook != playbook) continue;
        ++all;
        if (look.found != StepFinding::unasked) ++asked;
        bool const told = look.found == StepFinding::later || look.found == StepFinding::unanswered;
        if (told) open += "; " + look.name + " (" + to_string(look.found) + "): " + look.text;
    }
    if (all == 0) return {};
    return std::to_string(asked) + " of " + std::to_string(all) + " steps asked" +
           printable_line(open, open.size());
}

// (d): what the steps themselves say: about restoring the target, and of a plan that has none about
// carrying it out at all.
void judge_preflight(Bench& bench, Plan const& plan, Answer const* answer) {
    auto const asked = asked_words(answer, plan.playbook);
    auto const* const said = answer == nullptr ? nullptr : [&]() -> std::string const* {
        auto const found = answer->preflight.find(plan.playbook);
        return found == answer->preflight.end() ? nullptr : &found->second;
    }();
    if (said != nullptr) {
        auto const what = plan.target ? *plan.target + " cannot be restored: "
                                      : plan.playbook + " cannot be carried out: ";
        bench.say(Guard::no_target, false, what + printable_line(*said, said->size()));
        bench.out.refusals.back().impossible = true;
        return;
    }
    auto text = plan.target ? "known-good " + *plan.target + " is present and different" : "";
    if (!asked.empty()) text += (text.empty() ? "" : "; ") + asked;
    if (!text.empty()) bench.say(Guard::no_target, true, std::move(text));
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

Evaluation judge_blamed(
    Senses const& senses, ServicePolicy const& service, std::string const& when,
    JudgeRules const& rules, Deployment const& deployment, std::optional<Instant> floor,
    State const& state, Now now
) {
    auto const started = deployment.started_at.boot;
    Now const before{just_before(service, when, deployment), deployment.started_at.wall};
    // As (b) judges what was before: without min_count and confidence.
    JudgeRules const lenient{1, std::nullopt};
    auto const stood = senses.evaluate_text(service.name, when, lenient, floor, state, before);
    if (stood.verdict == Verdict::true_) floor = std::max(floor.value_or(started), started);
    return senses.prove_text(service.name, when, rules, floor, started, state, now);
}

Judgement judge_storm(Draft const& draft, Incident const& incident, Firing const& firing) {
    Bench bench{draft, incident, &firing, {}, {}};
    if (firing.blame == Blame::any || firing.raised) return std::move(bench.out);
    auto const storm = storm_around(draft, incident, firing);
    if (!storm.is_suspected()) return std::move(bench.out);
    if (!storm.lifted_by.empty()) {
        bench.say(Guard::dependency_failing, true, storm.text() + "; " + storm.lifted_by);
        return std::move(bench.out);
    }
    bench.say(
        Guard::dependency_failing, false,
        "a shared cause is suspected, " + storm.text() + "; one approval lets all their plans go"
    );
    bench.out.refusals.back().storm = true;
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
    if (!run.plan.target) {
        judge_preflight(bench, run.plan, answer);
        return std::move(bench.out);
    }
    auto const target = known.versions.find(*run.plan.target);
    bool const bad = target != known.versions.end() && target->second.standing == Standing::bad;
    bench.say(
        Guard::quarantined, !bad,
        *run.plan.target + (bad ? " has been quarantined meanwhile" : " is not quarantined")
    );
    judge_preflight(bench, run.plan, answer);
    bool const keeps_schema = run.plan.undoes == Undoes::release;
    if (!run.manual && keeps_schema) judge_schema(bench, *service, known, run.plan, answer);
    return std::move(bench.out);
}

Judgement judge_rung(
    Draft const& draft, Incident const& incident, Firing const* firing, Playbook const& playbook,
    Result<Plan> const& plan, Answer const* answer, Wanted wanted
) {
    Bench bench{draft, incident, firing, playbook.name, {}};
    auto const* const service = draft.policy.service(incident.service);
    if (service == nullptr) return std::move(bench.out);
    if (!takes_release_back(playbook)) {
        if (plan) judge_preflight(bench, *plan, answer);
        return std::move(bench.out);
    }
    auto const& known = draft.state.service(incident.service);
    // What takes the schema or the data back as well is a person's to approve, who may blame the
    // release for what came to light late, and the schema is to move: (d) alone is asked.
    bool const code_alone = playbook.undoes == Undoes::release;
    bool const blames =
        code_alone && firing != nullptr && firing->blame != Blame::any && wanted != Wanted::manual;
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
    if (wanted == Wanted::automatic) judge_repetition(bench, known);
    judge_preflight(bench, *plan, answer);
    if (wanted != Wanted::manual && code_alone) {
        judge_schema(bench, *service, known, *plan, answer);
    }
    return std::move(bench.out);
}

JsonArray looks_at(Answer const& answer, std::string const& playbook) {
    JsonArray out;
    for (auto const& look : answer.looks) {
        if (look.playbook == playbook) out.push_back(to_json(look));
    }
    return out;
}

JsonObject by_a_person(
    std::string const& how, Actor const& who, Answer const& answer, std::string const& playbook,
    std::string const& forced
) {
    JsonObject out{{how, who.name}};
    if (auto looks = looks_at(answer, playbook); !looks.empty()) out["steps"] = std::move(looks);
    if (!forced.empty()) out["forced"] = forced;
    return out;
}

std::string refusal_of(Judgement const& judgement, std::string const& all_the_same) {
    auto const& first = judgement.refusals.front();
    auto text = refusal_text(first);
    if (first.impossible) text += "; mend that, or go on all the same: " + all_the_same;
    return text;
}

std::string take_objections(Answer& answer) {
    std::string out;
    for (auto const& [playbook, why] : answer.preflight) {
        out += (out.empty() ? "" : "; ") + printable_line(why, why.size());
    }
    answer.preflight.clear();
    return out;
}

}  // namespace rollbackd
