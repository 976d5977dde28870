// Deployments, switches, the clock, and going on after a restart.
#include "core/names.hpp"
#include "engine/guards.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

using namespace std::chrono_literals;

constexpr Duration started_back_max = 1h;
constexpr Duration clock_skew_max = 1min;
constexpr std::size_t version_max = 200;

bool is_printable_version(std::string const& version) {
    return !version.empty() && version.size() <= version_max &&
           std::all_of(
               version.begin(), version.end(),
               [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; }
           ) &&
           version.find("{{") == std::string::npos;
}

bool known_service(Draft& draft, std::string const& name) {
    if (draft.policy.service(name) != nullptr) return true;
    draft.refuse(Errc::not_found, "no service " + printable(name, 64));
    return false;
}

void reconsider_all(Draft& draft, std::string const& why) {
    for (auto const& service : draft.policy.services) reconsider(draft, service.name, why);
}

// A person lifts the freeze: what is still true is judged again, what is not is over.
void thaw(Draft& draft, std::string const& service, std::string const& by) {
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
    if (left || !still_true) {
        if (!still_true && draft.incident(id).state == IncidentState::open) {
            resolve_incident(draft, id, "", "resumed by " + by + "; nothing is true any more");
            return;
        }
        reconsider(draft, service, "resumed by " + by);
    }
}

}  // namespace

// Baked: still current, undisturbed, its bake over, and fresh good samples say so.
void check_bake(Draft& draft, std::string const& name) {
    auto const* const policy = draft.policy.service(name);
    auto const& service = draft.state.service(name);
    auto const* const deployment = service.window ? service.deployment(*service.window) : nullptr;
    if (policy == nullptr || deployment == nullptr || deployment->disturbed) return;
    if (deployment->version != service.current) return;
    auto const version = service.versions.find(deployment->version);
    if (version == service.versions.end() || version->second.standing != Standing::baking) return;
    if (draft.now.boot < deployment->from().boot + policy->bake) return;
    if (!draft.senses.fresh_and_good(name, deployment->started_at.boot, draft.now)) return;
    draft.write(KnownGood{
        name, deployment->version, deployment->id,
        "baked " + format_duration(policy->bake) + " undisturbed, samples are good"
    });
}

void on(Draft& draft, DeploymentPosted const& event) {
    if (!known_service(draft, event.service)) return;
    if (!is_printable_version(event.version)) {
        draft.refuse(
            Errc::invalid, "a version is 1 to 200 printable characters without spaces or templates"
        );
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

    DeploymentRecorded record;
    record.service = event.service;
    record.quarantined =
        standing != service.versions.end() && standing->second.standing == Standing::bad;
    record.own = run != nullptr && run->plan.target == event.version;
    bool const same = service.current == event.version && current != nullptr;
    record.repeated = same && (event.known_good ||
                               draft.now.boot < current->recorded_at.boot + policy.watch_window);
    auto const* const window = service.window ? service.deployment(*service.window) : nullptr;
    record.becomes_current = !event.known_good || service.current.empty() || window == nullptr ||
                             window->version == event.version;
    record.opens_window = !event.known_good && run == nullptr;
    auto& made = record.deployment;
    made.version = event.version;
    made.started_at = started;
    made.recorded_at = draft.moment();
    made.known_good = event.known_good;
    made.schema_compatible = event.schema_compatible;
    made.facts = event.facts;
    made.by = event.actor.name;
    for (auto const& trigger : policy.triggers) {
        made.before[trigger.name] =
            draft.senses.before(event.service, trigger.name, started.boot, draft.state);
    }
    bool const judged_again = !record.repeated && !record.own && run == nullptr;
    bool const quarantined = record.quarantined && !record.own;
    draft.out.reply.deployment = draft.state.seq + 1;
    draft.out.reply.quarantined = quarantined;
    draft.write(std::move(record));
    if (quarantined && !is_silenced(draft.state, event.service)) {
        queue_message(
            draft, "", "quarantined", policy.notify,
            event.service + ": " + event.version +
                " was deployed again though it is quarantined.\n" +
                "rollbackd recorded it; it stays bad and is watched.\n" +
                "If it is mended, release it; otherwise deploy another version.",
            "rollbackctl release " + event.service + " " + event.version, Duration::zero()
        );
    }
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

namespace {

// The end of a silence tells what is still broken, and judges it again.
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
            std::string what;
            for (auto const& firing : incident.triggers) {
                if (!firing.cleared) what += (what.empty() ? "" : "; ") + firing.evaluation.why;
            }
            queue_message(
                draft, id, "incident.opened", service.notify,
                "The silence on " + service.name + " has ended and it is still broken: " + what +
                    ".\n" + incident.standing_text,
                "rollbackctl explain " + id, Duration::zero()
            );
        }
        reconsider(draft, service.name, "the silence has ended");
    }
}

}  // namespace

void on(Draft& draft, SilenceRemoved const& event) {
    for (auto const& silence : std::vector<Silence>(draft.state.silences)) {
        if (silence.id != event.id) continue;
        end_silence(draft, silence, event.actor.name);
        return;
    }
    draft.refuse(Errc::not_found, "no silence " + printable(event.id, 40));
}

void on(Draft& draft, VersionReleased const& event) {
    if (!known_service(draft, event.service)) return;
    auto const& versions = draft.state.service(event.service).versions;
    auto const version = versions.find(event.version);
    if (version == versions.end()) {
        draft.refuse(
            Errc::not_found,
            "no version " + printable(event.version, 80) + " of " + event.service + " is known"
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

void on(Draft& draft, MessageDelivered const& event) {
    if (!draft.state.outbox.contains(event.id)) return;
    if (event.ok) {
        draft.write(MessageEnded{event.id, MessageState::sent, event.text});
    } else if (event.give_up) {
        draft.write(MessageEnded{event.id, MessageState::dropped, event.text});
    } else {
        draft.write(MessageAttempted{event.id, event.text});
    }
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
        bool const was_blind = std::any_of(
            incident->refusals.begin(), incident->refusals.end(),
            [](Refusal const& refusal) { return refusal.guard == Guard::blind; }
        );
        if (was_blind) reconsider(draft, service.name, "a reference answers again");
    }
}

namespace {

void adopt_run(Draft& draft, Run const& run, Incident const& incident) {
    for (auto const& step : run.steps) {
        if (step.state != StepState::running) continue;
        if (step.type == "wait_until") return;
        auto const& planned = step.n <= run.plan.steps.size()
                                  ? run.plan.steps[step.n - 1]
                                  : run.plan.always[step.n - 1 - run.plan.steps.size()];
        draft.command(
            AdoptStep{run.id, step.n, step.attempt, planned, incident.service, incident.id}
        );
        if (run.aborting) draft.command(AbortStep{run.id, step.n});
        return;
    }
    advance(draft, std::string(run.id));
}

}  // namespace

void on(Draft& draft, Recovered const&) {
    std::string note;
    bool const doubt = draft.state.last_at.wall > draft.now.wall + clock_skew_max;
    if (doubt) note = "the clock stands before the newest record";
    draft.write(RecoveredRecord{ROLLBACKD_VERSION, note});
    for (auto const& service : draft.policy.services) {
        // Doubt counts against acting: nobody knows how old that deployment is.
        if (doubt && draft.state.service(service.name).window) {
            draft.write(WindowClosed{service.name, note});
        }
    }
    std::vector<std::shared_ptr<Incident const>> open;
    for (auto const& [id, incident] : draft.state.incidents) {
        if (incident->state != IncidentState::resolved) open.push_back(incident);
    }
    for (auto const& incident : open) {
        bool busy = false;
        for (auto const& run : incident->runs) {
            if (run.state == RunState::running) {
                busy = true;
                adopt_run(draft, run, *incident);
            } else if (run.state == RunState::verifying) {
                busy = true;
                for (auto check : run.verify) {
                    if (!check.started || check.passed) continue;
                    check.started = false;  // a check may be asked twice
                    draft.write(VerifyProgress{run.id, false, std::move(check)});
                }
            }
        }
        if (!busy && incident->asking) consider(draft, incident->id);
    }
}

namespace {

void time_out_approvals(Draft& draft, std::string const& id) {
    auto const& incident = draft.incident(id);
    auto const* const policy = draft.policy.service(incident.service);
    auto const* const waiting = waiting_run(incident);
    if (waiting == nullptr || policy == nullptr || !waiting->waiting_since) return;
    if (draft.now.boot < *waiting->waiting_since + policy->limits.approval_timeout) return;
    std::string const why =
        "unanswered for " + format_duration(policy->limits.approval_timeout) + ": rejected";
    end_run(draft, waiting->id, RunState::aborted, why);
    draft.write(Escalated{id, why});
    set_state(draft, id, IncidentState::open, why);
}

void tell_overdue(Draft& draft, std::string const& id) {
    for (auto const& duty : std::vector<DutyRun>(draft.incident(id).duties)) {
        bool const due = duty.state == DutyState::open && !duty.overdue_told &&
                         draft.now.boot >= duty.due_at.boot;
        if (!due) continue;
        draft.write(DutyChanged{id, duty.n, DutyState::open, true, "", ""});
        std::vector<std::string> to;
        if (!duty.duty.to.empty()) to.push_back(duty.duty.to);
        queue_message(
            draft, id, "duty.overdue", to,
            "Overdue: " + duty.duty.text + " (due " + format_rfc3339(duty.due_at.wall) + ", " + id +
                ")",
            "rollbackctl confirm " + id + " duty:" + std::to_string(duty.n), Duration::zero()
        );
    }
}

void escalate_late(Draft& draft, std::string const& id) {
    auto const& incident = draft.incident(id);
    auto const* const policy = draft.policy.service(incident.service);
    if (policy == nullptr || incident.escalated || incident.state == IncidentState::resolved)
        return;
    for (auto const& firing : incident.triggers) {
        auto const* const trigger = policy->trigger(firing.trigger);
        if (firing.cleared || trigger == nullptr || !trigger->deadline) continue;
        if (draft.now.boot < firing.fired_at.boot + *trigger->deadline) continue;
        draft.write(Escalated{
            id, firing.trigger + " is not resolved within " + format_duration(*trigger->deadline)
        });
        return;
    }
}

}  // namespace

void on(Draft& draft, Tick const&) {
    for (auto const& silence : std::vector<Silence>(draft.state.silences)) {
        if (draft.now.boot >= silence.until.boot) end_silence(draft, silence, "");
    }
    std::vector<std::string> ids = draft.state.incident_order;
    for (auto const& id : ids) {
        if (draft.state.incident(id) == nullptr) continue;
        if (draft.incident(id).state != IncidentState::resolved) {
            time_out_approvals(draft, id);
            escalate_late(draft, id);
        }
        tell_overdue(draft, id);
    }
    for (auto const& service : draft.policy.services) {
        progress(draft, service.name);
        check_bake(draft, service.name);
    }
}

}  // namespace rollbackd
