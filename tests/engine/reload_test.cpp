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

}  // namespace

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
    SECTION("the trigger is gone") {
        auto less = std::make_shared<Policy>(*world.policy);
        less->services[0].triggers.clear();
        world.policy = less;
        world.engine.set_policy(less, world.now);
    }
    REQUIRE(world.answer());
    CHECK(world.has_refusal("b", Guard::bad_before));
    CHECK(world.incident()->runs.empty());
}
