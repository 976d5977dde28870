// Frozen: what ends it, and what does not.
#include "tests/engine/support/interrupted.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

TEST_CASE("a frozen service acts no more by itself, though more breaks") {
    auto world = interrupted();
    fail_webhooks(world);
    world.answer();
    CHECK(world.incident()->state == IncidentState::frozen);
    CHECK(world.incident()->runs.size() == 1);
    world.send(Resumed{anna, ""});  // of the daemon, not of the service
    CHECK(world.incident()->state == IncidentState::frozen);
    world.send(RunAsked{anna, "shop", "payments-off", "by hand", {}, {}});
    CHECK_FALSE(world.reply.error);
}

TEST_CASE("resume of a frozen service judges what is still true at once") {
    auto world = interrupted();
    fail_webhooks(world);
    world.send(Resumed{anna, "shop"});
    world.answer();
    CHECK(world.engine.state().service("shop").frozen_by.empty());
    CHECK(world.incident()->runs.size() == 2);
    CHECK(world.incident()->runs[1].plan.playbook == "payments-off");
}

TEST_CASE("what a resume has ended begins no more, whatever is said of its interrupted step") {
    auto world = interrupted();
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.probe(true);
    }
    world.send(Resumed{anna, "shop"});
    REQUIRE(world.incident()->state == IncidentState::resolved);
    world.send(StepConfirmed{anna, "INC-1", 1, "done", ""});
    REQUIRE(world.reply.error);
    CHECK(world.reply.error->code == Errc::conflict);
    CHECK(world.incident()->state == IncidentState::resolved);
    CHECK(world.commands.empty());
}

// It was, and the next breach rolled back with nobody having looked at the interrupted run.
TEST_CASE("a run by hand that is verified does not end a freeze, a person does") {
    auto world = interrupted();
    world.send(RunAsked{anna, "shop", "payments-off", "by hand", {}, {}});
    REQUIRE_FALSE(world.reply.error);
    REQUIRE(world.end_step());
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.probe(true);
    }
    REQUIRE(world.incident()->runs.back().state == RunState::succeeded);
    CHECK(world.incident()->state == IncidentState::frozen);
    CHECK(world.engine.state().service("shop").frozen_text() == "INC-1");
    world.send(Resumed{anna, "shop"});
    CHECK(world.incident()->state == IncidentState::resolved);
    CHECK(world.engine.state().service("shop").frozen_by.empty());
}

// Its plan waited, the trigger became false, and incident and freeze were over.
TEST_CASE("frozen stays frozen though the service recovers while a plan by hand waits") {
    auto policy = shop_policy();
    policy.services[0].playbooks[1].approval = true;
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    world.answer();
    world.end_step(OutcomeKind::failed);
    REQUIRE(world.incident()->state == IncidentState::frozen);
    world.send(RunAsked{anna, "shop", "payments-off", "by hand", {}, {}});
    REQUIRE(world.incident()->state == IncidentState::waiting);
    SECTION("the service recovers") {
        for (int i = 0; i < 4; ++i) {
            world.pass(1s);
            world.probe(true);
        }
    }
    SECTION("somebody rejects it") { world.send(Rejected{{"bert", "approve"}, "INC-1", ""}); }
    SECTION("nobody answers") { world.pass(1h); }
    CHECK(world.incident()->state == IncidentState::frozen);
    CHECK(world.engine.state().service("shop").frozen_text() == "INC-1");
}

// The breach lay within the release's start_period, and the incident was open until its end.
TEST_CASE("frozen stays frozen though a release is recorded while a plan by hand waits") {
    auto policy = shop_policy();
    policy.services[0].playbooks[1].approval = true;
    policy.services[0].start_period = 20s;
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    world.answer();
    world.end_step(OutcomeKind::failed);
    REQUIRE(world.incident()->state == IncidentState::frozen);
    fail_webhooks(world);
    world.send(RunAsked{anna, "shop", "payments-off", "by hand", {}, {}});
    REQUIRE(world.incident()->state == IncidentState::waiting);
    auto const began = world.now.wall - 10s;  // before the second breach
    world.send(DeploymentPosted{{"ci", "ingest"}, "shop", "v3", began, false, {}, {}});
    CHECK(world.incident()->runs.back().state == RunState::aborted);
    CHECK(world.incident()->state == IncidentState::frozen);
    CHECK(world.engine.state().service("shop").frozen_text() == "INC-1");
}

// The second took the place of the first, and its end was the end of both.
TEST_CASE("frozen by two incidents is frozen until both are over") {
    auto policy = shop_policy();
    policy.services[0].triggers[1].response =
        Response{ResponseKind::propose, {{"payments-off", {}}}};
    World world(std::move(policy));
    world.release_v2();
    fail_webhooks(world);
    world.answer();
    REQUIRE(world.incident()->state == IncidentState::waiting);
    auto const plan = world.incident()->runs[0].plan.hash;
    world.send(Approved{{"bert", "approve"}, "INC-1", plan, {}});
    REQUIRE(world.end_step(OutcomeKind::failed));
    REQUIRE(world.incident()->state == IncidentState::frozen);
    world.send(RunAsked{anna, "shop", "payments-off", "by hand", {}, {}});
    REQUIRE_FALSE(world.reply.error);
    REQUIRE(world.end_step(OutcomeKind::failed));
    REQUIRE(world.incident("INC-2") != nullptr);
    REQUIRE(world.incident("INC-2")->state == IncidentState::frozen);
    CHECK(world.engine.state().service("shop").frozen_text() == "INC-1, INC-2");
    SECTION("one after the other") {
        auto const [first, second] = GENERATE(
            std::pair<std::string, std::string>("INC-1", "INC-2"),
            std::pair<std::string, std::string>("INC-2", "INC-1")
        );
        world.send(ResolvedBy{anna, first, "looked at"});
        CHECK(world.engine.state().service("shop").frozen_text() == second);
        CHECK(world.incident(second)->state == IncidentState::frozen);
        world.send(ResolvedBy{anna, second, "looked at"});
    }
    SECTION("or all at once") { world.send(Resumed{anna, "shop"}); }
    CHECK(world.engine.state().service("shop").frozen_by.empty());
}
