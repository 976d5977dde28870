// A run that nobody can say of whether it helped, and what else happens meanwhile.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

/// The rollback is done, and nobody pushes anything that would prove it.
World unverified() {
    auto policy = shop_policy();
    policy.services[0].playbooks[0].verify.clear();
    policy.services[0].playbooks[1].approval = true;
    World world(std::move(policy));
    world.release_v2();
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.push(false);
    }
    world.answer();
    world.end_step();
    world.end_step();
    world.pass(3min);
    return world;
}

}  // namespace

TEST_CASE("what could not be verified decides nothing any more once another run has begun") {
    auto world = unverified();
    REQUIRE(world.incident()->state == IncidentState::unverified);
    world.send(RunAsked{{"op", "operate"}, "shop", "payments-off", "by hand", {}, {}});
    REQUIRE(world.incident()->state == IncidentState::waiting);
    auto const plan = world.incident()->runs.back().plan.hash;
    world.send(Approved{{"boss", "approve"}, "INC-1", plan, {}});
    REQUIRE(world.incident()->state == IncidentState::acting);
    CHECK(world.incident()->runs.front().state == RunState::failed);
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.push(true);
    }
    CHECK(world.incident()->state == IncidentState::acting);  // RUN-2 is still on
    REQUIRE(world.end_step());
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.push(true);
    }
    CHECK(world.incident()->state == IncidentState::resolved);
}

TEST_CASE("a plan that waits is void once what could not be verified is") {
    auto world = unverified();
    world.send(RunAsked{{"op", "operate"}, "shop", "payments-off", "by hand", {}, {}});
    REQUIRE(world.incident()->state == IncidentState::waiting);
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.push(true);
    }
    CHECK(world.incident()->state == IncidentState::resolved);
    CHECK(world.incident()->runs.back().state == RunState::aborted);
}

// It was over with its trigger, its run was never, and the release was never watched.
TEST_CASE("an unverified run of a proposal ends by data, and the release of meanwhile is watched") {
    auto policy = shop_policy();
    auto& service = policy.services[0];
    service.playbooks[1].verify = {{CheckKind::until, "ok(health)", 60s, {}, {}, {}}};
    service.triggers[1].response = Response{ResponseKind::propose, {{"payments-off", {}}}};
    World world(std::move(policy));
    world.release_v2();
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.push(false);
    }
    world.answer();
    REQUIRE(world.incident()->state == IncidentState::waiting);
    auto const plan = world.incident()->runs.front().plan.hash;
    world.send(Approved{{"boss", "approve"}, "INC-1", plan, {}});
    REQUIRE(world.end_step());
    world.deploy("v3");
    REQUIRE(world.engine.state().service("shop").waiting_window);
    world.pass(3min);
    REQUIRE(world.incident()->state == IncidentState::unverified);
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.push(true);
    }
    CHECK(world.incident()->runs.front().state == RunState::verifying);
    CHECK(world.incident()->state == IncidentState::unverified);
    world.pass(1s);
    world.probe(true);
    CHECK(world.incident()->runs.front().state == RunState::succeeded);
    CHECK(world.incident()->state == IncidentState::resolved);
    CHECK_FALSE(world.engine.state().service("shop").waiting_window);
    CHECK(world.engine.state().service("shop").window);
}
