// Holding a store that another daemon may take over, as daemon/decider.cpp and app_life.cpp do it;
// and standing still, as a stopped process, a suspended machine or a long pause of its host does.
#include "tests/simulation/shell.hpp"

namespace rollbackd::simulation {

bool Shell::take_lease() {
    auto const taken = disk().take_lease();
    if (taken) parts_.witness.lease_taken(parts_.node);
    return taken.has_value();
}

void Shell::keep_lease() {
    auto const renewed = disk().renew(parts_.machine.now());
    if (!renewed && renewed.error().code == Errc::conflict) {
        lose(renewed.error().what);
        return;
    }
    writable_ = renewed.has_value() && !retry_at_;
    later(lease_renewed_every, [this] { keep_lease(); });
}

// False: not now, or (it has lost the lease, and does not live any more) never.
bool Shell::may_act() {
    if (!parts_.shared || relies_on(seat_.expires, parts_.machine.now().boot)) return true;
    auto const renewed = disk().renew(parts_.machine.now());
    if (!renewed && renewed.error().code == Errc::conflict) lose(renewed.error().what);
    return renewed.has_value();
}

void Shell::lose(std::string const& why) { crash("(it has lost its lease: " + why + ")"); }

void Shell::pause() {
    parts_.witness.story("node " + std::to_string(parts_.node) + " stands still");
    paused_ = true;
}

void Shell::resume() {
    if (!paused_) return;
    parts_.witness.story("node " + std::to_string(parts_.node) + " goes on");
    paused_ = false;
    auto const life = life_;
    for (auto const& what : std::exchange(slept_, {})) {
        if (lives() && life == life_) what();
    }
}

}  // namespace rollbackd::simulation
