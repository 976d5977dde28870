// Deployments, switches, the clock, and going on after a restart.
#include "actions/template.hpp"
#include "core/names.hpp"
#include "engine/guards.hpp"
#include "engine/head.hpp"
#include "engine/planning.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

using namespace std::chrono_literals;

constexpr Duration started_back_max = 1h;
constexpr Duration clock_skew_max = 1min;
constexpr std::size_t version_max = 200;

bool known_service(Draft& draft, std::string const& name) {
    if (draft.policy.service(name) != nullptr) return true;
    draft.refuse(Errc::not_found, "no service " + printable(name, 64));
    return false;
}

// A rollback has just put this version into effect: whoever records that now tells nothing new, and
// a window for it would let a rollback be rolled back.
bool restored(Draft const& draft, std::string const& service, std::string const& version) {
    auto const window = draft.policy.service(service)->watch_window;
    for (auto const& [id, incident] : draft.state.incidents) {
        if (incident->service != service) continue;
        for (auto const& run : incident->runs) {
            bool const done = run.plan.target == version && run.steps_ended_at.has_value();
            if (done && draft.now.boot < run.steps_ended_at->boot + window) return true;
        }
    }
    return false;
}

// The steps of a rollback ended after this deployment had begun: they may have put their target in
// its place, and then what is good now says nothing for it.
bool perhaps_overwritten(Draft const& draft, std::string const& service, Deployment const& made) {
    for (auto const& [id, incident] : draft.state.incidents) {
        if (incident->service != service) continue;
        for (auto const& run : incident->runs) {
            bool const puts_another = run.plan.target || run.plan.blamed;
            if (!run.started_at || !puts_another) continue;
            if (run.plan.target == made.version) continue;
            auto const& over = run.steps_ended_at ? run.steps_ended_at : run.ended_at;
            if (!over || made.started_at.boot <= over->boot) return true;
        }
    }
    return false;
}

// Recorded late: a rollback that has begun after it was done by then, and is what is in effect.
bool surely_overwritten(Draft const& draft, std::string const& service, Deployment const& made) {
    for (auto const& [id, incident] : draft.state.incidents) {
        if (incident->service != service) continue;
        for (auto const& run : incident->runs) {
            if (run.plan.target == made.version || !has_replaced(run, made)) continue;
            return true;
        }
    }
    return false;
}

ReleaseFacts known_facts(ServiceState const& service, std::string const& version) {
    auto const known = service.versions.find(version);
    return known == service.versions.end() ? ReleaseFacts{} : known->second.facts;
}

// Recorded late: another that began after it has been recorded already, and is what is in effect or
// will be when a run has ended. When a version that a person called known-good was deployed, nobody
// has said; and who tells whole seconds may mean a later moment of the same one.
bool is_history(ServiceState const& service, Deployment const& made) {
    constexpr Duration resolution = 1s;
    auto const overtaken_by = [&](Deployment const* other) {
        return other != nullptr && !other->known_good &&
               made.started_at.boot + resolution <= other->started_at.boot;
    };
    return overtaken_by(service.current_deployment()) ||
           (service.waiting_window && overtaken_by(service.deployment(*service.waiting_window)));
}

// While another is watched, to call a version good says nothing about what runs. What was deployed
// while a run is on may be blamed from its end: that is an open window too.
bool may_replace(ServiceState const& service, std::string const& good) {
    auto const& watched = service.waiting_window ? service.waiting_window : service.window;
    auto const* const deployment = watched ? service.deployment(*watched) : nullptr;
    return deployment == nullptr || deployment->version == good;
}

void reconsider_all(Draft& draft, std::string const& why) {
    for (auto const& service : draft.policy.services) reconsider(draft, service.name, why);
}

// A person lifts the freeze: what is still true is judged again, what is not is over.
void thaw(Draft& draft, std::string const& service, std::string const& by) {
    for (auto const& [trigger, alert] : std::map(draft.state.service(service).alerts)) {
        if (draft.incident(alert).state != IncidentState::frozen) continue;
        set_state(draft, alert, IncidentState::open, "resumed by " + by);
        if (draft.incident(alert).triggers.front().cleared)
            resolve_incident(draft, alert, "", "resumed by " + by);
    }
    auto const id = draft.state.service(service).incident;
    auto const* const incident = draft.state.incident(id);
    if (incident == nullptr) return;
    if (incident->state == IncidentState::frozen) {
        set_state(draft, id, IncidentState::open, "resumed by " + by);
    }
    auto const& ladder = draft.incident(id).ladder;
    bool const left = std::any_of(ladder.begin(), ladder.end(), [](LadderRung const& rung) {
        return rung.state == RungState::untried || rung.state == RungState::passed_over;
    });
    bool const still_true = [&] {
        auto const& triggers = draft.incident(id).triggers;
        return std::any_of(triggers.begin(), triggers.end(), [&](Firing const& firing) {
            auto const verdict =
                draft.senses.judge(service, firing.trigger, draft.state, draft.now).verdict;
            return !firing.cleared && (firing.raised || verdict == Verdict::true_);
        });
    }();
    // Of what nobody knows any more, nothing is said: only what is false is over.
    if (draft.incident(id).triggers.empty()) {
        if (draft.incident(id).state == IncidentState::open &&
            waiting_run(draft.incident(id)) == nullptr)
            resolve_incident(draft, id, "", "resumed by " + by);
    } else if (left || !still_true) {
        reconsider(draft, service, "resumed by " + by);
    }
}

}  // namespace

std::string version_problem(std::string_view version) {
    // Nothing that printable() would have to show: no controls, nothing that turns the writing.
    bool const plain = version.find_first_of(" \t\n") == std::string_view::npos &&
                       printable(version, version.size()) == version;
    bool const fits = !version.empty() && version.size() <= version_max;
    if (!plain || !fits || holds_template(version)) {
        return "expected 1 to 200 printable characters, without spaces or templates";
    }
    if (version.front() == '-') {
        return "must not begin with -; it would read as an option";
    }
    return {};
}

namespace {

void tell_quarantined(Draft& draft, ServicePolicy const& service, std::string const& version) {
    if (is_silenced(draft.state, service.name)) return;
    auto const release = "rollbackctl release " + service.name + " " + shell_word(version);
    queue_message(
        draft, "", "quarantined", service.notify,
        service.name + ": " + short_versions(draft.state.service(service.name))(version) +
            " was deployed again though it is quarantined as bad\n" +
            "rollbackd: recorded it; it stays bad\n" + "Next: it is watched like any other\n" +
            "You: deploy another version, or, if this one is mended: " + release,
        release, Duration::zero()
    );
}

// Some acting trigger of its incident, which may be older than the release, is still true.
bool is_broken(Draft const& draft, std::string const& name) {
    auto const* const incident = draft.state.incident(draft.state.service(name).incident);
    if (incident == nullptr) return false;
    return std::any_of(
        incident->triggers.begin(), incident->triggers.end(),
        [&](Firing const& firing) { return !firing.cleared && is_still_true(draft, name, firing); }
    );
}

/// Recorded while a run is on: its window opens when that ends. Null: nothing.
Deployment const* deployed_meanwhile(ServiceState const& service) {
    return service.waiting_window ? service.deployment(*service.waiting_window) : nullptr;
}

/// Or will be when the run that is on has ended.
bool is_in_effect(ServiceState const& service, std::string const& version) {
    auto const* const waiting = deployed_meanwhile(service);
    return service.current == version || (waiting != nullptr && waiting->version == version);
}

// What the run itself puts into effect says so, too; not once something else was deployed over it.
bool is_own(ServiceState const& service, Run const& run, std::string const& version) {
    if (run.plan.target != version) return false;
    auto const* const waiting = deployed_meanwhile(service);
    return waiting == nullptr || !run.steps_ended_at ||
           waiting->recorded_at.boot <= run.steps_ended_at->boot;
}

}  // namespace

// Baked: still current, undisturbed, its bake over, nothing broken, and fresh good samples say so.
void check_bake(Draft& draft, std::string const& name) {
    auto const* const policy = draft.policy.service(name);
    auto const& service = draft.state.service(name);
    auto const* const deployment = service.window ? service.deployment(*service.window) : nullptr;
    if (policy == nullptr || deployment == nullptr || deployment->disturbed) return;
    // Overtaken, though by now the same version may be in effect again.
    if (deployment->version != service.current || deployed_meanwhile(service)) return;
    auto const version = service.versions.find(deployment->version);
    if (version == service.versions.end() || version->second.standing != Standing::baking) return;
    if (draft.now.boot < deployment->from().boot + policy->bake) return;
    if (perhaps_overwritten(draft, name, *deployment)) return;
    if (!draft.senses.fresh_and_good(name, deployment->started_at.boot, draft.now)) return;
    if (is_broken(draft, name)) return;
    draft.write(KnownGood{
        name, deployment->version, deployment->id,
        "baked " + format_duration(policy->bake) + " undisturbed, samples are good"
    });
}

void on(Draft& draft, DeploymentPosted const& event) {
    if (!known_service(draft, event.service)) return;
    if (auto const problem = version_problem(event.version); !problem.empty()) {
        draft.refuse(Errc::invalid, "version: " + problem);
        return;
    }
    auto started = draft.moment();
    if (event.started_at) {
        auto const age = draft.now.wall - *event.started_at;
        if (age > started_back_max || age < -clock_skew_max) {
            draft.refuse(Errc::invalid, "started_at must lie within the last hour");
            return;
        }
        started.wall = std::min(*event.started_at, draft.now.wall);
        started.boot = to_instant(started.wall, draft.now);
    }
    auto const& policy = *draft.policy.service(event.service);
    auto const& service = draft.state.service(event.service);
    auto const standing = service.versions.find(event.version);
    auto const* const run = run_on(draft.state, event.service);
    auto const* const current = service.current_deployment();
    if (event.seen_at && is_in_effect(service, event.version)) return;

    DeploymentRecorded record;
    record.service = event.service;
    record.quarantined =
        standing != service.versions.end() && standing->second.standing == Standing::bad;
    record.own = run != nullptr && is_own(service, *run, event.version);
    bool const same = service.current == event.version && current != nullptr;
    record.repeated = same && (event.known_good || restored(draft, event.service, event.version) ||
                               draft.now.boot < current->recorded_at.boot + policy.watch_window);
    record.becomes_current =
        !event.known_good || service.current.empty() || may_replace(service, event.version);
    auto& made = record.deployment;
    made.version = event.version;
    made.started_at = started;
    made.recorded_at = draft.moment();
    made.known_good = event.known_good;
    made.schema_compatible = event.schema_compatible;
    made.facts = event.facts;
    made.by = event.actor.name;
    made.seen_at = event.seen_at;
    bool const history = is_history(service, made);
    bool const replaced =
        history || (!event.known_good && surely_overwritten(draft, event.service, made));
    record.repeated = record.repeated || (same && history);
    // What was asked now is told of what is in effect, and not of that.
    if (replaced) made.facts = known_facts(service, event.version);
    record.becomes_current = record.becomes_current && !replaced;
    record.opens_window = !event.known_good && run == nullptr && !replaced;
    made.in_effect = !event.known_good || record.becomes_current;
    for (auto const& trigger : policy.triggers) {
        made.before[trigger.name] = draft.senses.before(
            event.service, trigger.name, trigger.when.text(), started.boot, draft.state
        );
    }
    bool const judged_again =
        !record.repeated && !record.own && run == nullptr && (event.known_good || !replaced);
    bool const quarantined = record.quarantined && !record.own;
    draft.out.reply.deployment = draft.state.seq + 1;
    draft.out.reply.quarantined = quarantined;
    draft.write(std::move(record));
    if (quarantined) tell_quarantined(draft, policy, event.version);
    if (judged_again)
        reconsider(draft, event.service, "a deployment was recorded: " + event.version);
}

void on(Draft& draft, Paused const& event) {
    if (!event.service.empty() && !known_service(draft, event.service)) return;
    bool const already =
        event.service.empty() ? draft.state.paused : draft.state.service(event.service).paused;
    if (!already) draft.write(PausedRecord{event.service, event.actor.name});
}

void on(Draft& draft, Resumed const& event) {
    if (!event.service.empty() && !known_service(draft, event.service)) return;
    draft.write(ResumedRecord{event.service, event.actor.name});
    if (event.service.empty()) {
        reconsider_all(draft, "resumed by " + event.actor.name);
    } else {
        thaw(draft, event.service, event.actor.name);
    }
}

void on(Draft& draft, SilenceAdded const& event) {
    if (!event.service.empty() && !known_service(draft, event.service)) return;
    Silence silence;
    silence.id = "SIL-" + std::to_string(draft.state.next_silence);
    silence.service = event.service;
    silence.reason = printable(event.reason, 500);
    silence.by = event.actor.name;
    silence.from = draft.moment();
    silence.until = draft.moment();
    silence.until.boot += event.for_;
    silence.until.wall += std::chrono::duration_cast<WallTime::duration>(event.for_);
    draft.out.reply.silence = silence.id;
    draft.write(SilenceAddedRecord{std::move(silence)});
}

void end_silence(Draft& draft, Silence const& silence, std::string const& by) {
    draft.write(SilenceEnded{silence.id, silence.service, by});
    for (auto const& service : draft.policy.services) {
        if (!silence.service.empty() && silence.service != service.name) continue;
        if (is_silenced(draft.state, service.name)) continue;
        auto const& known = draft.state.service(service.name);
        std::vector<std::string> open;
        if (!known.incident.empty()) open.push_back(known.incident);
        for (auto const& [trigger, id] : known.alerts) open.push_back(id);
        for (auto const& id : open) {
            auto const& incident = draft.incident(id);
            auto const& firings = incident.triggers;
            bool const broken =
                std::any_of(firings.begin(), firings.end(), [&](Firing const& firing) {
                    return !firing.cleared &&
                           verdict_now(draft, service.name, firing, std::nullopt) !=
                               Verdict::false_;
                });
            // Nobody was told that it waits for a person, whatever is true by now.
            bool const stopped = incident.state == IncidentState::frozen ||
                                 incident.state == IncidentState::unverified;
            if ((!broken && !stopped) || !pages(incident)) continue;
            queue_message(
                draft, id, "incident.opened", service.notify,
                "Still so at the end of a silence: " + message_text(incident),
                head_of(incident).command, Duration::zero()
            );
        }
        reconsider(draft, service.name, "the silence has ended");
    }
}

void on(Draft& draft, SilenceRemoved const& event) {
    for (auto const& silence : std::vector<Silence>(draft.state.silences)) {
        if (silence.id != event.id) continue;
        end_silence(draft, silence, event.actor.name);
        on(draft, Tick{});  // what fell due in it, and nobody was told of
        return;
    }
    draft.refuse(
        Errc::not_found, "no silence " + printable(event.id, 40) + "; see: rollbackctl silences"
    );
}

void on(Draft& draft, VersionReleased const& event) {
    if (!known_service(draft, event.service)) return;
    auto const& versions = draft.state.service(event.service).versions;
    auto const version = versions.find(event.version);
    if (version == versions.end()) {
        draft.refuse(
            Errc::not_found, "no version " + printable(event.version, 80) + " of " + event.service +
                                 " is known; see: rollbackctl versions " + event.service
        );
        return;
    }
    if (version->second.standing != Standing::bad) {
        draft.refuse(Errc::conflict, printable(event.version, 80) + " is not quarantined");
        return;
    }
    draft.write(
        ReleasedRecord{event.service, event.version, event.actor.name, printable(event.reason, 500)}
    );
}

void on(Draft& draft, RequestAnswered const& event) {
    auto request = event.request;
    request.at = draft.moment();
    draft.write(RequestRecord{std::move(request)});
}

void on(Draft& draft, PolicyLoaded const& event) {
    auto const& policy = event.policy ? *event.policy : draft.policy;
    if (draft.state.policy_hash == policy.hash) return;
    draft.write(PolicyLoadedRecord{policy.hash, policy.text, event.actor.name});
}

void on(Draft& draft, BlindEnded const&) {
    for (auto const& service : draft.policy.services) {
        auto const* const incident =
            draft.state.incident(draft.state.service(service.name).incident);
        if (incident == nullptr) continue;
        if (is_blind(*incident)) see_again(draft, incident->id);
    }
}

}  // namespace rollbackd
