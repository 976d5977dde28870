// Deployments that are recorded late: what began before the one in effect is history.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

constexpr std::chrono::minutes between{2};

// v1 was good, v2 began two minutes ago, and only v2 was recorded.
World two_releases() {
    World world;
    world.deploy("v1", true);
    for (int i = 0; i < 12; ++i) {
        world.pass(5s);
        world.probe(true);
    }
    world.deploy("v2");
    world.pass(between);
    world.probe(true);
    return world;
}

void record(World& world, std::string const& version, Duration ago, bool known_good = false) {
    auto const began = world.now.wall - std::chrono::duration_cast<WallTime::duration>(ago);
    world.send(DeploymentPosted{{}, "shop", version, began, known_good, {}, {}});
    REQUIRE_FALSE(world.reply.error);
}

ServiceState const& shop(World const& world) { return world.engine.state().service("shop"); }

}  // namespace

TEST_CASE("a release that is recorded after the one that overtook it is history") {
    auto world = two_releases();
    auto const window = shop(world).window;
    record(world, "v1.5", between + 30s);
    CHECK(shop(world).current == "v2");
    CHECK(shop(world).window == window);
    CHECK(shop(world).versions.at("v1.5").standing == Standing::superseded);
    CHECK(shop(world).versions.at("v2").standing == Standing::baking);
    SECTION("and it is not blamed") {
        world.fail_health(3);
        world.answer();
        REQUIRE(world.incident() != nullptr);
        REQUIRE_FALSE(world.incident()->runs.empty());
        CHECK(world.incident()->runs[0].plan.blamed == "v2");
        CHECK(world.incident()->runs[0].plan.target == "v1");
    }
    SECTION("its record is no start, and no failure waits for it") {
        world.fail_health(3);
        CHECK(world.incident() != nullptr);
    }
    SECTION("the one in effect bakes on") {
        for (int i = 0; i < 400; ++i) {
            world.pass(5s);
            world.probe(true);
        }
        CHECK(shop(world).versions.at("v2").standing == Standing::known_good);
        CHECK(shop(world).versions.at("v1.5").standing == Standing::superseded);
    }
}

TEST_CASE("a release that is recorded late and overtook the one in effect is current") {
    auto world = two_releases();
    record(world, "v3", 1min);
    CHECK(shop(world).current == "v3");
    CHECK(shop(world).versions.at("v2").standing == Standing::superseded);
}

// `date` tells whole seconds: what began in the same one may have been the later of the two.
TEST_CASE("a release that is said to have begun in the second of the one in effect is the newer") {
    auto world = two_releases();
    record(world, "v3", between + 900ms);
    CHECK(shop(world).current == "v3");
}

// On day one somebody says what is good, whenever that was deployed.
TEST_CASE("a version that a person called known-good was deployed nobody knows when") {
    World world;
    world.deploy("v1", true);
    world.pass(1min);
    world.probe(true);
    record(world, "v2", 5min);
    CHECK(shop(world).current == "v2");
    CHECK(shop(world).window.has_value());
}

TEST_CASE("the release in effect, recorded once more with an earlier start, stays what it is") {
    auto world = two_releases();
    world.pass(35min);
    world.probe(true);
    auto const count = shop(world).deployments.size();
    auto const standing = shop(world).versions.at("v2").standing;
    record(world, "v2", 50min);
    CHECK(shop(world).current == "v2");
    CHECK(shop(world).versions.at("v2").standing == standing);
    CHECK(shop(world).deployments.size() == count);
}

TEST_CASE("an open incident is not judged again by a release that is history") {
    auto world = two_releases();
    world.pass(31min);
    world.probe(true);
    world.fail_health(3);
    world.answer();
    REQUIRE(world.has_refusal("a", Guard::no_deployment));
    record(world, "v1.5", between + 32min);
    CHECK_FALSE(world.answer());
    CHECK(world.incident()->runs.empty());
}

TEST_CASE("a release that is history and was known to be good stays a target") {
    auto world = two_releases();
    record(world, "v1", between + 30s);
    CHECK(shop(world).current == "v2");
    CHECK(shop(world).versions.at("v1").standing == Standing::known_good);
}

TEST_CASE("what a signal shows is recorded once, though others did it before that was decided") {
    World world;
    world.release_v2();
    auto const recorded = world.engine.state().service("shop").deployments.size();
    DeploymentPosted shown;
    shown.actor.name = "signal running";
    shown.service = "shop";
    shown.version = "v2";
    shown.seen_at = Moment{world.now.wall, world.now.boot};
    world.send(shown);
    CHECK(world.engine.state().service("shop").deployments.size() == recorded);
    shown.version = "v3";
    world.send(shown);
    CHECK(world.engine.state().service("shop").current == "v3");
}

TEST_CASE("a rollback's target deployed again over another is a deployment, not the run's own doing"
) {
    World world;
    world.release_v2();
    world.fail_health(3);
    world.answer();
    REQUIRE(world.incident() != nullptr);
    REQUIRE(world.incident()->runs.at(0).plan.target == "v1");
    SECTION("while its steps run it is") {
        record(world, "v1", 0s);
        CHECK(shop(world).current == "v2");
    }
    SECTION("after them it is, where nothing was deployed meanwhile") {
        world.end_step();
        world.end_step();
        auto const recorded = shop(world).deployments.size();
        world.pass(1s);
        record(world, "v1", 0s);
        CHECK(shop(world).deployments.size() == recorded);
    }
    SECTION("nor is it where something was") {
        world.end_step();
        world.end_step();
        world.pass(1s);
        record(world, "v3", 0s);
        CHECK(shop(world).current == "v3");
        world.pass(1s);
        record(world, "v1", 0s);
        CHECK(shop(world).current == "v1");
    }
}

// v3 was deployed over v2 while a run was on, and v2 over that: it has only just begun.
TEST_CASE(
    "a version that was overtaken while a run is on is not good by the bake it had begun before"
) {
    World world;
    world.release_v2();
    world.send(RunAsked{{"op", "operate"}, "shop", "payments-off", "by hand", {}, {}});
    REQUIRE_FALSE(world.reply.error);
    world.pass(20min);
    world.deploy("v3");
    world.pass(1min);
    world.deploy("v2");
    world.pass(11min);
    world.probe(true);
    auto const& shop = world.engine.state().service("shop");
    CHECK(shop.current == "v2");
    CHECK(shop.versions.at("v2").standing == Standing::baking);
}
