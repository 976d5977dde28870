// Plans of a person's own: for what that person saw, not for what fires beside them.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

// Users were sent to staging by hand; what had fired meanwhile was false by then, and the way back
// was void.
TEST_CASE("a person's own plan is not void because what fires beside it is false") {
    auto policy = shop_policy();
    policy.services[0].playbooks[1].approval = true;
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    world.send(RunAsked{{"op", "operate"}, "shop", "payments-off", "by hand", {}, {}});
    world.answer();
    REQUIRE(world.incident()->state == IncidentState::waiting);
    world.pass(1s);
    world.probe(true);
    auto const plan = world.incident()->runs.front().plan.hash;
    world.send(Approved{{"anna", "approve"}, "INC-1", plan, {}});
    CHECK_FALSE(world.reply.error);
    CHECK(world.incident()->runs.front().state == RunState::running);
}

// It was answered by the run of before, which had failed, and waited until nobody could approve it.
TEST_CASE("the same plan can be approved once more after it has failed") {
    auto policy = shop_policy();
    policy.services[0].playbooks[1].approval = true;
    World world(std::move(policy));
    for (char const* const run : {"RUN-1", "RUN-2"}) {
        world.send(RunAsked{{"op", "operate"}, "shop", "payments-off", "by hand", {}, {}});
        auto const plan = world.incident()->runs.back().plan.hash;
        world.send(Approved{{"anna", "approve"}, "INC-1", plan, {}});
        CHECK_FALSE(world.reply.error);
        CHECK(world.reply.run == run);
        CHECK(world.incident()->runs.back().state == RunState::running);
        world.end_step(OutcomeKind::failed);
        CHECK(world.incident()->runs.back().state == RunState::failed);
    }
}
