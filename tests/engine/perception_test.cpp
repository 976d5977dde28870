// When a breach begins and ends, and what a start_period holds back.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

#include <random>

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

World watching(std::string_view when, JudgeRules rules = {}, Duration lasting = {}) {
    auto policy = shop_policy();
    TriggerPolicy one;
    one.name = "one";
    one.when = condition(when);
    one.rules = rules;
    one.for_ = lasting;
    one.severity = Severity::P1;
    one.response = Response{ResponseKind::alert, {}};
    policy.services[0].triggers = {one};
    SignalPolicy load;
    load.name = "load";
    load.type = "push";
    load.kind = SignalKind::gauge;
    policy.services[0].signals.push_back(load);
    return World(std::move(policy));
}

void probe_taking(World& world, Duration latency) {
    world.sample({"shop", "health", world.now.boot, StateValue{true, "", latency}, {}, {}, {}, true}
    );
}

void outcomes(World& world, std::uint64_t success, std::uint64_t failure, std::uint64_t neutral) {
    OutcomesValue value;
    value.success = success;
    value.failure = failure;
    value.neutral = neutral;
    world.sample({"shop", "requests", world.now.boot, value, {}, {}, {}, true});
}

}  // namespace

TEST_CASE("a slow answer begins a breach of latency even where fast ones had aged out before it") {
    auto world = watching("p95(health, 1m) > 2s", {5, {}});
    for (int i = 0; i < 30; ++i) {
        world.pass(2s);
        probe_taking(world, 10ms);
    }
    world.pass(2s);
    probe_taking(world, 3s);
    REQUIRE(world.incident() == nullptr);
    world.pass(40s);
    probe_taking(world, 3s);
    CHECK(world.incident() != nullptr);
}

TEST_CASE("successes that age out begin no breach, nor does a 4xx or a success after it") {
    auto world = watching("failure_ratio(requests, 1m) > 10%", {5, {}});
    outcomes(world, 20, 0, 0);
    world.pass(50s);
    outcomes(world, 4, 1, 0);
    world.pass(20s);  // 1 of 5 is left
    CHECK(world.incident() == nullptr);
    outcomes(world, 0, 0, 1);
    CHECK(world.incident() == nullptr);
    outcomes(world, 1, 0, 0);
    CHECK(world.incident() == nullptr);
    outcomes(world, 0, 1, 0);
    CHECK(world.incident() != nullptr);
}

// A counter that had begun anew was a sample too, and the breach began with it.
TEST_CASE("a source that could not say begins no breach, whatever has aged out by then") {
    auto world = watching("failure_ratio(requests, 1m) > 10% or max(load, 1m) > 5", {5, {}});
    outcomes(world, 20, 0, 0);
    world.pass(50s);
    outcomes(world, 4, 1, 0);
    world.pass(20s);  // 1 of 5 is left
    world.sample({"shop", "requests", world.now.boot, UnknownValue{"begun anew"}, {}, {}, {}, true}
    );
    CHECK(world.incident() == nullptr);
    world.sample({"shop", "load", world.now.boot, UnknownValue{"timeout"}, {}, {}, {}, true});
    CHECK(world.incident() == nullptr);
    outcomes(world, 0, 1, 0);
    CHECK(world.incident() != nullptr);
}

TEST_CASE("`for` fires at its deadline without a sample, and a break begins it anew") {
    auto world = watching("consecutive_failures(webhooks) > 3", {}, 30s);
    for (int i = 0; i < 4; ++i) world.push(false);
    world.pass(29s);
    CHECK(world.incident() == nullptr);
    world.push(true);
    for (int i = 0; i < 4; ++i) world.push(false);
    world.pass(29s);
    CHECK(world.incident() == nullptr);
    world.pass(1s);
    CHECK(world.incident() != nullptr);
}

TEST_CASE("absent fires at its deadline, once") {
    auto world = watching("absent(webhooks, 5m)");
    world.push(true);
    world.pass(5min - 1s);
    CHECK(world.incident() == nullptr);
    world.pass(1s);
    CHECK(world.incident() != nullptr);
    world.pass(1h);
    CHECK(world.engine.state().incident_order.size() == 1);
}

TEST_CASE("absent fires at its deadline though the signal never spoke") {
    auto world = watching("absent(webhooks, 5m)");
    world.pass(5min - 1s);
    CHECK(world.incident() == nullptr);
    world.pass(1s);
    CHECK(world.incident() != nullptr);
}

TEST_CASE("a sample exactly as old as the window is outside of it") {
    auto world = watching("failures(requests, 1m) >= 2");
    outcomes(world, 0, 1, 0);
    world.pass(1min);
    outcomes(world, 0, 1, 0);
    CHECK(world.incident() == nullptr);
    world.pass(1min - 1ns);
    outcomes(world, 0, 1, 0);
    CHECK(world.incident() != nullptr);
}

TEST_CASE("resolve_after as samples counts from the last moment it was true") {
    auto world = watching("consecutive_failures(webhooks) > 3");
    for (int i = 0; i < 4; ++i) world.push(false);
    REQUIRE(world.incident() != nullptr);
    for (bool const ok : {true, true, false, true}) {
        CHECK(world.incident()->state == IncidentState::open);
        world.pass(1s);
        world.push(ok);
    }
    CHECK(world.incident()->state == IncidentState::resolved);
}

TEST_CASE("what a start_period held comes before a failure that arrives at its end") {
    World world;
    world.deploy("v1", true);
    world.pass(25s);
    world.probe(true);
    world.deploy("v2");
    for (int i = 0; i < 4; ++i) {
        world.pass(4s);
        world.probe(false);
    }
    // A machine that does not keep pace: the sample is there before anybody has looked at the
    // clock.
    world.now.boot += 5s;
    world.now.wall += 5s;
    Sample const late{"shop", "health", world.now.boot, StateValue{false, "refused", 1ms}, {}, {},
                      {},     true};
    auto const edges = world.engine.observe(std::span(&late, 1), world.now);
    REQUIRE_FALSE(edges.empty());
    CHECK(world.engine.judge("shop", "down", world.now).count == 5);
}

TEST_CASE("a sample that cannot say is no good one: the failures of a start_period count") {
    World world;
    world.deploy("v1", true);
    for (int i = 0; i < 5; ++i) {
        world.pass(5s);
        world.probe(true);
    }
    world.deploy("v2");
    world.fail_health(4);
    world.pass(1s);
    world.sample({"shop", "health", world.now.boot, UnknownValue{"no member"}, {}, {}, {}, true});
    world.pass(20s);
    CHECK(world.incident() != nullptr);
}

TEST_CASE("failures after a host's boot wait too") {
    auto policy = std::make_shared<Policy>(shop_policy());
    Now now{Instant(3s), WallTime(std::chrono::sys_days(std::chrono::year(2026) / 1 / 31))};
    Engine engine(policy, now, "00000000-0000-4000-8000-000000000001");
    for (int i = 0; i < 5; ++i) {
        Sample sample{"shop", "health", now.boot, StateValue{false, "refused", 1ms},
                      {},     {},       {},       true};
        CHECK(engine.observe(std::span(&sample, 1), now).empty());
        now.boot += 1s;
    }
    CHECK(engine.judge("shop", "down", now).why == "start_period");
    CHECK(engine.next_deadline() == Instant(20s));
    now.boot = Instant(20s);
    CHECK(engine.elapse(now).size() == 1);
}

TEST_CASE("a deployment recorded after a breach in its start_period is judged at the end of that") {
    World world;
    world.deploy("v1", true);
    world.pass(1min);
    for (int i = 0; i < 5; ++i) {
        world.pass(5s);
        world.probe(true);
    }
    auto const started = world.now.wall;
    world.fail_health(3);
    world.answer();
    REQUIRE(world.has_refusal("a", Guard::no_deployment));
    world.send(DeploymentPosted{{}, "shop", "v2", started, false, {}, {}});
    CHECK_FALSE(world.answer());
    REQUIRE(world.incident()->runs.empty());
    SECTION("a normal restart is over by then, and nothing is rolled back") {
        for (int i = 0; i < 6; ++i) {
            world.pass(5s);
            world.probe(true);
            world.answer();
        }
        CHECK(world.incident()->runs.empty());
        CHECK(world.incident()->state == IncidentState::resolved);
    }
    SECTION("one that stays down is rolled back at the end of it") {
        world.fail_health(16);
        CHECK_FALSE(world.answer());
        world.fail_health(1);
        REQUIRE(world.answer());
        CHECK(world.incident()->state == IncidentState::acting);
    }
}

TEST_CASE("a reload that only asks more often, or looks further back, forgets nothing") {
    World world;
    world.release_v2();
    for (int i = 0; i < 2; ++i) {
        world.pass(1s);
        world.probe(false);
    }
    auto policy = std::make_shared<Policy>(*world.policy);
    auto& shop = policy->services[0];
    shop.signals[0].every = 7s;
    shop.signals[0].stale_after = 23s;
    shop.watch_window = 2h;
    world.engine.set_policy(policy, world.now);
    world.pass(1s);
    world.probe(false);  // the third in a row
    CHECK(world.incident() != nullptr);
}

TEST_CASE("a signal that a reload points somewhere else begins anew") {
    World world;
    world.release_v2();
    for (int i = 0; i < 2; ++i) {
        world.pass(1s);
        world.probe(false);
    }
    auto policy = std::make_shared<Policy>(*world.policy);
    policy->services[0].signals[0].params["url"] = "http://127.0.0.1:3001";
    world.engine.set_policy(policy, world.now);
    world.pass(1s);
    world.probe(false);
    CHECK(world.incident() == nullptr);
}

TEST_CASE("successes that came together with failures of a start_period are not dropped with them"
) {
    World world;
    world.deploy("v1", true);
    world.pass(1min);
    world.deploy("v2");
    world.pass(5s);
    Sample mixed{"shop", "requests", world.now.boot, OutcomesValue{4, 1, 0, ""}, {}, {}, {}, true};
    world.sample(mixed);
    world.pass(5s);
    world.push(true, "requests");
    world.pass(20s);
    auto const* const window = world.engine.window("shop", "requests");
    auto const counts = window->counts({world.now.boot - 1min, world.now.boot});
    CHECK(counts.success == 5);
    CHECK(counts.failure == 0);
}

// They had waited for the end of a start_period, and then broke a signal that had never failed.
TEST_CASE("failures that wait are forgotten with their signal when a reload changes what it asks") {
    World world;
    world.release_v2();
    world.deploy("v3");
    world.fail_health(3);
    auto changed = std::make_shared<Policy>(*world.policy);
    changed->services[0].signals[0].params["url"] = "http://127.0.0.1:3000/health";
    world.policy = changed;
    world.engine.set_policy(changed, world.now);
    world.pass(30s);
    CHECK(world.incident() == nullptr);
}

TEST_CASE("a loop that sleeps past no deadline that a sample has set sleeps past none") {
    auto policy = shop_policy();
    auto& shop = policy.services.front();
    for (auto const* const text :
         {"failure_ratio(requests, 1m) > 10%", "absent(webhooks, 2m)", "failed(health)",
          "failures(requests, 30s) >= 2", "stale(health)"}) {
        TriggerPolicy trigger;
        trigger.name = "t" + std::to_string(shop.triggers.size());
        trigger.when = condition(text);
        trigger.for_ = shop.triggers.size() % 2 == 0 ? Duration(20s) : Duration();
        trigger.severity = Severity::P2;
        trigger.response = Response{};
        shop.triggers.push_back(std::move(trigger));
    }
    World world(policy);
    std::mt19937 random(7);
    auto const pick = [&](int max) { return std::uniform_int_distribution<int>(0, max)(random); };
    auto armed = world.engine.next_deadline();
    for (int n = 0; n < 3000; ++n) {
        world.now.boot += std::chrono::milliseconds(pick(4000));
        if (armed <= world.now.boot) {
            (void)world.engine.elapse(world.now);
            armed = world.engine.next_deadline();
        }
        Sample sample;
        sample.service = "shop";
        sample.at = world.now.boot;
        bool const probe = pick(2) == 0;
        sample.signal = probe ? "health" : pick(1) == 0 ? "requests" : "webhooks";
        if (probe) sample.value = StateValue{pick(3) > 0, "x", {}};
        if (!probe)
            sample.value = OutcomesValue{std::uint64_t(pick(3)), std::uint64_t(pick(1)), 0, ""};
        (void)world.engine.observe(std::span(&sample, 1), world.now);
        armed = std::min(armed, world.engine.observed_deadline());
        // What lay in the past by then was looked at with the sample itself.
        auto const next = world.engine.next_deadline();
        if (next > world.now.boot) CHECK(armed <= next);
    }
}

// The new condition was true of the release alone, and the incident's own was not.
TEST_CASE("(b) is judged by the incident's condition, though a reload's has come true meanwhile") {
    auto policy = shop_policy();
    policy.services[0].triggers[1].response =
        Response{ResponseKind::ladder, {{"code-rollback", {}}}};
    World world(std::move(policy));
    world.deploy("v1", true);
    world.pass(25s);
    world.push(true);
    world.probe(true);
    for (int i = 0; i < 3; ++i) world.push(false);
    world.pass(1s);
    world.deploy("v2");
    world.pass(25s);
    world.push(false);
    auto changed = std::make_shared<Policy>(*world.policy);
    changed->services[0].triggers[1].when = condition("failed(health)");
    world.policy = changed;
    world.engine.set_policy(changed, world.now);
    world.probe(false);
    while (world.answer()) {
    }
    CHECK(world.has_refusal("b", Guard::bad_before));
    CHECK(world.incident()->runs.empty());
}

TEST_CASE("what is compared with a sample that counts no more has not changed") {
    auto const when = GENERATE(
        as<std::string>(), "changed(mode, 5m)", "changed(load, 5m)", "delta(load, 30s) > 10"
    );
    auto policy = shop_policy();
    TriggerPolicy one;
    one.name = "one";
    one.when = condition(when);
    one.severity = Severity::P1;
    one.response = Response{ResponseKind::alert, {}};
    policy.services[0].triggers = {one};
    SignalPolicy mode;
    mode.name = "mode";
    mode.type = "push";
    mode.kind = SignalKind::text;
    auto load = mode;
    load.name = "load";
    load.kind = SignalKind::gauge;
    policy.services[0].signals.push_back(mode);
    policy.services[0].signals.push_back(load);
    World world(std::move(policy));
    auto const say = [&](double value) {
        Sample sample{"shop", "load", world.now.boot, GaugeValue{value, "", {}}, {}, {}, {}, true};
        world.sample(sample);
        sample.signal = "mode";
        sample.value = TextValue{value > 50 ? "busy" : "idle"};
        world.sample(sample);
    };
    say(1);
    world.pass(1min);
    say(99);
    REQUIRE(world.incident("INC-1") != nullptr);
    world.pass(1s);
    say(30);
    world.pass(1s);
    world.send(ResolvedBy{{"anna", "operate"}, "INC-1", "seen"});
    REQUIRE(world.incident("INC-1")->state == IncidentState::resolved);
    world.pass(40s);
    say(99);
    CHECK(world.incident("INC-2") == nullptr);
    world.pass(35s);
    say(99);
    world.pass(1s);
    say(150);
    world.pass(35s);
    say(10);
    world.pass(1s);
    say(200);
    CHECK(world.incident("INC-2") != nullptr);
}
