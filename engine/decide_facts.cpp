// What is known of a service beside its samples: whether its playbooks could be run, and which
// modes its steps have left on.
#include "core/names.hpp"
#include "engine/draft.hpp"

namespace rollbackd {

namespace {

constexpr std::size_t why_max = 500;
/// How long ago what a drill is about may have begun.
constexpr Duration drill_age_max = std::chrono::hours(24);

void tell_unready(Draft& draft, ServicePolicy const& service, ReadinessSeen const& event) {
    auto const command = "rollbackctl run " + service.name + " " + event.playbook + " --dry-run";
    queue_message(
        draft, "", "playbook.not_ready", service.notify,
        "P2 " + service.name + ": " + event.playbook +
            " could not be run now: " + printable_line(event.why, why_max) + "\n" +
            "rollbackd: looked before it is needed; nothing is wrong yet\n" +
            "Next: it looks again, and says when it can be run\n" + "You: mend it; see: " + command,
        command, Duration::zero()
    );
}

void tell_ready(Draft& draft, ServicePolicy const& service, std::string const& playbook) {
    queue_message(
        draft, "", "playbook.ready", service.notify,
        service.name + ": " + playbook + " can be run again", "", Duration::zero()
    );
}

// The playbook that switches a mode off again.
std::string way_back(Draft const& draft, std::string const& name, std::string const& mode) {
    auto const* const service = draft.policy.service(name);
    if (service == nullptr) return "";
    for (auto const& playbook : service->playbooks) {
        for (auto const& step : playbook.steps) {
            auto const what = text_of(Json(step.params), "do");
            bool const ends = step.type == mode && (what == "off" || what == "open");
            if (ends) return ": rollbackctl run " + name + " " + playbook.name;
        }
    }
    return "";
}

// The newest of the playbook that was carried out.
Run const* drilled_run(Incident const& incident, std::string const& playbook) {
    Run const* found = nullptr;
    for (auto const& run : incident.runs) {
        if (run.plan.playbook == playbook && run.started_at) found = &run;
    }
    return found;
}

}  // namespace

std::optional<std::string> mode_left_on(Draft const& draft, std::string const& id) {
    auto const& service = draft.incident(id).service;
    for (auto const& [mode, incident] : draft.state.service(service).modes) {
        if (incident == id) return mode + " is still on" + way_back(draft, service, mode);
    }
    return std::nullopt;
}

void on(Draft& draft, ReadinessSeen const& event) {
    auto const* const service = draft.policy.service(event.service);
    if (service == nullptr || service->playbook(event.playbook) == nullptr) return;
    auto const& all = draft.state.service(event.service).readiness;
    auto const known = all.find(event.playbook);
    bool const ready = event.why.empty();
    bool const first = known == all.end();
    bool const was_ready = !first && known->second.ready;
    if (!first && was_ready == ready) return;
    draft.write(
        ReadinessChanged{event.service, event.playbook, ready, printable_line(event.why, why_max)}
    );
    if (is_silenced(draft.state, event.service)) return;
    if (!ready) tell_unready(draft, *service, event);
    if (ready && !first) tell_ready(draft, *service, event.playbook);
}

// Its times are the journal's own; only when the service was broken nobody but the person knows.
void on(Draft& draft, DrillDone const& event) {
    auto const* const incident = require(draft, event.incident);
    if (incident == nullptr) return;
    if (incident->service != event.service) {
        draft.refuse(Errc::invalid, event.incident + " is not of " + printable(event.service, 64));
        return;
    }
    auto const* const run = drilled_run(*incident, event.playbook);
    if (run == nullptr) {
        draft.refuse(
            Errc::conflict,
            event.incident + " has no run of " + printable(event.playbook, 64) + " that was begun"
        );
        return;
    }
    auto const since = [&](Moment const& moment) -> Duration {
        return moment.wall - event.broken_at;
    };
    auto const noticed = since(incident->opened_at);
    if (noticed < Duration::zero() || noticed > drill_age_max) {
        draft.refuse(
            Errc::invalid,
            "broken_at must lie before " + event.incident + " was opened, and not more than a day"
        );
        return;
    }
    if (!run->ended_at) {
        draft.refuse(Errc::conflict, run->id + " is not over yet: " + to_string(run->state));
        return;
    }
    Drill drill;
    drill.incident = event.incident;
    drill.broken_at = {event.broken_at, to_instant(event.broken_at, draft.now)};
    drill.passed = run->state == RunState::succeeded && incident->recovered_at;
    drill.noticed = noticed;
    drill.acted = since(*run->started_at);
    if (drill.passed) {
        drill.recovered = since(*incident->recovered_at);
        drill.passed_at = draft.moment();
    }
    draft.write(DrillRecorded{event.service, event.playbook, std::move(drill), event.actor.name});
}

}  // namespace rollbackd
