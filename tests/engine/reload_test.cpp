// What a reload changes under an incident that is open, and what it does not.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

void failed_webhooks(World& world, Duration ago) {
    OutcomesValue const failure{0, 1, 0, "502"};
    world.sample({"shop", "webhooks", world.now.boot - ago, failure, {}, {}, {}, true});
}

void take_triggers_away(World& world) {
    auto less = std::make_shared<Policy>(*world.policy);
    less->services[0].triggers.clear();
    world.policy = less;
    world.engine.set_policy(less, world.now);
}

void restart(World& world) {
    auto const windows = world.engine.save_windows(world.now);
    world.engine = world.replayed();
    REQUIRE(world.engine.load_windows(windows, world.now));
}

void probe(World& world, bool ok, int times) {
    for (int i = 0; i < times; ++i) {
        world.pass(1s);
        world.probe(ok);
    }
}

}  // namespace

TEST_CASE("an incident keeps its trigger though a reload has taken it away: its end is noticed") {
    auto policy = shop_policy();
    policy.services[0].triggers[0].response = Response{ResponseKind::alert, {}};
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    REQUIRE(world.incident()->state == IncidentState::open);
    take_triggers_away(world);
    SECTION("at once") {}
    SECTION("after a restart") { restart(world); }
    probe(world, true, 2);
    CHECK(world.incident()->state == IncidentState::open);
    probe(world, true, 1);
    CHECK(world.incident()->state == IncidentState::resolved);
    world.fail_health(5);
    CHECK(world.incident("INC-2") == nullptr);
}

TEST_CASE(
    "what was not known when its service was resumed acts once it is true again, reload or not"
) {
    World world;
    world.release_v2();
    world.send(Paused{{"op", "operate"}, "shop"});
    world.fail_health(3);
    world.answer();
    REQUIRE(world.has_refusal("f", Guard::paused));
    take_triggers_away(world);
    world.pass(10min);  // nobody can say any more
    world.send(Resumed{{"op", "operate"}, "shop"});
    world.answer();
    REQUIRE(world.incident()->state == IncidentState::open);
    REQUIRE(world.incident()->runs.empty());
    world.fail_health(3);
    REQUIRE(world.answer());
    CHECK(world.incident()->state == IncidentState::acting);
}

// Its record of the deployment stood then, whatever was heard of since.
TEST_CASE("a trigger that a reload has taken away is judged by what was before the deployment too"
) {
    auto policy = shop_policy();
    auto& trigger = policy.services[0].triggers[0];
    trigger.when = condition("failures(webhooks, 10m) >= 3");
    trigger.response = Response{ResponseKind::ladder, {{"code-rollback", {}}}};
    policy.services[0].triggers.resize(1);
    World world(std::move(policy));
    world.release_v2();
    world.pass(5s);
    world.push(true);
    world.deploy("v3");
    world.pass(25s);
    for (int i = 0; i < 3; ++i) failed_webhooks(world, 0s);
    REQUIRE(world.incident() != nullptr);
    for (int i = 0; i < 3; ++i) failed_webhooks(world, 28s);  // late: from before v3
    SECTION("the trigger is there") {}
    SECTION("the trigger is gone") { take_triggers_away(world); }
    REQUIRE(world.answer());
    CHECK(world.has_refusal("b", Guard::bad_before));
    CHECK(world.incident()->runs.empty());
}
