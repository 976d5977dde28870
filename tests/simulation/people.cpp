// People: they deploy, approve late, twice or wrongly, pause and silence, and in the end tidy up.
#include "tests/simulation/simulation.hpp"

namespace rollbackd::simulation {

using namespace std::chrono_literals;

namespace {

Actor const operator_{"op", "operate"};
Actor const approver{"boss", "approve"};

Run const* waiting(Incident const& incident) {
    for (auto const& run : incident.runs) {
        if (run.state == RunState::waiting) return &run;
    }
    return nullptr;
}

StepRun const* waiting_step(Run const& run, StepState state) {
    for (auto const& step : run.steps) {
        if (step.state == state) return &step;
    }
    return nullptr;
}

}  // namespace

void Simulation::deploy(std::string const& name, bool bad) {
    auto& service = world_.services.at(name);
    DeploymentPosted posted;
    posted.actor = {"ci", "ingest"};
    posted.service = name;
    if (chaos_ && random_.chance(0.12) && service.versions.size() > 1) {
        auto at = service.versions.begin();
        std::advance(at, std::ptrdiff_t(random_.below(service.versions.size())));
        posted.version = at->first;  // an old one once more
        service.running = at->first;
        service.running_since = timeline_.now();
    } else {
        posted.version = world_.deploy(name, bad);
    }
    told(name + ": deployed " + posted.version + (bad ? " (bad)" : ""));
    if (chaos_ && random_.chance(0.05)) return;  // and nobody recorded it
    auto const late = random_.chance(0.2) ? random_.between(1s, 90s) : Duration(0s);
    if (late > 0s && random_.chance(0.7)) posted.started_at = machine_.now().wall;
    if (random_.chance(bad ? 0.02 : 0.12)) posted.known_good = true;
    if (random_.chance(0.1)) posted.schema_compatible = random_.chance(0.7);
    timeline_.after(late, [this, posted] { post_deployment(posted); });
}

void Simulation::post_deployment(DeploymentPosted posted) {
    if (!shell().alive()) return;
    auto const& service = world_.services.at(posted.service);
    if (!random_.chance(0.05)) posted.facts.schema = std::to_string(service.schema);
    bool const twice = random_.chance(0.1);
    shell().submit(posted);
    if (twice)
        timeline_.after(random_.between(0s, 40s), [this, posted] { shell().submit(posted); });
}

void Simulation::people() {
    if (!shell().alive()) return;
    auto const incidents = shell().engine().state().incidents;
    for (auto const& [id, incident] : incidents) {
        if (!shell().alive()) return;
        if (incident->state == IncidentState::resolved) continue;
        if (chaos_) {
            if (random_.chance(0.5)) look_at(*incident, false);
        } else {
            look_at(*incident, true);
            if (shell().alive()) tend(*incident);
        }
    }
    if (chaos_ || !shell().alive()) return;
    auto const& state = shell().engine().state();
    if (state.paused) shell().submit(Resumed{operator_, ""});
    for (auto const& service : scenario_.policy->services) {
        if (!shell().alive()) return;
        if (state.service(service.name).paused) shell().submit(Resumed{operator_, service.name});
    }
}

void Simulation::approve(std::string const& id, Run const& run) {
    auto const hash = random_.chance(chaos_ ? 0.15 : 0) ? std::string(64, 'a') : run.plan.hash;
    bool const twice = random_.chance(0.2);
    auto const question = shell().engine().ask_for(run.plan);
    shell().ask(question, [this, id, hash, twice](Answer const& answer) {
        model_.approved(id, hash);
        model_.answered(id, answer);
        Approved event{approver, id, hash, answer};
        event.force = !answer.preflight.empty() && random_.chance(0.3);
        if (event.force) model_.forced(hash);
        shell().submit(event);
        if (twice && shell().alive()) shell().submit(event);
    });
}

// What is asked of people: approvals, steps and checks that wait for somebody.
void Simulation::look_at(Incident const& incident, bool diligent) {
    auto const id = incident.id;
    if (auto const* const run = waiting(incident)) {
        if (diligent || random_.chance(0.6)) {
            approve(id, *run);
        } else if (random_.chance(0.3)) {
            shell().submit(Rejected{approver, id, random_.chance(0.5) ? run->plan.hash : ""});
        }
        return;
    }
    // The newest is what a confirmation is for.
    for (auto at = incident.runs.rbegin(); at != incident.runs.rend(); ++at) {
        auto const& run = *at;
        bool const interrupted = run.state == RunState::interrupted;
        if (run.state != RunState::running && run.state != RunState::verifying && !interrupted)
            continue;
        auto const* step = waiting_step(run, interrupted ? StepState::unknown : StepState::waiting);
        std::uint32_t n = step == nullptr ? 0 : step->n;
        for (std::size_t i = 0; i < run.verify.size() && run.state == RunState::verifying; ++i) {
            bool const manual = run.plan.verify[i].kind == CheckKind::manual;
            if (manual && !run.verify[i].passed) n = std::uint32_t(run.steps.size() + i + 1);
        }
        if (step != nullptr && step->state == StepState::waiting && step->type != "manual") {
            approve(id, run);
            return;
        }
        bool const done = diligent || random_.chance(0.7);
        if (n > 0)
            shell().submit(StepConfirmed{operator_, id, n, done ? "done" : "not_done", "seen"});
        if (n == 0 && !diligent && random_.chance(0.05)) shell().submit(Aborted{operator_, id});
        return;
    }
    if (diligent) return;
    if (random_.chance(0.1)) shell().submit(Acked{operator_, id});
    if (random_.chance(0.04)) shell().submit(ResolvedBy{operator_, id, "seen to"});
    if (random_.chance(0.03)) shell().submit(VerdictGiven{operator_, id, "false-positive", "no"});
    bool const frozen = incident.state == IncidentState::frozen;
    if (frozen && random_.chance(0.2)) shell().submit(Resumed{operator_, incident.service});
}

// In the end: whoever is called mends what is broken and says so.
void Simulation::tend(Incident const& incident) {
    auto const age = machine_.now().boot - incident.opened_at.boot;
    mend_world(incident.service);
    auto const id = incident.id;
    auto const current = shell().engine().state().incident(id);
    if (current == nullptr) return;
    bool const given_up = current->state == IncidentState::frozen ||
                          current->state == IncidentState::unverified ||
                          (current->state == IncidentState::open && age > 10min);
    if (given_up) shell().submit(ResolvedBy{operator_, id, "mended by hand"});
    for (auto const& duty : current->duties) {
        if (!shell().alive()) return;
        if (duty.state == DutyState::open)
            shell().submit(DutyConfirmed{operator_, id, duty.n, "done", ""});
    }
}

void Simulation::mend_world(std::string const& name) {
    auto& service = world_.services.at(name);
    auto& version = service.versions[service.running];
    version.bad_health = version.bad_requests = false;
    version.schema = service.schema;
}

void Simulation::play_with_switches() {
    if (!shell().alive()) return;
    auto const& names = scenario_.policy->services;
    auto const name = random_.chance(0.3) ? "" : names[random_.below(names.size())].name;
    auto const lasts = random_.between(5s, 60s);
    if (random_.chance(0.5)) {
        told("pause " + name);
        shell().submit(Paused{operator_, name});
        timeline_.after(lasts, [this, name] { shell().submit(Resumed{operator_, name}); });
    } else {
        told("silence " + name);
        shell().submit(SilenceAdded{operator_, name, lasts, "at work"});
    }
}

void Simulation::run_by_hand(std::string const& name) {
    if (!shell().alive()) return;
    auto const* const service = shell().engine().policy().service(name);
    if (service == nullptr) return;
    if (random_.chance(0.3)) {
        auto const& versions = shell().engine().state().service(name).versions;
        for (auto const& [version, known] : versions) {
            if (known.standing != Standing::bad) continue;
            shell().submit(VersionReleased{operator_, name, version, "mended"});
            return;
        }
    }
    if (random_.chance(0.3)) {
        auto const& trigger = service->triggers[random_.below(service->triggers.size())].name;
        shell().submit(Raised{operator_, name, trigger, "a customer called"});
        return;
    }
    if (random_.chance(0.2)) return;  // a dry run
    start_by_hand(name);
}

void Simulation::start_by_hand(std::string const& name) {
    auto const* const service = shell().alive() ? shell().engine().policy().service(name) : nullptr;
    if (service == nullptr) return;
    auto const& playbook = service->playbooks[random_.below(service->playbooks.size())].name;
    auto const plan = shell().engine().plan(name, playbook, {}, machine_.now());
    if (!plan) return;
    told("by hand: " + name + "/" + playbook);
    shell().ask(shell().engine().ask_for(*plan), [this, name, playbook](Answer const& answer) {
        RunAsked event{operator_, name, playbook, "by hand", {}, answer};
        event.force = !answer.preflight.empty() && random_.chance(0.3);
        model_.asked_by_hand(name, playbook, answer, event.force);
        shell().submit(event);
    });
}

// What is rare by chance and would go unseen: somebody who sits at the keyboard is faster than the
// world's answer, and the daemon may die between the two; what a rollback has restored fails in its
// turn.
void Simulation::follow(Record const& record) {
    bool const hasty = record.kind == "incident.asked" && random_.chance(0.04);
    bool const again = record.kind == "incident.recovered" && random_.chance(0.15);
    if (record.kind == "follow_up.told" && random_.chance(0.05)) {
        auto const id = text_of(*parse_json(record.body), "id");
        timeline_.after(random_.between(1s, 20s), [this, id] {
            if (shell().alive()) shell().submit(ResolvedBy{operator_, id, "seen enough"});
        });
    }
    if (!hasty && !again) return;
    auto const body = parse_json(record.body);
    auto const* const incident = shell().engine().state().incident(text_of(*body, "id"));
    if (incident == nullptr) return;
    auto const name = incident->service;
    if (hasty) {
        timeline_.after(0s, [this, name] { start_by_hand(name); });
        if (random_.chance(0.3)) {
            timeline_.after(random_.between(10ms, 500ms), [this] { die_at_once(); });
        }
    }
    if (!again) return;
    timeline_.after(random_.between(10s, 90s), [this, name] {
        if (!chaos_) return;
        told(name + ": down again, for outside reasons");
        world_.services.at(name).down = true;
        timeline_.after(random_.between(20s, 2min), [this, name] {
            world_.services.at(name).down = false;
        });
    });
}

}  // namespace rollbackd::simulation
