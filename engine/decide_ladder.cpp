// From a breach to a rung: incidents open and are joined, the world is asked, guards are judged,
// and the first rung that may run does.
#include "engine/guards.hpp"
#include "engine/judge.hpp"
#include "engine/planning.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

// Frozen ends only by a person's resolve or resume (A7), whatever comes of what people run by hand
// meanwhile, and though nothing is broken any more.
bool keeps_frozen(Draft const& draft, Incident const& incident) {
    return draft.state.service(incident.service).frozen_by.contains(incident.id);
}

// No playbook runs twice in an incident, whoever asked for it. One that was only passed over for
// another trigger has not run: what speaks against that trigger need not speak against this one.
RungState tried(Incident const& incident, std::string const& playbook) {
    for (auto const& run : incident.runs) {
        if (run.plan.playbook != playbook) continue;
        if (run.state == RunState::waiting) return RungState::waiting;
        if (!run.started_at) continue;
        if (run.state == RunState::succeeded) return RungState::succeeded;
        bool const on = run.state == RunState::running || run.state == RunState::verifying;
        return on ? RungState::running : RungState::failed;
    }
    return RungState::untried;
}

std::vector<LadderRung> rungs_of(Incident const* incident, Firing const& firing) {
    std::vector<LadderRung> out;
    if (firing.resolved.response.kind == ResponseKind::alert) return out;
    for (auto const& rung : firing.resolved.response.rungs) {
        auto const state = incident == nullptr ? RungState::untried : tried(*incident, rung.run);
        out.push_back({rung.run, rung.within, firing.trigger, state, {}});
    }
    return out;
}

// The most severe trigger is answered: a plan that waits for a lesser one gives way.
void give_way(Draft& draft, std::string const& id, Firing const& joined) {
    auto const* const waiting = waiting_run(draft.incident(id));
    if (waiting == nullptr || waiting->manual) return;
    for (auto const& firing : draft.incident(id).triggers) {
        bool const answered =
            std::find(waiting->answers.begin(), waiting->answers.end(), firing.trigger) !=
            waiting->answers.end();
        if (answered && firing.resolved.severity <= joined.resolved.severity) return;
    }
    std::string const why = joined.trigger + " (" + to_string(joined.resolved.severity) +
                            ") is true too, and more severe";
    end_run(draft, std::string(waiting->id), RunState::aborted, "void: " + why);
    set_state(draft, id, IncidentState::open, "the plan is void: " + why);
}

}  // namespace

Firing make_firing(
    Draft const& draft, ServicePolicy const& service, TriggerPolicy const& trigger,
    Evaluation evaluation, std::optional<std::uint64_t> blames
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
    firing.blames = blames;
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
        owed.due_at = later(draft.moment(), duty.deadline);
        draft.write(DutyOwed{id, std::move(owed)});
    }
    return id;
}

void join_incident(Draft& draft, std::string const& id, Firing firing) {
    give_way(draft, id, firing);
    auto rungs = rungs_of(&draft.incident(id), firing);
    draft.write(IncidentJoined{id, std::move(firing), std::move(rungs)});
}

void disturb(Draft& draft, std::string const& service, std::string const& trigger) {
    auto const& known = draft.state.service(service);
    auto const* const deployment = known.window ? known.deployment(*known.window) : nullptr;
    if (deployment == nullptr || deployment->disturbed) return;
    draft.write(Disturbed{service, deployment->id, trigger});
}

void set_state(
    Draft& draft, std::string const& incident, IncidentState state, std::string why,
    std::optional<Moment> until
) {
    auto const& now = draft.incident(incident);
    if (state == IncidentState::open && keeps_frozen(draft, now)) {
        state = IncidentState::frozen;
        until.reset();
    }
    if (now.state == state && now.standing_text == why && !until) return;
    draft.write(StateChanged{incident, state, std::move(why), until});
}

void resolve_incident(
    Draft& draft, std::string const& incident, std::string const& by, std::string const& why
) {
    if (by.empty() && keeps_frozen(draft, draft.incident(incident))) {
        set_state(draft, incident, IncidentState::frozen, why);
        return;
    }
    std::map<std::string, Instant> floors;
    if (!by.empty()) {
        for (auto const& firing : draft.incident(incident).triggers) {
            if (!firing.cleared) floors[firing.trigger] = draft.now.boot;
        }
    }
    draft.write(IncidentResolved{incident, by, why, std::move(floors)});
}

void see_again(Draft& draft, std::string const& id) {
    auto const& service = draft.incident(id).service;
    auto const* const policy = draft.policy.service(service);
    if (policy == nullptr) return;
    std::map<std::string, Instant> floors;
    for (auto const& trigger : policy->triggers) {
        auto const read = trigger.when.signals();
        bool const probes = std::any_of(read.begin(), read.end(), [&](std::string const& name) {
            auto const* const signal = policy->signal(name);
            return signal != nullptr && signal->is_probe;
        });
        if (probes) floors[trigger.name] = draft.now.boot;
    }
    // What was judged blind is over, and so is a question that was asked before.
    auto const refusals = draft.incident(id).refusals;
    for (auto const& refusal : refusals) {
        if (refusal.guard != Guard::blind) continue;
        auto const guards = draft.incident(id).guards;
        draft.write(IncidentJudged{id, refusal.trigger, {}, guards, {}, JsonObject{}});
    }
    reconsider(draft, std::string(service), "a reference answers again", std::move(floors));
}

bool is_blind(Incident const& incident) {
    return std::any_of(
        incident.refusals.begin(), incident.refusals.end(),
        [](Refusal const& refusal) { return refusal.guard == Guard::blind; }
    );
}

void reconsider(
    Draft& draft, std::string const& service, std::string const& why,
    std::map<std::string, Instant> floors
) {
    auto const id = draft.state.service(service).incident;
    auto const* const incident = draft.state.incident(id);
    if (incident == nullptr || incident->triggers.empty()) return;
    if (incident->state != IncidentState::open && incident->state != IncidentState::waiting) return;
    if (active_run(*incident) != nullptr) return;  // a step of it waits for a person
    if (auto const* const waiting = waiting_run(*incident)) {
        end_run(draft, waiting->id, RunState::aborted, "void: " + why);
    }
    draft.write(LadderReopened{id, why, std::move(floors)});
    std::vector<std::string> unsure;
    bool still_true = false;
    for (auto const& firing : std::vector<Firing>(draft.incident(id).triggers)) {
        if (firing.cleared) continue;
        auto const verdict = verdict_now(draft, service, firing, std::nullopt);
        still_true = still_true || verdict == Verdict::true_;
        if (verdict == Verdict::false_) draft.write(TriggerCleared{id, firing.trigger, why});
        if (verdict == Verdict::unknown) unsure.push_back(firing.trigger);
    }
    if (!still_true && unsure.empty()) {
        resolve_incident(draft, id, "", "the service recovered by itself");
        return;
    }
    // Missing data is no breach: who is not known to be true waits for samples (EdgeKind::again).
    if (!still_true) {
        set_state(draft, id, IncidentState::open, "not acting: not known to be true any more");
        return;
    }
    for (auto const& trigger : unsure) {
        draft.write(TriggerCleared{id, trigger, "not known to be true any more"});
    }
    consider(draft, id);
}

Verdict verdict_now(
    Draft const& draft, std::string const& service, Firing const& firing,
    std::optional<Instant> since
) {
    if (firing.raised) return Verdict::true_;  // a person's word stands
    auto const floor = std::max(draft.state.service(service).floor(firing.trigger), since);
    return draft.senses
        .evaluate_text(service, firing.when, firing.rules, floor, draft.state, draft.now)
        .verdict;
}

bool is_still_true(Draft const& draft, std::string const& service, Firing const& firing) {
    return verdict_now(draft, service, firing, std::nullopt) == Verdict::true_;
}

// A run has failed: who joined meanwhile is answered only if still true on fresh samples, and one
// that failed in its steps is followed by no other where nothing is broken any more.
void after_failure(Draft& draft, std::string const& id, Run const& run) {
    auto const service = draft.incident(id).service;
    std::optional<Instant> since;
    if (run.steps_ended_at) since = run.steps_ended_at->boot;
    for (auto const& firing : std::vector<Firing>(draft.incident(id).triggers)) {
        if (firing.cleared) continue;
        bool const answered =
            std::find(run.answers.begin(), run.answers.end(), firing.trigger) != run.answers.end();
        if (answered && since) continue;  // verification has judged it
        auto const verdict = verdict_now(draft, service, firing, since);
        bool const over = verdict == Verdict::false_ || (!answered && verdict != Verdict::true_);
        if (over)
            draft.write(TriggerCleared{id, firing.trigger, "not true after " + run.id, since});
    }
    auto const& triggers = draft.incident(id).triggers;
    bool const all_clear = std::all_of(triggers.begin(), triggers.end(), [](Firing const& firing) {
        return firing.cleared;
    });
    if (all_clear) {
        set_state(
            draft, id, IncidentState::frozen,
            run.id + " failed, though nothing is broken any more: look at what it left half-done"
        );
        return;
    }
    consider(draft, id);
}

// A plan came to nothing; what is true beside it, and that plan would not have answered, is judged.
void answer_others(Draft& draft, std::string const& id, Run const& plan) {
    auto const& answered = plan.answers;
    auto incident = draft.incident(id);
    if (draft.policy.service(incident.service) == nullptr) return;
    // Only what is true acts; what is not known to be is heard of when it is true again, and stands
    // in nobody's way until then.
    std::vector<std::string> unsure;
    for (auto& firing : incident.triggers) {
        if (firing.cleared || is_still_true(draft, incident.service, firing)) continue;
        firing.cleared = true;
        unsure.push_back(firing.trigger);
    }
    auto const* const next = next_firing(draft, incident);
    if (next == nullptr) return;
    bool const others =
        std::find(answered.begin(), answered.end(), next->trigger) == answered.end();
    if (!plan.manual && !others) return;
    for (auto const& trigger : unsure) {
        draft.write(TriggerCleared{id, trigger, "not known to be true any more"});
    }
    consider(draft, id);
}

void free_locks(Draft& draft, std::string const& incident) {
    for (auto const& service : draft.policy.services) {
        auto const id = draft.state.service(service.name).incident;
        auto const* const other = draft.state.incident(id);
        if (other == nullptr || id == incident || other->state != IncidentState::open) continue;
        bool const locked =
            std::any_of(other->refusals.begin(), other->refusals.end(), [](Refusal const& refusal) {
                return refusal.guard == Guard::locked;
            });
        if (locked) reconsider(draft, service.name, "the lock is free");
    }
}

}  // namespace rollbackd
