// What a person's silence keeps from people, and what its end tells them.
#include "tests/engine/support/interrupted.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

TEST_CASE("the end of a silence tells what is still broken, and nothing of what is not") {
    auto policy = shop_policy();
    policy.services[0].triggers[1].response = Response{ResponseKind::alert, {}};
    World world(std::move(policy));
    world.send(SilenceAdded{anna, "shop", 1min, "work"});
    fail_webhooks(world);
    REQUIRE(world.incident()->state == IncidentState::open);
    bool const mended = GENERATE(false, true);
    if (mended) world.push(true);
    world.pass(2min);
    CHECK(world.engine.state().outbox.empty() == mended);
}

TEST_CASE("the end of a silence pages nobody of a plan that is only proposed") {
    auto policy = shop_policy();
    policy.services[0].triggers[1].response =
        Response{ResponseKind::propose, {{"payments-off", {}}}};
    World world(std::move(policy));
    world.send(SilenceAdded{anna, "shop", 1min, "work"});
    fail_webhooks(world);
    REQUIRE(world.incident() != nullptr);
    world.pass(2min);
    CHECK(world.engine.state().silences.empty());
    CHECK(world.engine.state().outbox.empty());
}

TEST_CASE("what was left frozen in a silence is told of at its end, though nothing fails any more"
) {
    World world;
    world.release_v2();
    world.fail_health(3);
    world.answer();
    world.send(SilenceAdded{anna, "shop", 1min, "work"});
    world.end_step(OutcomeKind::unknown);
    auto const settle = world.take<SettleStep>();
    world.send(StepSettled{settle->run, settle->n, {}});
    REQUIRE(world.incident()->state == IncidentState::frozen);
    auto const before = world.engine.state().next_message;
    for (int i = 0; i < 13; ++i) {
        world.pass(5s);
        world.probe(true);
    }
    REQUIRE(world.engine.state().silences.empty());
    REQUIRE(world.incident()->state == IncidentState::frozen);
    CHECK(world.engine.state().next_message == before + 1);
}
