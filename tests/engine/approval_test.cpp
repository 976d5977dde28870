// Autonomy, approvals and what people decide.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

World breach(Autonomy autonomy) {
    auto policy = shop_policy();
    policy.daemon.autonomy = autonomy;
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    world.answer();
    return world;
}

}  // namespace

TEST_CASE("under advise a plan waits, and one approval of that plan runs it once") {
    auto world = breach(Autonomy::advise);
    REQUIRE(world.incident()->state == IncidentState::waiting);
    auto const plan = world.incident()->runs.front().plan.hash;
    world.send(Approved{{"anna", "approve"}, "INC-1", "other", {}});
    CHECK(world.reply.error->code == Errc::conflict);
    world.send(Approved{{"anna", "approve"}, "INC-1", plan, {}});
    CHECK_FALSE(world.reply.error);
    CHECK(world.incident()->state == IncidentState::acting);
    world.send(Approved{{"anna", "approve"}, "INC-1", plan, {}});
    CHECK_FALSE(world.reply.error);
    CHECK(world.reply.run == "RUN-1");
    CHECK(world.incident()->runs.size() == 1);
}

TEST_CASE("a step that waits for an approval cannot be confirmed past it") {
    auto policy = shop_policy();
    policy.services[0].playbooks[0].steps[0].approval = true;
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    world.answer();
    REQUIRE(world.incident()->state == IncidentState::waiting);
    world.send(StepConfirmed{{"eve", "operate"}, "INC-1", 1, "done", ""});
    REQUIRE(world.reply.error);
    CHECK(world.reply.error->code == Errc::conflict);
    CHECK(world.reply.error->what.find("rollbackctl approve INC-1") != std::string::npos);
    auto const plan = world.incident()->runs.front().plan.hash;
    world.send(Approved{{"anna", "approve"}, "INC-1", plan, {}});
    CHECK_FALSE(world.reply.error);
    CHECK(world.take<StartStep>());
}

TEST_CASE("under observe nothing runs and the refusal says so") {
    auto world = breach(Autonomy::observe);
    CHECK(world.incident()->state == IncidentState::open);
    CHECK(world.has_refusal("f", Guard::autonomy));
    CHECK(world.incident()->runs.empty());
}

TEST_CASE("an approval nobody gives is rejected and escalated") {
    auto world = breach(Autonomy::advise);
    for (int i = 0; i < 200; ++i) {
        world.pass(5s);
        world.probe(false);
    }
    CHECK(world.incident()->state == IncidentState::open);
    CHECK(world.incident()->escalated);
    CHECK(world.incident()->runs.front().state == RunState::aborted);
}

TEST_CASE("a plan is void when its trigger is no longer true") {
    auto world = breach(Autonomy::advise);
    auto const plan = world.incident()->runs.front().plan.hash;
    world.pass(1s);
    world.probe(true);
    world.send(Approved{{"anna", "approve"}, "INC-1", plan, {}});
    CHECK(world.reply.error->code == Errc::conflict);
    CHECK(world.incident()->state == IncidentState::open);
    world.send(Approved{{"anna", "approve"}, "INC-1", plan, {}});
    CHECK(world.reply.error->code == Errc::conflict);
}

TEST_CASE("a playbook that loses data asks whatever autonomy says, a manual run too") {
    auto policy = shop_policy();
    policy.services[0].playbooks[1].data_loss = DataLoss::possible;
    World world(std::move(policy));
    world.send(RunAsked{{"anna", "operate"}, "shop", "payments-off", "try", {}, {}});
    REQUIRE_FALSE(world.reply.error);
    CHECK(world.incident()->runs.front().state == RunState::waiting);
    CHECK(world.commands.empty());
}

TEST_CASE("a paused service refuses a manual run with the guard's name") {
    World world;
    world.send(Paused{{"anna", "operate"}, "shop"});
    world.send(RunAsked{{"anna", "operate"}, "shop", "payments-off", "", {}, {}});
    REQUIRE(world.reply.error);
    CHECK(world.reply.error->what.find("paused") != std::string::npos);
    world.send(Resumed{{"anna", "operate"}, "shop"});
    world.send(RunAsked{{"anna", "operate"}, "shop", "payments-off", "", {}, {}});
    CHECK_FALSE(world.reply.error);
}

TEST_CASE("a silence gates actions and messages, and its end judges again") {
    World world;
    world.release_v2();
    world.send(SilenceAdded{{"anna", "operate"}, "shop", 10min, "maintenance"});
    world.fail_health(3);
    world.answer();
    CHECK(world.has_refusal("f", Guard::silenced));
    CHECK(world.engine.state().outbox.empty());
    for (int i = 0; i < 130; ++i) {
        world.pass(5s);
        world.probe(false);
        world.answer();
    }
    CHECK(world.incident()->state == IncidentState::acting);
    CHECK_FALSE(world.engine.state().outbox.empty());
}

TEST_CASE("an abort ends the step, then the run, and freezes the service") {
    World world;
    world.release_v2();
    world.fail_health(3);
    world.answer();
    auto const start = world.take<StartStep>();
    world.send(Aborted{{"anna", "operate"}, "INC-1"});
    REQUIRE(world.take<AbortStep>());
    StepOutcome outcome;
    outcome.kind = OutcomeKind::aborted;
    world.send(StepEnded{start->run, 1, 1, outcome});
    CHECK(world.incident()->runs.front().state == RunState::aborted);
    CHECK(world.incident()->runs.front().why == "aborted by anna");
    CHECK(world.incident()->state == IncidentState::frozen);
    CHECK(world.commands.empty());
}

TEST_CASE("an abort that only the step's mark knows of ends the run: the ladder goes no further") {
    auto policy = shop_policy();
    auto& webhooks = policy.services[0].triggers[1];
    webhooks.blame = Blame::any;
    webhooks.response = Response{ResponseKind::ladder, {{"first", {}}, {"payments-off", {}}}};
    auto first = policy.services[0].playbooks[1];
    first.name = "first";
    first.steps[0].idempotent = true;
    first.steps[0].retries = 2;
    first.steps.push_back(first.steps[0]);
    policy.services[0].playbooks.push_back(first);
    World world(std::move(policy));
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.push(false);
    }
    auto const start = world.take<StartStep>();
    REQUIRE(start);
    StepOutcome outcome;
    outcome.abort_asked = true;
    auto const settled = GENERATE(false, true);
    outcome.kind = settled ? OutcomeKind::unknown
                           : GENERATE(OutcomeKind::aborted, OutcomeKind::failed, OutcomeKind::done);
    world.send(StepEnded{start->run, 1, 1, outcome});
    if (settled) {
        REQUIRE(world.take<SettleStep>());
        StepOutcome found;
        found.kind = GENERATE(OutcomeKind::failed, OutcomeKind::done);
        world.send(StepSettled{start->run, 1, found});
    }
    CHECK(world.incident()->runs.front().state == RunState::aborted);
    CHECK(world.incident()->runs.front().why.find("aborted by a person") == 0);
    CHECK(world.incident()->runs.size() == 1);
    CHECK(world.incident()->state == IncidentState::frozen);
    CHECK(world.commands.empty());
}

TEST_CASE(
    "a quarantined version deployed again stays bad, opens a window, and is released by a person"
) {
    World world;
    world.release_v2();
    world.fail_health(3);
    world.answer();
    world.end_step();
    world.end_step();
    for (int i = 0; i < 3; ++i) {
        world.pass(1s);
        world.probe(true);
    }
    world.deploy("v2");
    CHECK(world.reply.quarantined);
    CHECK(world.engine.state().service("shop").versions.at("v2").standing == Standing::bad);
    world.send(VersionReleased{{"anna", "operate"}, "shop", "v2", "mended"});
    CHECK(world.engine.state().service("shop").versions.at("v2").standing == Standing::baking);
}

TEST_CASE("a deployment that bakes undisturbed becomes known-good on fresh good samples") {
    World world;
    world.release_v2();
    world.pass(31min);
    CHECK(world.engine.state().service("shop").versions.at("v2").standing == Standing::baking);
    world.probe(true);
    CHECK(world.engine.state().service("shop").versions.at("v2").standing == Standing::known_good);
}

TEST_CASE("after a restart the engine adopts the step that was running") {
    World world;
    world.release_v2();
    world.fail_health(3);
    world.answer();
    auto other = world.replayed();
    auto const decision = other.decide(Recovered{}, world.now);
    REQUIRE(decision.commands.size() == 1);
    CHECK(std::get<AdoptStep>(decision.commands.front()).n == 1);
}

TEST_CASE("an input is taken as it is: one that would be filled in somewhere is refused") {
    auto policy = shop_policy();
    policy.services[0].playbooks[1].inputs["text"] = nullptr;
    World world(std::move(policy));
    for (auto const* const value : {"{{ repo }}", "${HOME}", "x${SHOP_TOKEN}"}) {
        CAPTURE(value);
        JsonObject inputs;
        inputs["text"] = value;
        world.send(RunAsked{{"anna", "operate"}, "shop", "payments-off", "", inputs, {}});
        REQUIRE(world.reply.error);
        CHECK(world.reply.error->code == Errc::invalid);
        CHECK_FALSE(version_problem(value).empty());
    }
    CHECK(version_problem("v1.2-rc.1+build/7").empty());
    CHECK_FALSE(version_problem("v1\xc2\x9b").empty());
}

TEST_CASE("when a person's own plan comes to nothing, what nobody has judged yet is judged") {
    auto policy = shop_policy();
    policy.services[0].playbooks[1].approval = true;
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);  // the world is being asked when a person plans something else
    world.send(RunAsked{{"op", "operate"}, "shop", "payments-off", "by hand", {}, {}});
    REQUIRE(world.incident()->state == IncidentState::waiting);
    REQUIRE(world.answer());
    REQUIRE(world.incident()->runs.size() == 1);
    world.send(Rejected{{"boss", "approve"}, "INC-1", ""});
    REQUIRE(world.answer());
    CHECK(world.incident()->state == IncidentState::acting);
    CHECK(world.incident()->runs.back().plan.playbook == "code-rollback");
}

TEST_CASE("what is not known to be true any more does not act when a person's plan comes to nothing"
) {
    auto policy = shop_policy();
    policy.services[0].playbooks[1].approval = true;
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    world.send(RunAsked{{"op", "operate"}, "shop", "payments-off", "by hand", {}, {}});
    REQUIRE(world.answer());
    world.pass(1min);  // nobody asks: health is stale
    world.send(Rejected{{"boss", "approve"}, "INC-1", ""});
    CHECK_FALSE(world.answer());
    CHECK(world.incident()->runs.size() == 1);
    world.probe(false);  // true again
    REQUIRE(world.answer());
    CHECK(world.incident()->state == IncidentState::acting);
}

// The most severe was not known to be true, so nothing was judged, and what was true beside it was
// never heard of again.
TEST_CASE("after a reject what is true is judged, though a more severe one may be over") {
    auto policy = shop_policy();
    policy.services[0].playbooks[1].approval = true;
    policy.services[0].triggers[1].severity = Severity::P1;
    World world(std::move(policy));
    world.release_v2();
    for (int i = 0; i < 4; ++i) world.push(false);
    world.send(RunAsked{{"op", "operate"}, "shop", "payments-off", "by hand", {}, {}});
    REQUIRE(world.incident()->state == IncidentState::waiting);
    world.answer();
    world.fail_health(3);
    world.pass(1s);
    world.probe(true);  // not often enough to call it over
    world.send(Rejected{{"boss", "approve"}, "INC-1", ""});
    REQUIRE(world.answer());
    CHECK(world.incident()->state == IncidentState::acting);
    CHECK(world.incident()->runs.back().answers == std::vector<std::string>{"webhooks"});
}

// A person's own run in a frozen service had a step by hand; confirmed, it ended the freeze.
TEST_CASE("frozen stays frozen though a person confirms a step of a run by hand") {
    auto policy = shop_policy();
    Step valve;
    valve.name = "valve";
    valve.type = "manual";
    auto& by_hand = policy.services[0].playbooks[1];
    by_hand.steps.insert(by_hand.steps.begin(), std::move(valve));
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    world.answer();
    world.end_step(OutcomeKind::failed);
    REQUIRE(world.incident()->state == IncidentState::frozen);
    world.send(RunAsked{{"anna", "operate"}, "shop", "payments-off", "by hand", {}, {}});
    REQUIRE(world.incident()->state == IncidentState::waiting);
    world.send(StepConfirmed{{"anna", "operate"}, "INC-1", 1, "done", "turned"});
    CHECK(world.engine.state().service("shop").frozen_text() == "INC-1");
    REQUIRE(world.end_step(OutcomeKind::failed));
    CHECK(world.engine.state().service("shop").frozen_text() == "INC-1");
}

// A person said no to a plan, and another trigger of the same incident began it at once.
TEST_CASE("a plan that a person has rejected does not begin by itself in that incident") {
    auto policy = shop_policy();
    policy.services[0].triggers[0].approval = true;
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    world.answer();
    REQUIRE(world.incident()->state == IncidentState::waiting);
    auto const fail_webhooks = [&] {
        for (int i = 0; i < 4; ++i) {
            world.pass(100ms);
            world.push(false);
        }
    };
    auto const reject = [&] { world.send(Rejected{{"boss", "approve"}, "INC-1", ""}); };
    SECTION("for a trigger that is true beside it: its next rung follows") {
        fail_webhooks();
        reject();
        while (world.answer()) {
        }
        REQUIRE(world.incident()->runs.size() == 2);
        CHECK(world.incident()->runs.back().plan.playbook == "payments-off");
    }
    SECTION("for one that joins later, or when the world has changed: it is asked for again") {
        reject();
        REQUIRE(world.incident()->state == IncidentState::open);
        CHECK(world.incident()->runs.front().by == "boss");
        bool const joins = GENERATE(true, false);
        if (joins) {
            fail_webhooks();
        } else {
            world.send(Resumed{{"op", "operate"}, "shop"});
        }
        REQUIRE(world.answer());
        REQUIRE(world.incident()->runs.size() == 2);
        auto const& run = world.incident()->runs.back();
        CHECK(run.plan.playbook == "code-rollback");
        CHECK(run.state == RunState::waiting);
        CHECK(run.why.find("boss has rejected the same plan (RUN-1)") != std::string::npos);
    }
    SECTION("another plan is another question") {
        reject();
        world.deploy("v1b", true);
        world.deploy("v3");
        world.pass(25s);
        world.probe(false);
        fail_webhooks();
        while (world.answer()) {
        }
        for (auto const& run : world.incident()->runs) {
            bool const other = run.plan.target == "v1b";
            CHECK((run.why.find("rejected") == std::string::npos) == other);
        }
    }
    CHECK(to_json(world.replayed().state()) == to_json(world.engine.state()));
}

TEST_CASE("a playbook that names its incident can be planned and run where none is open yet") {
    auto policy = shop_policy();
    policy.services[0].playbooks[1].steps[0].params =
        JsonObject{{"argv", JsonArray{"branch", "rollback-{{ incident.id }}"}}};
    World world(std::move(policy));
    auto const plan = world.engine.plan("shop", "payments-off", {}, world.now);
    REQUIRE(plan);
    CHECK(to_text(to_json(*plan)).find("rollback-INC-1") != std::string::npos);
    world.send(RunAsked{{"anna", "operate"}, "shop", "payments-off", "try", {}, {}});
    REQUIRE_FALSE(world.reply.error);
    CHECK(world.incident("INC-1")->runs.front().plan == *plan);
}

TEST_CASE("what people should do afterwards is told with its values filled in") {
    auto policy = shop_policy();
    auto& playbook = policy.services[0].playbooks[1];
    playbook.follow_up = {"payments of {{ service }} are off, see {{ incident.id }}"};
    playbook.duties = {{"ask", "ask about {{ service }}", 1h, DutyFrom::recovery, ""}};
    World world(std::move(policy));
    auto const plan = world.engine.plan("shop", "payments-off", {}, world.now);
    REQUIRE(plan);
    CHECK(plan->follow_up.front() == "payments of shop are off, see INC-1");
    CHECK(plan->duties.front().text == "ask about shop");
}
