// Failures of a start_period that are heard of after its end, and repeats of what it has dropped.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

// v2, 5 s old; its start_period lasts 20 s. Two failures of `requests` are a breach, and three in a
// row of `webhooks`.
World starting() {
    auto policy = shop_policy();
    auto& shop = policy.services[0];
    TriggerPolicy many;
    many.name = "many";
    many.when = condition("failures(requests, 5m) >= 2");
    many.severity = Severity::P1;
    many.response = Response{ResponseKind::alert, {}};
    auto row = many;
    row.name = "row";
    row.when = condition("consecutive_failures(webhooks) >= 3");
    shop.triggers = {many, row};
    World world(std::move(policy));
    world.deploy("v1", true);
    world.pass(1min);
    world.push(true, "requests");
    world.push(true, "webhooks");
    world.deploy("v2");
    world.pass(5s);
    return world;
}

Sample said(
    World const& world, bool ok, Duration ago, std::string const& signal = "requests",
    std::string const& id = ""
) {
    OutcomesValue value{ok ? 1U : 0U, ok ? 0U : 1U, 0, ok ? "" : "502"};
    return {"shop", signal, world.now.boot - ago, value, id, {}, {}, true};
}

std::uint64_t failures(World const& world, std::string const& signal = "requests") {
    auto const at = world.now.boot;
    return world.engine.window("shop", signal)->counts({at - 5min, at}).failure;
}

// Together, as a body of lines comes, or what a log says that was read late.
void hear(World& world, std::vector<Sample> const& samples) {
    auto edges = world.engine.observe(samples, world.now);
    if (!edges.empty()) world.send(EdgesSeen{std::move(edges)});
    world.pass(Duration::zero());
}

}  // namespace

TEST_CASE("a failure of a start_period that comes after its end is dropped: the signal was good") {
    auto world = starting();
    world.pass(5s);
    world.push(true, "requests");
    world.pass(20s);
    world.sample(said(world, false, 24s));
    world.sample(said(world, false, 23s));
    CHECK(world.incident() == nullptr);
    CHECK(failures(world) == 0);
}

TEST_CASE("such a failure is dropped too where the signal is good only since the end") {
    auto world = starting();
    world.pass(20s);
    world.push(true, "requests");
    world.pass(5s);
    world.sample(said(world, false, 24s));
    world.sample(said(world, false, 23s));
    CHECK(world.incident() == nullptr);
}

TEST_CASE("such a failure is dropped too where the signal was good at the end and fails by now") {
    auto world = starting();
    world.pass(5s);
    world.push(true, "requests");
    world.pass(20s);
    world.push(false, "requests");
    world.sample(said(world, false, 24s));
    CHECK(failures(world) == 1);
    CHECK(world.incident() == nullptr);
}

TEST_CASE("a failure of a start_period that comes after its end counts where nothing good followed"
) {
    auto world = starting();
    world.pass(25s);
    world.sample(said(world, false, 24s));
    CHECK(failures(world) == 1);
    world.sample(said(world, false, 23s));
    CHECK(world.incident() != nullptr);
}

TEST_CASE("a log that is read late tells of a restart, and of the good that followed it") {
    auto world = starting();
    world.pass(25s);
    hear(
        world, {said(world, false, 24s), said(world, false, 23s), said(world, true, 15s),
                said(world, false, 24s, "webhooks"), said(world, false, 23s, "webhooks"),
                said(world, false, 22s, "webhooks"), said(world, true, 1s, "webhooks")}
    );
    CHECK(world.incident() == nullptr);
    CHECK(failures(world) == 0);
    CHECK(failures(world, "webhooks") == 0);
}

TEST_CASE("a log that is read late tells of failures that went on: one streak") {
    auto world = starting();
    world.pass(25s);
    hear(
        world, {said(world, false, 24s, "webhooks"), said(world, false, 23s, "webhooks"),
                said(world, false, 1s, "webhooks")}
    );
    REQUIRE(world.incident() != nullptr);
    CHECK(world.incident()->triggers[0].evaluation.count == 3);
}

TEST_CASE("a repeat of what a start_period has dropped is no failure either") {
    auto world = starting();
    bool late = false;
    SECTION("that came in time") { world.sample(said(world, false, 0s, "requests", "evt_1")); }
    SECTION("that came after its end") { late = true; }
    world.pass(5s);
    world.push(true, "requests");
    world.pass(20s);
    if (late) world.sample(said(world, false, 24s, "requests", "evt_1"));
    REQUIRE(failures(world) == 0);
    world.sample(said(world, false, 0s, "requests", "evt_1"));
    CHECK(failures(world) == 0);
    world.sample(said(world, false, 0s, "requests", "evt_2"));
    CHECK(failures(world) == 1);
}

TEST_CASE("what succeeded in one count with failures that were dropped counts once, they do not") {
    auto world = starting();
    Sample mixed{"shop", "requests", world.now.boot, OutcomesValue{4, 1, 0, ""}, "body_1", {},
                 {},     true};
    world.sample(mixed);
    world.pass(5s);
    world.push(true, "requests");
    world.pass(20s);
    mixed.at = world.now.boot;
    world.sample(mixed);
    auto const counts =
        world.engine.window("shop", "requests")->counts({world.now.boot - 30s, world.now.boot});
    CHECK(counts.success == 5);
    CHECK(counts.failure == 0);
}

TEST_CASE("who speaks of failures only, which wait for the end of a start_period, is not absent") {
    auto policy = shop_policy();
    auto& shop = policy.services[0];
    TriggerPolicy silent;
    silent.name = "silent";
    silent.when = condition("absent(requests, 15s)");
    silent.severity = Severity::P2;
    silent.response = Response{ResponseKind::alert, {}};
    auto stale = silent;
    stale.name = "stale";
    stale.when = condition("stale(webhooks)");
    shop.triggers = {silent, stale};
    for (auto& signal : shop.signals) {
        if (signal.name == "webhooks") signal.stale_after = 15s;
    }
    World world(std::move(policy));
    world.deploy("v1", true);
    world.pass(1s);
    world.push(true, "requests");
    world.push(true, "webhooks");
    world.deploy("v2");
    for (int i = 0; i < 6; ++i) {
        world.pass(3s);
        world.push(false, "requests");
        world.push(false, "webhooks");
    }
    CHECK(world.incident() == nullptr);
    world.pass(10s);  // they are no longer held, and the last of them was 10 s ago
    CHECK(world.incident() == nullptr);
    world.pass(10s);
    CHECK(world.incident("INC-1") != nullptr);
    CHECK(world.incident("INC-2") != nullptr);
}

TEST_CASE("that it has spoken is known after a restart too, while its failures still wait") {
    auto policy = shop_policy();
    auto& shop = policy.services[0];
    TriggerPolicy silent;
    silent.name = "silent";
    silent.when = condition("stale(requests)");
    silent.severity = Severity::P2;
    silent.response = Response{ResponseKind::alert, {}};
    shop.triggers = {silent};
    shop.start_period = 40s;
    for (auto& signal : shop.signals) {
        if (signal.name == "requests") signal.stale_after = 15s;
    }
    World world(std::move(policy));
    world.deploy("v1", true);
    world.push(true, "requests");
    world.deploy("v2");
    world.pass(14s);
    world.push(false, "requests");
    auto const windows = world.engine.save_windows(world.now);
    auto other = world.replayed();
    REQUIRE(other.load_windows(windows, world.now));
    world.now.boot += 3s;
    world.now.wall += 3s;
    CHECK(other.elapse(world.now).empty());
    world.now.boot += 13s;
    world.now.wall += 13s;
    CHECK(other.elapse(world.now).size() == 1);
}

TEST_CASE("a release that began while failures of the one before waited was not good before") {
    auto world = starting();
    world.sample(said(world, false, 1s));
    world.pass(4s);
    auto const began = world.now.wall;
    world.pass(6s);
    world.push(true, "requests");
    world.pass(20s);
    REQUIRE(failures(world) == 0);
    SECTION("recorded late, when they are dropped long since") {}
    SECTION("after a restart, too") {
        auto const windows = world.engine.save_windows(world.now);
        world.engine = world.replayed();
        REQUIRE(world.engine.load_windows(windows, world.now));
    }
    SECTION("after a reload, too") { world.engine.set_policy(world.policy, world.now); }
    world.send(DeploymentPosted{{}, "shop", "v3", began, false, {}, {}});
    auto const& before = world.engine.state().service("shop").deployments.back().before;
    CHECK(before.at("many").verdict == Verdict::unknown);
    CHECK(before.at("many").why == "start_period");
    CHECK(before.at("row").verdict == Verdict::false_);
}

TEST_CASE("a release that began after failures of the one before were dropped was good before") {
    auto world = starting();
    world.sample(said(world, false, 1s));
    world.pass(10s);
    world.push(true, "requests");
    world.pass(20s);
    REQUIRE(failures(world) == 0);
    auto const began = world.now.wall;
    world.pass(10s);
    world.send(DeploymentPosted{{}, "shop", "v3", began, false, {}, {}});
    auto const& before = world.engine.state().service("shop").deployments.back().before;
    CHECK(before.at("many").verdict == Verdict::false_);
}
