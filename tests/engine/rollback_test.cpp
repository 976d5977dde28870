// The main job, decided: from a breach to a verified recovery.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

TEST_CASE("a bad release is rolled back once, all the way to a verified recovery") {
    World world;
    world.release_v2();
    world.fail_health(3);
    REQUIRE(world.incident() != nullptr);
    CHECK(world.incident()->state == IncidentState::open);
    REQUIRE(world.answer());
    REQUIRE(world.incident()->state == IncidentState::acting);
    CHECK(world.incident()->runs.front().plan.target == "v1");
    CHECK(world.engine.state().service("shop").versions.at("v2").standing == Standing::bad);
    REQUIRE(world.end_step());
    REQUIRE(world.end_step());
    CHECK(world.incident()->state == IncidentState::verifying);
    for (int i = 0; i < 3; ++i) {
        world.pass(500ms);
        world.probe(true);
    }
    CHECK(world.incident()->state == IncidentState::resolved);
    CHECK(world.incident()->runs.front().state == RunState::succeeded);
    CHECK(world.engine.state().service("shop").current == "v1");
    CHECK(world.commands.empty());
}

TEST_CASE("the state rebuilt from the journal equals the state that wrote it") {
    World world;
    world.release_v2();
    world.fail_health(3);
    world.answer();
    world.end_step();
    auto const other = world.replayed();
    CHECK(to_text(to_json(other.state())) == to_text(to_json(world.engine.state())));
}

TEST_CASE("without a deployment to blame the rung is passed over with (a) and people are told") {
    World world;
    world.deploy("v1", true);
    for (int i = 0; i < 5; ++i) {
        world.pass(5s);
        world.probe(true);
    }
    world.pass(1h);
    world.fail_health(3);
    world.answer();
    CHECK(world.incident()->state == IncidentState::open);
    CHECK(world.has_refusal("a", Guard::no_deployment));
    CHECK_FALSE(world.engine.state().outbox.empty());
    CHECK(world.incident()->runs.empty());
}

TEST_CASE("a signal that was bad before the deployment is not its fault") {
    World world;
    world.deploy("v1", true);
    world.pass(60s);
    for (int i = 0; i < 2; ++i) {
        world.pass(1s);
        world.probe(false);
    }
    world.deploy("v2");
    world.pass(25s);
    world.fail_health(3);
    world.answer();
    CHECK(world.has_refusal("b", Guard::bad_before));
    CHECK(world.incident()->runs.empty());
}

TEST_CASE("a rung passed over leaves the way to one that undoes nothing") {
    World world;
    world.deploy("v1", true);
    world.pass(2h);
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.push(false);
    }
    world.answer();
    CHECK(world.has_refusal("a", Guard::no_deployment));
    REQUIRE(world.incident()->runs.size() == 1);
    CHECK(world.incident()->runs.front().plan.playbook == "payments-off");
}

TEST_CASE("on day one the refusal names how to record a known-good version") {
    World world;
    world.pass(30s);
    for (int i = 0; i < 3; ++i) {
        world.pass(5s);
        world.probe(true);
    }
    world.deploy("v1");
    world.pass(25s);
    world.fail_health(3);
    world.answer();
    CHECK(world.has_refusal("d", Guard::no_target));
    CHECK(
        world.incident()->standing_text.find("rollbackctl deploy shop VERSION --known-good") !=
        std::string::npos
    );
}

TEST_CASE("a failing dependency holds the ladder with (c) and the plan waits for people") {
    World world;
    world.release_v2();
    world.fail_health(3);
    Answer answer;
    answer.failing.push_back({"database", "port", "refused"});
    world.answer(answer);
    CHECK(world.has_refusal("c", Guard::dependency_failing));
    CHECK(world.incident()->state == IncidentState::waiting);
    CHECK_FALSE(world.incident()->runs.front().started_at);
}

TEST_CASE("blind means hands off") {
    World world;
    world.release_v2();
    world.fail_health(3);
    Answer answer;
    answer.blind = true;
    answer.blind_text = "both references failed";
    world.answer(answer);
    CHECK(world.has_refusal("c", Guard::blind));
    CHECK(world.incident()->runs.empty());
}

// A release of some minutes ago was rolled back when our own network returned: the last answers
// were still those from before.
TEST_CASE("what probes saw while we were blind proves nothing: fresh samples decide") {
    World world;
    world.release_v2();
    world.fail_health(3);
    Answer blind;
    blind.blind = true;
    world.answer(blind);
    world.fail_health(2);
    SECTION("the end of it is noticed") {
        world.send(BlindEnded{});
        CHECK_FALSE(world.answer());
    }
    SECTION("a question that is asked first is answered") {
        DeploymentPosted again;
        again.service = "shop";
        again.version = "v3";
        again.started_at = world.now.wall - std::chrono::seconds(20);
        world.send(again);
        REQUIRE(world.answer());
    }
    CHECK(world.incident()->runs.empty());
    CHECK(world.incident()->state == IncidentState::open);
    world.pass(21s);  // past the start_period
    bool const still_down = GENERATE(false, true);
    for (int i = 0; i < 3; ++i) {
        world.pass(1s);
        world.probe(!still_down);
    }
    CHECK(world.answer() == still_down);
    CHECK(world.incident()->runs.size() == (still_down ? 1 : 0));
    CHECK((world.incident()->state == IncidentState::resolved) == !still_down);
    CHECK(to_json(world.replayed().state()) == to_json(world.engine.state()));
}

// One fresh failure is enough for `failed`: nothing has been false in between, and it was never
// judged again.
TEST_CASE("what is still true when we are not blind any more is judged on the first fresh sample") {
    auto policy = shop_policy();
    policy.services[0].triggers[0].when = condition("failed(health)");
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(1);
    Answer blind;
    blind.blind = true;
    world.answer(blind);
    world.send(BlindEnded{});
    REQUIRE_FALSE(world.answer());
    world.fail_health(1);
    CHECK(world.answer());
    CHECK(world.incident()->runs.size() == 1);
}

TEST_CASE("failures within start_period wait, and count when it ends without a good sample") {
    World world;
    world.deploy("v1", true);
    for (int i = 0; i < 5; ++i) {
        world.pass(5s);
        world.probe(true);
    }
    world.deploy("v2");
    world.fail_health(10);
    CHECK(world.incident() == nullptr);
    CHECK(world.engine.judge("shop", "down", world.now).why == "start_period");
    SECTION("a normal restart is forgotten") {
        world.pass(1s);
        world.probe(true);
        world.pass(30s);
        CHECK(world.incident() == nullptr);
    }
    SECTION("one that stays down is judged at the end of it") {
        world.pass(10s);
        REQUIRE(world.incident() != nullptr);
        world.answer();
        CHECK(world.incident()->state == IncidentState::acting);
    }
}

TEST_CASE("a deployment recorded after the breach is judged again") {
    World world;
    world.deploy("v1", true);
    world.pass(60s);
    for (int i = 0; i < 5; ++i) {
        world.pass(5s);
        world.probe(true);
    }
    auto const started = world.now.wall;
    for (int i = 0; i < 5; ++i) {
        world.pass(5s);  // past its start_period, which nobody knows of yet
        world.probe(true);
    }
    world.fail_health(3);
    world.answer();
    CHECK(world.incident()->state == IncidentState::open);
    DeploymentPosted posted;
    posted.service = "shop";
    posted.version = "v2";
    posted.started_at = started;
    world.send(posted);
    REQUIRE(world.answer());
    CHECK(world.incident()->state == IncidentState::acting);
    CHECK(world.incident()->blamed == "v2");
}

TEST_CASE("a second breach during a run joins the incident and starts nothing") {
    World world;
    world.release_v2();
    world.fail_health(3);
    world.answer();
    auto const commands = world.commands.size();
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.push(false);
    }
    CHECK(world.incident()->triggers.size() == 2);
    CHECK(world.incident()->runs.size() == 1);
    CHECK(world.commands.size() == commands);
}

TEST_CASE("a step whose outcome nobody knows interrupts the run and freezes the service") {
    World world;
    world.release_v2();
    world.fail_health(3);
    world.answer();
    REQUIRE(world.end_step(OutcomeKind::unknown));
    auto const settle = world.take<SettleStep>();
    REQUIRE(settle);
    world.send(StepSettled{settle->run, settle->n, {}});
    CHECK(world.incident()->state == IncidentState::frozen);
    CHECK(world.incident()->runs.front().state == RunState::interrupted);
    world.send(StepConfirmed{{"anna", "operate"}, "INC-1", 1, "done", ""});
    CHECK(world.incident()->state == IncidentState::acting);
    CHECK(world.take<StartStep>()->n == 2);
}

TEST_CASE("a rollback that does not help is followed by nothing that undoes more, and people") {
    World world;
    world.release_v2();
    world.fail_health(3);
    world.answer();
    world.end_step();
    world.end_step();
    for (int i = 0; i < 140; ++i) {
        world.pass(1s);
        world.probe(false);
    }
    CHECK(world.incident()->runs.front().state == RunState::failed);
    CHECK(world.incident()->state == IncidentState::frozen);
    CHECK(world.engine.state().service("shop").frozen_text() == "INC-1");
}

TEST_CASE("on a quiet site a rollback ends unverified, and later data decides") {
    auto policy = shop_policy();
    policy.services[0].playbooks[0].verify.clear();
    World world(std::move(policy));
    world.release_v2();
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.push(false);
    }
    world.answer();
    world.end_step();
    world.end_step();
    world.pass(3min);
    CHECK(world.incident()->state == IncidentState::unverified);
    CHECK(world.incident()->runs.size() == 1);
    for (int i = 0; i < 3; ++i) {
        world.pass(1s);
        world.push(true);
    }
    CHECK(world.incident()->state == IncidentState::resolved);
}

TEST_CASE("failures that wait for a start_period keep a release from being called good") {
    auto policy = shop_policy();
    policy.services[0].bake = 10s;  // shorter than the start_period
    World world(std::move(policy));
    world.deploy("v1", true);
    world.deploy("v2");
    world.pass(1s);
    world.probe(true);
    world.pass(2s);
    world.probe(false);
    world.pass(8s);
    CHECK(world.engine.state().service("shop").versions.at("v2").standing == Standing::baking);
}

TEST_CASE("a release that a rollback may have overwritten is not called good by what runs now") {
    World world;
    world.release_v2();
    world.fail_health(3);
    REQUIRE(world.answer());
    REQUIRE(world.end_step());
    world.deploy("v3");  // v1 is being put in its place this very moment
    REQUIRE(world.end_step());
    world.pass(1s);
    for (int i = 0; i < 4; ++i) {
        world.pass(500ms);
        world.probe(true);
    }
    REQUIRE(world.incident()->state == IncidentState::resolved);
    for (int minute = 0; minute < 40; ++minute) {
        world.pass(1min);
        world.probe(true);
        world.push(true);
        world.push(true, "requests");
    }
    auto const& shop = world.engine.state().service("shop");
    CHECK(shop.versions.at("v3").standing == Standing::baking);
    CHECK(shop.versions.at("v1").standing == Standing::known_good);
    // Deployed again with nothing in its way, it bakes like any other.
    world.deploy("v4");
    for (int minute = 0; minute < 40; ++minute) {
        world.pass(1min);
        world.probe(true);
        world.push(true);
        world.push(true, "requests");
    }
    CHECK(shop.versions.at("v4").standing == Standing::known_good);
}

TEST_CASE("a deployment from before a rollback that is recorded late is not taken for what runs") {
    bool const meanwhile = GENERATE(true, false);
    World world;
    world.release_v2();
    auto const started = world.now.wall;
    world.fail_health(3);
    REQUIRE(world.answer());
    auto const record = [&] {
        world.send(DeploymentPosted{{}, "shop", "v3", started, false, {}, {}});
        REQUIRE_FALSE(world.reply.error);
    };
    REQUIRE(world.end_step());
    if (meanwhile) record();
    REQUIRE(world.end_step());
    world.pass(1s);
    for (int i = 0; i < 4; ++i) {
        world.pass(500ms);
        world.probe(true);
    }
    REQUIRE(world.incident()->state == IncidentState::resolved);
    if (!meanwhile) record();
    auto const& shop = world.engine.state().service("shop");
    CHECK(shop.current == "v1");
    CHECK_FALSE(shop.window);
    CHECK(shop.versions.at("v3").standing == Standing::superseded);
}

TEST_CASE("a deployment while a rollback is on is current after it, and can be blamed") {
    World world;
    world.release_v2();
    world.fail_health(3);
    REQUIRE(world.answer());
    REQUIRE(world.end_step());
    world.deploy("v3");
    REQUIRE(world.end_step());
    world.pass(1s);
    for (int i = 0; i < 4; ++i) {
        world.pass(500ms);
        world.probe(true);
    }
    auto const& shop = world.engine.state().service("shop");
    CHECK(shop.current == "v3");
    REQUIRE(shop.window);
    CHECK(shop.deployment(*shop.window)->version == "v3");
}
