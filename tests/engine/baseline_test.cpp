// baseline(s): the same signal before the deployment, also once that has been taken back.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

TEST_CASE("what must be as before the deployment is compared with that also when it is taken back"
) {
    auto policy = shop_policy();
    auto& shop = policy.services[0];
    SignalPolicy users;
    users.name = "users";
    users.type = "push";
    users.kind = SignalKind::gauge;
    shop.signals.push_back(users);
    shop.triggers[0].when = condition("value(users) < baseline(users)");
    shop.triggers[0].blame = Blame::any;
    shop.playbooks[0].verify.clear();
    World world(std::move(policy));
    auto const count = [&](double value) {
        world.pass(1s);
        world.sample({"shop", "users", world.now.boot, GaugeValue{value}, {}, {}, {}, true});
    };
    world.deploy("v1", true);
    for (int i = 0; i < 5; ++i) count(200);
    world.deploy("v2");
    world.pass(30s);
    count(180);
    world.answer();
    world.end_step();
    world.end_step();
    REQUIRE(world.incident()->state == IncidentState::verifying);
    for (int i = 0; i < 3; ++i) count(190);
    CHECK(world.incident()->state == IncidentState::verifying);
    for (int i = 0; i < 3; ++i) count(200);
    CHECK(world.incident()->state == IncidentState::resolved);
}
