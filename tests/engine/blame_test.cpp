// What makes a deployment to blame (A6 b), at the edges.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

Sample requests(World const& world, std::uint64_t success, std::uint64_t failure) {
    Sample sample;
    sample.service = "shop";
    sample.signal = "requests";
    sample.at = world.now.boot;
    OutcomesValue counts;
    counts.success = success;
    counts.failure = failure;
    sample.value = counts;
    return sample;
}

/// v2 has just been deployed on a busy site whose trigger is more than 1 % of failures.
World busy_site() {
    auto policy = shop_policy();
    TriggerPolicy errors;
    errors.name = "errors";
    errors.when = condition("failure_ratio(requests, 5m) > 1%");
    errors.rules.min_count = 100;
    errors.severity = Severity::P0;
    errors.response = Response{ResponseKind::ladder, {{"code-rollback", {}}}};
    policy.services[0].triggers = {errors};
    World world(std::move(policy));
    world.deploy("v1", true);
    world.pass(1min);
    world.sample(requests(world, 900, 0));
    world.deploy("v2");
    world.pass(1min);
    return world;
}

}  // namespace

TEST_CASE("a ratio that good requests dilute while the world is asked still rolls the release back"
) {
    auto world = busy_site();
    world.sample(requests(world, 80, 10));
    REQUIRE(world.incident() != nullptr);
    world.sample(requests(world, 100, 0));  // 10 of 1090: below the threshold again
    REQUIRE(world.answer());
    CHECK_FALSE(world.has_refusal("b", Guard::bad_before));
    CHECK(world.incident()->state == IncidentState::acting);
}

TEST_CASE("a streak carried over a deployment is not blamed on it until the blamed part is enough"
) {
    World world;
    world.release_v2();
    world.push(true);
    for (int i = 0; i < 3; ++i) {
        world.pass(1s);
        world.push(false);
    }
    world.deploy("v3");
    world.pass(25s);
    world.push(false);
    REQUIRE(world.answer());
    CHECK(world.has_refusal("b", Guard::bad_before));
}

TEST_CASE("a success in the very second of the breach does not acquit a release of its streak") {
    World world;
    world.release_v2();
    for (int i = 0; i < 4; ++i) world.push(false);
    world.push(true);  // a log stamps whole seconds: the same event time
    REQUIRE(world.answer());
    CHECK_FALSE(world.has_refusal("b", Guard::bad_before));
    CHECK(world.incident()->state == IncidentState::acting);
}

TEST_CASE("for a deployment recorded later the breach is judged as of its own moment") {
    auto world = busy_site();
    world.send(DeploymentPosted{{}, "shop", "v1", {}, true, {}, {}});  // back on v1, no window
    world.pass(2h);
    world.sample(requests(world, 900, 0));
    auto const started = world.now.wall;
    world.pass(1min);
    world.sample(requests(world, 80, 10));
    world.answer();
    REQUIRE(world.incident() != nullptr);
    REQUIRE(world.incident()->runs.empty());
    world.send(DeploymentPosted{{}, "shop", "v3", started, false, {}, {}});
    world.pass(1s);
    world.sample(requests(world, 1000, 0));  // while the world is asked
    REQUIRE(world.answer());
    CHECK_FALSE(world.has_refusal("a", Guard::no_deployment));
    CHECK_FALSE(world.has_refusal("b", Guard::bad_before));
}

TEST_CASE("a failure at the very moment of the deployment is not blamed on it, one after it is") {
    auto policy = shop_policy();
    policy.services[0].triggers[1].response =
        Response{ResponseKind::ladder, {{"code-rollback", {}}}};
    World world(std::move(policy));
    world.release_v2();
    world.push(true);
    world.pass(1s);
    world.push(false);
    world.deploy("v3");  // at the same instant as that failure
    world.pass(25s);
    for (int i = 0; i < 3; ++i) world.push(false);
    REQUIRE(world.answer());
    CHECK(world.has_refusal("b", Guard::bad_before));  // 4 in a row, 3 of them v3's
    CHECK(world.incident()->runs.empty());
    world.push(false);  // the fourth of its own
    REQUIRE(world.answer());
    CHECK(world.incident()->state == IncidentState::acting);
    CHECK(world.incident()->blamed == "v3");
}

TEST_CASE("good samples while the world is asked close nothing before it is judged, and then do") {
    auto world = busy_site();
    world.pass(1h);  // too late to blame v2
    world.sample(requests(world, 900, 0));
    world.sample(requests(world, 80, 10));
    REQUIRE(world.incident() != nullptr);
    world.pass(1s);
    world.sample(requests(world, 1000, 0));
    CHECK(world.incident()->state == IncidentState::open);
    REQUIRE(world.answer());
    REQUIRE(world.has_refusal("a", Guard::no_deployment));
    world.pass(1s);
    world.sample(requests(world, 1000, 0));
    CHECK(world.incident()->state == IncidentState::resolved);
}

TEST_CASE("failures that wait for a start_period are not the fault of the next deployment") {
    World world;
    world.deploy("v1", true);
    for (int i = 0; i < 5; ++i) {
        world.pass(5s);
        world.probe(true);
    }
    world.deploy("v2");
    world.fail_health(4);  // wait for the end of v2's start_period
    world.deploy("v3");
    world.pass(18s);
    world.probe(false);
    world.pass(5s);
    world.probe(false);
    world.answer();
    REQUIRE(world.incident() != nullptr);
    CHECK(world.incident()->runs.empty());
    CHECK(world.has_refusal("b", Guard::bad_before));
}
