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

namespace {

Sample latency(World const& world, double seconds) {
    Sample sample;
    sample.service = "shop";
    sample.signal = "latency";
    sample.at = world.now.boot;
    sample.value = GaugeValue{seconds};
    return sample;
}

// v1 runs well for ten minutes; then `made` happens to it, and v3 follows.
template <class What>
World after_v1(Policy policy, What made) {
    World world(std::move(policy));
    world.deploy("v1", true);
    for (int minute = 0; minute < 10; ++minute) {
        world.pass(1min);
        world.sample(requests(world, 200, 0));
        world.sample(latency(world, 0.1));
    }
    made(world);
    world.pass(2s);
    world.deploy("v3");
    world.pass(30s);
    return world;
}

Policy watched(char const* when, std::uint64_t min_count) {
    auto policy = shop_policy();
    SignalPolicy numbers;
    numbers.name = "latency";
    numbers.type = "push";
    numbers.kind = SignalKind::gauge;
    policy.services[0].signals.push_back(numbers);
    TriggerPolicy trigger;
    trigger.name = "trigger";
    trigger.when = condition(when);
    trigger.rules.min_count = min_count;
    trigger.severity = Severity::P0;
    trigger.response = Response{ResponseKind::ladder, {{"code-rollback", {}}}};
    policy.services[0].triggers = {trigger};
    return policy;
}

}  // namespace

TEST_CASE("a ratio that had crossed its threshold before a deployment is blamed on its own part") {
    auto world = after_v1(watched("failure_ratio(requests, 1m) > 1%", 100), [](World& w) {
        w.pass(2min);  // few requests: too high, and not enough to act on
        w.sample(requests(w, 60, 6));
    });
    world.sample(requests(world, 150, 1));  // 7 of 217, and 1 of 151 are v3's
    REQUIRE(world.answer());
    CHECK(world.has_refusal("b", Guard::bad_before));
    CHECK(world.incident()->runs.empty());
    world.pass(1s);
    world.sample(requests(world, 50, 9));
    REQUIRE(world.answer());
    CHECK(world.incident()->state == IncidentState::acting);
    CHECK(world.incident()->blamed == "v3");
}

TEST_CASE("who mends an outage that is being answered is not rolled back for it") {
    auto policy = watched("failure_ratio(requests, 1m) > 1%", 100);
    policy.services[0].limits.cooldown = 0s;
    auto world = after_v1(std::move(policy), [](World& w) {
        w.pass(1min);
        w.sample(requests(w, 190, 10));  // nobody deployed anything: refused with (a)
        w.answer();
    });
    REQUIRE(world.incident() != nullptr);
    world.answer();  // v3 has been recorded: it is judged again
    CHECK(world.has_refusal("b", Guard::bad_before));
    world.sample(requests(world, 100, 1));
    world.answer();
    CHECK(world.incident()->runs.empty());
}

TEST_CASE("a mean that was too high before a deployment is blamed on its own samples") {
    auto world = after_v1(watched("avg(latency, 5m) > 1", 1), [](World& w) {
        w.pass(4min);
        w.sample(latency(w, 3));
        w.answer();  // refused with (a)
    });
    world.answer();
    world.sample(latency(world, 0.2));
    world.answer();
    REQUIRE(world.incident() != nullptr);
    CHECK(world.has_refusal("b", Guard::bad_before));
    CHECK(world.incident()->runs.empty());
    world.pass(1s);
    world.sample(latency(world, 4));
    REQUIRE(world.answer());
    CHECK(world.incident()->state == IncidentState::acting);
}

TEST_CASE("a bad release is rolled back though its window holds what was before it") {
    auto world = after_v1(watched("failure_ratio(requests, 5m) > 1%", 100), [](World& w) {
        w.pass(1s);
        w.sample(requests(w, 100, 3));  // 3 of 1103
    });
    world.sample(requests(world, 10, 20));
    REQUIRE(world.answer());
    CHECK(world.incident()->state == IncidentState::acting);
    CHECK(world.incident()->blamed == "v3");
}

TEST_CASE("a failure from before a deployment that is heard of after it speaks against blaming it"
) {
    World world;
    world.release_v2();
    world.pass(1s);
    world.probe(true);
    for (int i = 0; i < 2; ++i) {
        world.pass(1s);
        world.probe(false);
    }
    Sample hung;  // begun before v3, and timed out after it
    hung.service = "shop";
    hung.signal = "health";
    world.pass(500ms);
    hung.at = world.now.boot;
    hung.value = StateValue{false, "timeout", 2s};
    world.pass(500ms);
    world.deploy("v3");
    world.pass(1500ms);
    world.sample(hung);
    world.pass(25s);
    world.answer();
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.probe(false);
        world.answer();
    }
    REQUIRE(world.incident() != nullptr);
    CHECK(world.has_refusal("b", Guard::bad_before));
    CHECK(world.incident()->runs.empty());
}

// The first had been recorded while the run was on, and its window opened when that ended at last.
TEST_CASE("of two releases recorded since a run began the newest is in effect and blamed") {
    auto policy = shop_policy();
    policy.services[0].triggers[0].response =
        Response{ResponseKind::ladder, {{"payments-off", {}}}};
    policy.services[0].triggers[0].blame = Blame::any;
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    while (world.answer()) {
    }
    REQUIRE(world.incident()->state == IncidentState::acting);
    world.deploy("v3");
    while (world.end_step()) {
    }
    world.pass(5min);  // nothing is heard
    REQUIRE(world.incident()->state == IncidentState::unverified);
    world.deploy("v4");
    world.pass(30s);
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.probe(true);
    }
    REQUIRE(world.incident()->runs.front().ended_at);
    auto const& shop = world.engine.state().service("shop");
    CHECK(shop.current == "v4");
    REQUIRE(shop.window);
    CHECK(shop.deployment(*shop.window)->version == "v4");
}

// Its record says how the new condition stood before it; the incident is about the old one.
TEST_CASE("(b) is judged by the condition of the incident, though a reload has changed the trigger"
) {
    auto policy = shop_policy();
    policy.services[0].triggers[1].when = condition("failure_ratio(requests, 10m) > 50%");
    policy.services[0].triggers[1].rules.min_count = 5;
    policy.services[0].triggers[1].response =
        Response{ResponseKind::ladder, {{"code-rollback", {}}}};
    World world(std::move(policy));
    world.deploy("v1", true);
    world.pass(25s);
    world.push(true, "requests");
    world.probe(true);
    world.send(Paused{{"op", "operate"}, "shop"});
    for (int i = 0; i < 9; ++i) world.push(false, "requests");
    world.answer();
    REQUIRE(world.incident() != nullptr);
    auto changed = std::make_shared<Policy>(*world.policy);
    changed->services[0].triggers[1].when = condition("failed(health)");
    world.policy = changed;
    world.engine.set_policy(changed, world.now);
    world.pass(1s);
    world.probe(true);
    world.deploy("v2");
    auto const& shop = world.engine.state().service("shop");
    REQUIRE(shop.deployment(*shop.window)->before.at("webhooks").good());
    world.pass(25s);
    for (int i = 0; i < 6; ++i) world.push(false, "requests");
    world.send(Resumed{{"op", "operate"}, "shop"});
    while (world.answer()) {
    }
    CHECK(world.has_refusal("b", Guard::bad_before));
    CHECK(world.incident()->runs.empty());
}

// v3 was deployed while v2 was being rolled back, and is what runs.
TEST_CASE("to call a version good does not take the place of one deployed while a run is on") {
    World world;
    world.release_v2();
    world.fail_health(3);
    world.answer();
    while (world.end_step()) {
    }
    REQUIRE(world.incident()->state == IncidentState::verifying);
    world.deploy("v3");
    world.deploy("v0", true);
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.probe(true);
    }
    auto const& shop = world.engine.state().service("shop");
    CHECK(shop.current == "v3");
    REQUIRE(shop.window);
    CHECK(shop.deployment(*shop.window)->version == "v3");
}
