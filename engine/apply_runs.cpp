// Records about runs and their steps.
#include "engine/apply.hpp"
#include "engine/live_version.hpp"
#include "engine/planning.hpp"

#include <algorithm>

namespace rollbackd::applying {

namespace {

using namespace std::chrono_literals;

StepRun* step_of(Run& run, std::uint32_t n) {
    return n >= 1 && n <= run.steps.size() ? &run.steps[n - 1] : nullptr;
}

// Time spent waiting for people does not count on the budget.
void stop_waiting(Run& run, Stamp const& stamp) {
    if (!run.waiting_since) return;
    run.people_time += stamp.at.boot - *run.waiting_since;
    run.waiting_since.reset();
}

bool answers(Run const& run, std::string const& trigger) {
    return std::find(run.answers.begin(), run.answers.end(), trigger) != run.answers.end();
}

// The backup is chosen, and with it the release the run goes back to where its plan has left that
// to the backup.
void pin_target(Run& run, StepRun const& step) {
    bool const open = run.plan.undoes == Undoes::schema || run.plan.undoes == Undoes::data;
    if (!open || step.always || step.version.empty()) return;
    auto const& saved = planned_step(run, step.n).save;
    if (!saved.empty() && saved == asks_version_of(run.plan.steps)) run.plan.target = step.version;
}

// A step that was done has switched a mode on, or off again; whatever run it belonged to.
void note_mode(State& state, std::string const& run_id, std::uint32_t n) {
    auto const [incident, run] = state.run(run_id);
    if (run == nullptr) return;
    auto const& step = planned_step(*run, n);
    auto const what = text_of(Json(step.params), "do");
    auto& modes = state.services[incident->service].modes;
    if (step.type != "safe_mode" && step.type != "firewall") return;
    if (what == "on" || what == "close") {
        modes[step.type] = incident->id;
    } else {
        modes.erase(step.type);
    }
}

void set_rung(Incident& incident, std::string const& playbook, RungState state) {
    for (auto& rung : incident.ladder) {
        if (rung.playbook == playbook) rung.state = state;
    }
}

// What was deployed while the run was on is in effect, and may be blamed from now on; but not what
// had been deployed before the run began, and was only recorded while it was on.
void open_waiting_window(ServiceState& service, Run const& run, Stamp const& stamp) {
    for (auto& deployment : service.deployments) {
        if (deployment.id != *service.waiting_window) continue;
        if (has_replaced(run, deployment)) {
            auto& version = service.versions[deployment.version];
            if (version.standing == Standing::baking) version.standing = Standing::superseded;
            break;
        }
        deployment.window_from = stamp.at;
        service.current = deployment.version;
        note_in_effect(service, deployment.version, stamp.at);
        service.window = service.waiting_window;
        break;
    }
    service.waiting_window.reset();
}

}  // namespace

void apply(State& state, RunPlanned const& body, Stamp const& stamp) {
    change_incident(state, body.run.incident, [&](Incident& incident) {
        auto run = body.run;
        if (run.state == RunState::waiting) run.waiting_since = stamp.at.boot;
        set_rung(
            incident, run.plan.playbook,
            run.state == RunState::waiting ? RungState::waiting : RungState::running
        );
        if (run.plan.blamed) incident.blamed = run.plan.blamed;
        incident.runs.push_back(std::move(run));
    });
    ++state.next_run;
}

void apply(State& state, RunApproved const& body, Stamp const& stamp) {
    change_run(state, body.run, [&](Incident&, Run& run) {
        run.by = body.by;
        stop_waiting(run, stamp);
    });
}

void apply(State& state, RunStarted const& body, Stamp const& stamp) {
    std::string service;
    std::string incident_id;
    change_run(state, body.run, [&](Incident& incident, Run& run) {
        service = incident.service;
        incident_id = incident.id;
        run.state = RunState::running;
        run.started_at = stamp.at;
        run.automatic = body.automatic;
        run.people_time = {};  // what was waited before it began is not on its budget anyway
        if (!incident.acted_at) incident.acted_at = stamp.at;
        set_rung(incident, run.plan.playbook, RungState::running);
        for (auto const& rung : incident.ladder) {
            bool const own = rung.playbook == run.plan.playbook && answers(run, rung.trigger);
            if (own && rung.within) run.recover_by = stamp.at.boot + *rung.within;
        }
    });
    if (!body.automatic || service.empty()) return;
    auto& runs = state.services[service].automatic_runs;
    std::erase_if(runs, [&](AutomaticRun const& old) { return stamp.at.boot - old.at.boot > 24h; });
    bool const counted = std::any_of(runs.begin(), runs.end(), [&](AutomaticRun const& known) {
        return known.incident == incident_id;
    });
    if (!counted) runs.push_back({incident_id, stamp.at});
}

void apply(State& state, StepIntent const& body, Stamp const& stamp) {
    change_run(state, body.run, [&](Incident&, Run& run) {
        stop_waiting(run, stamp);
        auto* const step = step_of(run, body.n);
        if (step == nullptr) return;
        step->state = StepState::running;
        step->attempt = body.attempt;
        step->node = state.node;
        if (!step->started_at) step->started_at = stamp.at;
    });
}

void apply(State& state, StepWaiting const& body, Stamp const& stamp) {
    change_run(state, body.run, [&](Incident&, Run& run) {
        run.waiting_since = stamp.at.boot;
        auto* const step = step_of(run, body.n);
        if (step == nullptr) return;
        step->state = StepState::waiting;
        step->text = body.text;
        if (!step->started_at) step->started_at = stamp.at;
    });
}

void apply(State& state, StepEndedRecord const& body, Stamp const& stamp) {
    std::string thawed;
    change_run(state, body.run, [&](Incident& incident, Run& run) {
        stop_waiting(run, stamp);
        auto* const step = step_of(run, body.n);
        if (step == nullptr) return;
        step->state = body.state;
        step->exit = body.exit;
        step->text = body.text;
        step->saved = body.saved;
        step->confirmed_by = body.by;
        step->ended_at = stamp.at;
        step->as_of = body.as_of;
        step->version = body.version;
        step->no_version = body.no_version;
        pin_target(run, *step);
        // A person settled what nobody could know: the run goes on.
        if (run.state == RunState::interrupted && body.state == StepState::done) {
            run.state = RunState::running;
            run.ended_at.reset();
            thawed = incident.service;
        }
    });
    if (body.state == StepState::done) note_mode(state, body.run, body.n);
    if (thawed.empty()) return;
    state.services[thawed].frozen_by.erase(state.run(body.run).first->id);
}

void apply(State& state, AbortAsked const& body, Stamp const&) {
    change_run(state, body.run, [&](Incident&, Run& run) {
        if (run.aborting) return;
        run.aborting = true;
        run.abort_why = body.why.empty() ? "aborted by " + body.by : body.why;
    });
}

void apply(State& state, RunVerifying const& body, Stamp const& stamp) {
    std::string service_name;
    std::optional<std::string> target;
    change_run(state, body.run, [&](Incident& incident, Run& run) {
        run.state = RunState::verifying;
        run.steps_ended_at = stamp.at;
        service_name = incident.service;
        target = run.plan.target;
    });
    if (!target || service_name.empty()) return;
    // What was restored is in effect again; it opens no window, so a rollback is never rolled back.
    auto& service = state.services[service_name];
    service.current = *target;
    service.window.reset();
    note_in_effect(service, *target, stamp.at);
}

void apply(State& state, VerifyProgress const& body, Stamp const&) {
    change_run(state, body.run, [&](Incident& incident, Run& run) {
        auto& checks = body.success_list ? incident.success : run.verify;
        for (auto& check : checks) {
            if (check.n == body.check.n) check = body.check;
        }
    });
}

void apply(State& state, RunEnded const& body, Stamp const& stamp) {
    std::string service_name;
    bool automatic = false;
    change_run(state, body.run, [&](Incident& incident, Run& run) {
        stop_waiting(run, stamp);
        run.state = body.state;
        run.ended_at = stamp.at;
        run.why = body.why;
        service_name = incident.service;
        automatic = run.automatic;
        for (auto& step : run.steps) {
            if (body.state == RunState::interrupted) continue;
            if (step.state == StepState::pending) step.state = StepState::skipped;
        }
        if (run.started_at) {
            bool const good = body.state == RunState::succeeded;
            set_rung(incident, run.plan.playbook, good ? RungState::succeeded : RungState::failed);
            return;
        }
        bool const rejected = !body.by.empty();
        if (rejected && !run.manual) run.by = body.by;
        // It never ran: passed over for the trigger it would have answered, and free for the
        // others, unless a person has said no to it.
        for (auto& rung : incident.ladder) {
            if (rung.playbook != run.plan.playbook || rung.state != RungState::waiting) continue;
            // A playbook that has run in this incident does not become untried by a plan for it
            // that came to nothing.
            auto const ran =
                std::find_if(incident.runs.begin(), incident.runs.end(), [&](Run const& other) {
                    return other.started_at && other.plan.playbook == rung.playbook;
                });
            if (ran != incident.runs.end()) {
                bool const good = ran->state == RunState::succeeded;
                rung.state = good ? RungState::succeeded : RungState::failed;
                continue;
            }
            bool const over = rejected || answers(run, rung.trigger);
            rung.state = over ? RungState::passed_over : RungState::untried;
            if (rejected) rung.why = body.why;
        }
    });
    if (service_name.empty()) return;
    auto& service = state.services[service_name];
    if (automatic) service.last_run_ended = stamp.at;
    auto const* const ended = state.run(body.run).second;
    bool const was_on = ended != nullptr && ended->started_at;
    if (was_on && service.waiting_window) open_waiting_window(service, *ended, stamp);
}

}  // namespace rollbackd::applying
