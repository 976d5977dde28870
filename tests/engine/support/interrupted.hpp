// A world whose run nobody knows the outcome of, and what else may break in it: for tests of what
// people decide.
#pragma once

#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

namespace rollbackd::testing {

inline Actor const anna{"anna", "operate"};

inline void fail_webhooks(World& world, int times = 4) {
    for (int i = 0; i < times; ++i) {
        world.pass(1s);
        world.push(false);
    }
}

inline World interrupted() {
    World world;
    world.release_v2();
    world.fail_health(3);
    world.answer();
    world.end_step(OutcomeKind::unknown);
    auto const settle = world.take<SettleStep>();
    world.send(StepSettled{settle->run, settle->n, {}});
    REQUIRE(world.incident()->state == IncidentState::frozen);
    return world;
}

}  // namespace rollbackd::testing
