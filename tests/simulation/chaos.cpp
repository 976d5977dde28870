// What goes wrong, and when: services, networks, disks, clocks, the machine, the daemon itself.
#include "tests/simulation/simulation.hpp"

#include <algorithm>

namespace rollbackd::simulation {

using namespace std::chrono_literals;

namespace {

template <class T>
bool same(T const& a, T const& b) {
    return a == b;
}

template <class T>
bool same(
    std::map<std::string, std::shared_ptr<T const>> const& a,
    std::map<std::string, std::shared_ptr<T const>> const& b
) {
    return std::equal(
        a.begin(), a.end(), b.begin(), b.end(),
        [](auto const& one, auto const& other) {
            return one.first == other.first && *one.second == *other.second;
        }
    );
}

// Every member that is written down.
bool same_state(State const& a, State const& b) {
    bool all = true;
    using Members = boost::describe::describe_members<State, boost::describe::mod_public>;
    boost::mp11::mp_for_each<Members>([&](auto member) {
        all = all && same(a.*member.pointer, b.*member.pointer);
    });
    return all;
}

}  // namespace

void Simulation::set_up() {
    for (auto const& policy : scenario_.policy->services) {
        auto& service = world_.services[policy.name];
        service.name = policy.name;
        world_.tapes[policy.name] = {};
        service.versions["v0"] = {};
        service.running = "v0";
    }
    world_.step_fails = random_.chance(0.3) ? 0.3 : 0.05;
    world_.step_lost = random_.chance(0.3) ? 0.1 : 0.01;
    world_.step_hangs = random_.chance(0.3) ? 0.08 : 0.01;
    world_.no_effect = random_.chance(0.3) ? 0.2 : 0.02;
    world_.delivery_fails = random_.chance(0.3) ? 0.4 : 0.03;
    world_.preflight_hangs = 0.03;
    world_.preflight_lies = 0.05;
    world_.preflight_errs = 0.01;
    // Two machines would reboot one by one: a restart of one is enough.
    reboots_ = random_.chance(0.15) && !shared_;
    steps_ = random_.chance(reboots_ ? 0.3 : 0.7);
    model_.clock_steps = steps_;
    if (shared_) {
        begin_nodes();
    } else {
        shell().start();
    }
    make_noise();
    for (auto const& [name, service] : world_.services) {
        if (random_.chance(0.9)) {
            DeploymentPosted first;
            first.actor = {"ci", "ingest"};
            first.service = name;
            first.version = "v0";
            first.known_good = true;
            post_deployment(std::move(first));
        }
        timeline_.after(random_.between(20s, 60s), [this, name = name] {
            deploy(name, random_.chance(0.5));
        });
    }
    every(random_.between(8s, 40s), [this] {
        if (chaos_) trouble();
    });
    every(random_.between(5s, 25s), [this] { people(); });
    every(10s, [this] {
        model_.look_around(shell().alive() && shell().writable() && !disk_.full && !disk_.deaf);
        compare_with_tapes();
        compare_with_alerts();
    });
    every(3s, [this] { write_tapes(); });
    every(50s, [this] { look_ahead(); });
    watch_elsewhere();
}

// Whoever looks before a playbook is needed; in the end everything is as it should be.
void Simulation::look_ahead() {
    if (!shell().alive()) return;
    auto const policy = shell().engine().policy_ptr();
    for (auto const& service : policy->services) {
        for (auto const& playbook : service.playbooks) {
            bool const objects = chaos_ && looker_.chance(0.2);
            ReadinessSeen seen{service.name, playbook.name, objects ? "a tool is missing" : ""};
            shell().submit(std::move(seen));
            if (!shell().alive()) return;
        }
    }
}

void Simulation::make_noise() {
    for (auto const& [name, service] : world_.services) {
        auto const period = random_.between(2s, 7s);
        every(period, [this, name = name] { push_requests(name); });
    }
}

void Simulation::push_requests(std::string const& name) {
    auto const& service = world_.services.at(name);
    if (!shell().alive() || service.quiet) return;
    Sample sample;
    sample.service = name;
    sample.signal = "requests";
    sample.at = machine_.now().boot;
    OutcomesValue value;
    auto const total = std::uint64_t(random_.in(1, 4));
    if (service.serves(timeline_.now())) {
        value.success = total;
        if (random_.chance(0.01)) value.failure = 1;
    } else {
        value.failure = total;
        if (random_.chance(0.3)) value.success = 1;
    }
    sample.value = value;
    for (auto const& open : scenario_.untrusted) {
        if (open == name && random_.chance(0.05)) sample.trusted = false;
    }
    bring(std::move(sample));
}

void Simulation::trouble() {
    auto const& names = scenario_.policy->services;
    auto const& name = names[random_.below(names.size())].name;
    auto const die = random_.below(100);
    if (die < 45) {
        trouble_in_service(name);
    } else if (die < 62) {
        trouble_outside();
    } else if (die < 80) {
        kill_daemon();
    } else if (die < 84) {
        change_policy(scenario_, random_);
        for (auto& each : shells_) each.file = scenario_.policy;
        told("reload");
        shell().reload();
    } else if (die < 90) {
        play_with_switches();
    } else if (die < 95) {
        run_by_hand(name);
    } else {
        shell().save(true);
    }
}

void Simulation::trouble_in_service(std::string const& name) {
    auto& service = world_.services.at(name);
    auto const lasts = random_.between(10s, 3min);
    auto const off = [&](bool Service::* what, char const* text) {
        told(name + ": " + text);
        service.*what = true;
        timeline_.after(lasts, [this, name, what] { world_.services.at(name).*what = false; });
    };
    switch (random_.below(12)) {
        case 11: {
            static std::vector<std::string> const tools{"rollback", "restart",   "flag-off",
                                                        "restore",  "safe-mode", "evidence"};
            auto const tool = random_.pick(tools);
            told(name + ": nobody has " + tool);
            service.missing.insert(tool);
            timeline_.after(lasts, [this, name, tool] {
                world_.services.at(name).missing.erase(tool);
            });
            break;
        }
        case 10:
            trouble_in_source(name, lasts);
            break;
        case 0:
            off(&Service::down, "down for outside reasons");
            break;
        case 1:
            off(&Service::provider, "its provider fails");
            break;
        case 2:
            off(&Service::flapping, "flaps");
            break;
        case 3:
            off(&Service::quiet, "nobody asks");
            break;
        case 4:
            told(name + ": the schema moves");
            ++service.schema;
            for (auto& [version, known] : service.versions) {
                if (version == service.running) known.schema = service.schema;
            }
            break;
        case 5: {
            auto const gone = random_.below(service.versions.size());
            auto at = service.versions.begin();
            std::advance(at, std::ptrdiff_t(gone));
            at->second.present = false;
            break;
        }
        default:
            deploy(name, random_.chance(0.65));
    }
}

void Simulation::trouble_outside() {
    auto const lasts = random_.between(3s, 90s);
    auto const put = [&](bool& what, char const* text) {
        told(text);
        what = true;
        timeline_.after(lasts, [&what] { what = false; });
    };
    switch (random_.below(6)) {
        case 0:
            put(world_.network_lost, "our own network is lost");
            break;
        case 1:
            put(disk_.full, "the disk is full");
            break;
        case 2:
            disk_.next_unknown = random_.chance(0.5) ? Disk::Unknown::written : Disk::Unknown::lost;
            if (random_.chance(0.3)) put(disk_.deaf, "the disk does not answer");
            break;
        case 3:
            put(world_.references_slow, "answers are slow");
            break;
        case 4: {
            if (!steps_) break;
            auto const by = random_.between(1s, 2h);
            told("the wall clock jumps by " + format_human(by));
            machine_.step_wall_clock(random_.chance(0.5) ? by : -by);
            break;
        }
        default: {
            world_.delivery_fails = 1;
            timeline_.after(lasts, [this] { world_.delivery_fails = 0.05; });
        }
    }
}

void Simulation::kill_daemon() {
    if (!shell().alive() || shell().armed()) return;
    if (random_.chance(0.1)) {
        shell().stop();
        return;
    }
    // Windows are saved every five seconds: they are never older than that when it dies.
    shell().save(random_.chance(0.3));
    shell().arm(CrashPoint(random_.below(crash_points)), random_.in(1, 12));
    auto const again = [this](auto const& self, int left) -> void {
        timeline_.after(5s, [this, self, left] {
            if (!shell().alive() || !shell().armed()) return;
            if (left == 0) {
                shell().crash("at last");
                return;
            }
            shell().save(false);
            self(self, left - 1);
        });
    };
    again(again, 12);
}

void Simulation::die_at_once() {
    if (!shell().alive() || shell().armed()) return;
    shell().save(false);
    shell().crash("at once");
}

void Simulation::restart_daemon() {
    auto const away =
        random_.chance(0.15) ? random_.between(10s, 2min) : random_.between(200ms, 4s);
    ++report_.crashes;
    bool const reboot = reboots_ && random_.chance(0.3);
    if (reboot) {
        ++report_.reboots;
        told("the machine reboots");
        world_.lose_processes();
        for (auto& [name, service] : world_.services)
            service.starting_until = timeline_.now() + away;
    }
    timeline_.after(away, [this, reboot, node = acting_] {
        if (shared_ && (acting_ != node || !shells_[node].take_lease())) {
            stands_by_[node] = true;
            return;
        }
        if (shell().alive()) return;
        if (reboot) {
            rebooted_ = true;
            machine_.reboot(random_.between(2s, 30s));
            if (steps_) machine_.step_wall_clock(random_.between(0s, 2min) - 1min);
            model_.machine_rebooted();
        }
        told("START of the daemon");
        shell().start();
    });
}

void Simulation::calm_down() {
    told("CALM");
    chaos_ = false;
    world_.network_lost = world_.references_slow = false;
    world_.delivery_fails = 0;
    world_.step_fails = world_.step_lost = world_.step_hangs = world_.no_effect = 0;
    world_.preflight_hangs = world_.preflight_lies = world_.preflight_errs = 0;
    disk_.full = disk_.deaf = false;
    disk_.next_unknown = Disk::Unknown::no;
    for (auto& [name, service] : world_.services) {
        service.down = service.provider = service.flapping = service.quiet = false;
        service.missing.clear();
        service.hot = service.old_cert = service.maintenance = service.job_dead = false;
        world_.tapes.at(name).unreadable = false;
    }
    for (auto& [key, source] : world_.sources) mend_source(key);
    if (shared_) calm_nodes();
}

// What the daemon knows is what its journal says, with and without checkpoints.
void Simulation::compare_with_journal() {
    if (!shell().alive() || reboots_ || disk_.records().empty()) return;
    auto const now = machine_.now();
    Engine fresh(scenario_.policy, now, machine_.boot_id());
    for (auto const& record : disk_.records()) fresh.apply(record);
    if (!same_state(fresh.state(), shell().engine().state()))
        model_.fault("B1", "the daemon's state is not what its journal says");
}

}  // namespace rollbackd::simulation
