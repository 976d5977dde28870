// What a streak says of a recovery, and what it says nothing of.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

// Every probe since the last step had failed, and too few of them yet to be a breach again.
TEST_CASE("a streak that is only too short yet is not false for a while: nothing is verified") {
    auto policy = shop_policy();
    policy.services[0].triggers[0].resolve_after.duration = 5s;
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    world.answer();
    while (world.end_step()) {
    }
    REQUIRE(world.incident()->state == IncidentState::verifying);
    world.pass(3s);
    world.probe(false);
    SECTION("and nothing newer") {}
    SECTION("and its source could not say since") {
        world.pass(1s);
        world.sample({"shop", "health", world.now.boot, UnknownValue{"garbage"}, {}, {}, {}, true});
    }
    world.pass(3s);
    CHECK(world.incident()->state == IncidentState::verifying);
    world.probe(true);
    CHECK(world.incident()->state == IncidentState::resolved);
}

TEST_CASE("what a condition only asks to fail may fail for ever") {
    auto policy = shop_policy();
    policy.services[0].triggers[0].when =
        condition("consecutive_failures(health) >= 3 and failed(queries)");
    auto queries = policy.services[0].signals[0];
    queries.name = "queries";
    policy.services[0].signals.push_back(queries);
    SECTION("for so many good samples") {}
    SECTION("for a while") { policy.services[0].triggers[0].resolve_after.duration = 3s; }
    World world(std::move(policy));
    auto const other = [&world] {
        world.sample(
            {"shop", "queries", world.now.boot, StateValue{false, "", 1ms}, {}, {}, {}, true}
        );
    };
    world.release_v2();
    other();
    world.fail_health(3);
    world.answer();
    world.end_step();
    world.end_step();
    REQUIRE(world.incident()->state == IncidentState::verifying);
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.probe(true);
        other();
    }
    CHECK(world.incident()->state == IncidentState::resolved);
}
