// Two daemons on one store: which of them acts, and what comes between them.
#include "tests/simulation/simulation.hpp"

namespace rollbackd::simulation {

using namespace std::chrono_literals;

void Simulation::listen_to(std::size_t node) {
    auto& shell = shells_[node];
    shell.on_crash = [this, node] { node_ended(node); };
    shell.on_saved = [this, node] {
        if (node == acting_) saved_alerts_ = alerts_;
    };
    shell.on_record = [this, node](Record const& record) {
        if (chaos_ && node == acting_) follow(record);
    };
}

void Simulation::begin_nodes() {
    ears_[1].muted = true;
    stands_by_[1] = true;
    ensure(shell().take_lease(), "nobody holds a new store");
    shell().start();
    every(Duration(1s), [this] { look_for_lease(); });
    every(pair_.between(10s, 40s), [this] {
        if (chaos_) trouble_between_nodes();
    });
}

void Simulation::node_ended(std::size_t node) {
    if (node == acting_) {
        alerts_ = saved_alerts_;
        restart_daemon();
        return;
    }
    // It has lost its lease: it is started again, and stands by.
    timeline_.after(pair_.between(200ms, 4s), [this, node] { stands_by_[node] = true; });
}

void Simulation::trouble_between_nodes() {
    auto& shell = this->shell();
    auto const node = acting_;
    auto const lasts = pair_.between(1s, 40s);
    auto const go_on = [this, node] { shells_[node].resume(); };
    switch (pair_.below(6)) {
        case 0:
            if (!shell.alive()) break;
            shell.pause();
            timeline_.after(lasts, go_on);
            break;
        case 1:
        case 2:
            // The moment that matters: the intent is durable, nothing has begun.
            if (!shell.alive()) break;
            shell.pause_after_intent();
            timeline_.after(lasts + 5s, go_on);
            break;
        case 3: {
            auto const other = pair_.chance(0.7) ? node : 1 - node;
            told("node " + std::to_string(other) + " cannot reach the store");
            shells_[other].cut_off(true);
            timeline_.after(lasts, [this, other] { shells_[other].cut_off(false); });
            break;
        }
        case 4:
            if (shell.alive() && !shell.armed()) shell.stop();
            break;
        default:
            if (shell.alive()) shell.crash("(node " + std::to_string(node) + ", killed)");
    }
}

void Simulation::look_for_lease() {
    auto const other = 1 - acting_;
    if (!stands_by_[other] || !shells_[other].take_lease()) return;
    take_over(other);
}

// The other one may still run, stand still or not know it yet: nobody listens to it any more.
void Simulation::take_over(std::size_t node) {
    auto& former = shell();
    told("node " + std::to_string(node) + " takes over");
    ++report_.taken_over;
    if (former.lives()) {
        ears_[acting_].daemon_ended(former.saved_at());
        alerts_ = saved_alerts_;
    }
    ears_[acting_].muted = true;
    acting_ = node;
    stands_by_[node] = false;
    ears_[node].muted = false;
    shell().found_saved_at(former.saved_at());
    shell().start();
}

void Simulation::calm_nodes() {
    for (auto& each : shells_) {
        each.cut_off(false);
        each.resume();
    }
}

}  // namespace rollbackd::simulation
