// When a deployment is called known-good, and when not.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

// Its probe failed, then could not say; the log beside it had a good line: known-good.
TEST_CASE("no version is known-good while what was known last of a signal is that it fails") {
    World world;
    world.release_v2();
    auto const standing = [&] {
        return world.engine.state().service("shop").versions.at("v2").standing;
    };
    world.pass(29min);
    world.probe(false);
    world.pass(1min + 40s);
    auto const unknown = [&] {
        world.sample({"shop", "health", world.now.boot, UnknownValue{"garbage"}, {}, {}, {}, true});
    };
    world.probe(false);
    unknown();
    world.push(true, "requests");
    CHECK(standing() == Standing::baking);
    world.probe(true);
    unknown();
    world.push(true, "requests");
    CHECK(standing() == Standing::known_good);
}

TEST_CASE("no version is known-good while a trigger that was true before it still is") {
    auto policy = shop_policy();
    policy.services[0].triggers[0].when = condition("failures(requests, 2h) >= 3");
    World world(std::move(policy));
    world.deploy("v1", true);
    for (int i = 0; i < 3; ++i) world.push(false, "requests");
    world.answer();
    world.pass(1min);
    world.deploy("v2");
    world.answer();
    world.pass(1h);
    world.probe(true);
    world.push(true, "requests");
    auto const& shop = world.engine.state().service("shop");
    REQUIRE_FALSE(shop.deployment(*shop.window)->disturbed);
    CHECK(shop.versions.at("v2").standing == Standing::baking);
    world.pass(1h);
    world.probe(true);
    world.push(true, "requests");
    CHECK(shop.versions.at("v2").standing == Standing::known_good);
}
