// What people decide, and what never goes on without them.
#include "tests/engine/support/interrupted.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

/// Four failing webhooks ask for a playbook whose second step needs a person.
World with_step(Step second) {
    auto policy = shop_policy();
    auto& webhooks = policy.services[0].triggers[1];
    webhooks.blame = Blame::any;
    webhooks.response = Response{ResponseKind::ladder, {{"payments-off", {}}}};
    policy.services[0].playbooks[1].steps.push_back(std::move(second));
    World world(std::move(policy));
    fail_webhooks(world);
    world.end_step();
    REQUIRE(world.incident()->state == IncidentState::waiting);
    return world;
}

Step approved_step() {
    Step step;
    step.name = "drop";
    step.type = "exec";
    step.approval = true;
    return step;
}

}  // namespace

TEST_CASE("after a reject the incident is open and escalated, and nothing can be approved") {
    auto policy = shop_policy();
    policy.daemon.autonomy = Autonomy::advise;
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    world.answer();
    auto const plan = world.incident()->runs.front().plan.hash;
    world.send(Rejected{{"anna", "approve"}, "INC-1", plan});
    CHECK(world.incident()->state == IncidentState::open);
    CHECK(world.incident()->escalated);
    world.send(Approved{{"anna", "approve"}, "INC-1", plan, {}});
    CHECK(world.reply.error->code == Errc::conflict);
    CHECK(world.commands.empty());
}

TEST_CASE("a plan whose target has changed meanwhile is void, a person's own too") {
    auto policy = shop_policy();
    policy.services[0].playbooks[0].data_loss = DataLoss::possible;
    World world(std::move(policy));
    world.release_v2();
    world.send(RunAsked{anna, "shop", "code-rollback", "", {}, {}});
    REQUIRE(world.incident()->state == IncidentState::waiting);
    auto const plan = world.incident()->runs.front().plan.hash;
    world.deploy("v1b", true);
    world.send(Approved{{"bert", "approve"}, "INC-1", plan, {}});
    REQUIRE(world.reply.error);
    CHECK(world.incident()->runs.front().state == RunState::aborted);
    CHECK(world.commands.empty());
}

TEST_CASE("on approval every guard is judged again") {
    auto policy = shop_policy();
    policy.daemon.autonomy = Autonomy::advise;
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    world.answer();
    auto const plan = world.incident()->runs.front().plan.hash;
    Answer answer;
    SECTION("a dependency fails now") { answer.failing.push_back({"database", "port", "refused"}); }
    SECTION("we are blind now") { answer.blind = true; }
    SECTION("the target is gone now") { answer.preflight["code-rollback"] = "no such commit"; }
    SECTION("a pause came between") { world.send(Paused{anna, "shop"}); }
    SECTION("a silence came between") { world.send(SilenceAdded{anna, "shop", 1h, "work"}); }
    world.send(Approved{{"anna", "approve"}, "INC-1", plan, answer});
    REQUIRE(world.reply.error);
    CHECK(world.incident()->runs.front().state == RunState::aborted);
    CHECK_FALSE(world.incident()->runs.front().started_at);
}

TEST_CASE("an interrupted step that was not done ends the run, and a person decides what follows") {
    auto world = interrupted();
    world.send(StepConfirmed{anna, "INC-1", 1, "not_done", ""});
    CHECK(world.incident()->runs.front().state == RunState::failed);
    CHECK(world.incident()->state == IncidentState::frozen);
    CHECK(world.commands.empty());
}

TEST_CASE("an interrupted run does not go on beside another one") {
    auto world = interrupted();
    world.send(RunAsked{anna, "shop", "payments-off", "by hand", {}, {}});
    REQUIRE_FALSE(world.reply.error);
    world.send(StepConfirmed{anna, "INC-1", 1, "done", ""});
    // The newest run is the one that is on; the interrupted one stays as it is.
    CHECK(world.incident()->runs[0].state == RunState::interrupted);
}

TEST_CASE("what a person has resolved is over: nothing of it can be confirmed any more") {
    auto world = interrupted();
    world.send(ResolvedBy{anna, "INC-1", "by hand"});
    REQUIRE(world.incident()->state == IncidentState::resolved);
    CHECK(world.incident()->runs.front().state == RunState::aborted);
    world.send(StepConfirmed{anna, "INC-1", 1, "done", ""});
    CHECK(world.reply.error->code == Errc::conflict);
    CHECK(world.commands.empty());
}

TEST_CASE("samples from before a person's resolve never begin the breach again") {
    auto world = interrupted();
    world.send(ResolvedBy{anna, "INC-1", "by hand"});
    world.pass(1s);
    world.probe(false);
    world.pass(1s);
    world.probe(false);
    CHECK(world.engine.state().incident_order.size() == 1);
    world.pass(1s);
    world.probe(false);
    CHECK(world.engine.state().incident_order.size() == 2);
}

TEST_CASE("silence that a person has resolved is told again where nothing is heard since") {
    auto policy = shop_policy();
    auto& shop = policy.services[0];
    shop.triggers[0].when =
        condition(GENERATE(as<std::string>(), "absent(requests, 1m)", "stale(requests)"));
    shop.triggers[0].response = Response{ResponseKind::alert, {}};
    for (auto& signal : shop.signals) {
        if (signal.name == "requests") signal.stale_after = 1min;
    }
    World world(std::move(policy));
    world.push(true, "requests");
    world.pass(70s);
    REQUIRE(world.incident("INC-1") != nullptr);
    world.send(ResolvedBy{anna, "INC-1", "it is off for today"});
    world.pass(50s);
    CHECK(world.incident("INC-2") == nullptr);
    world.pass(20s);
    CHECK(world.incident("INC-2") != nullptr);
}

TEST_CASE("a step that waits for approval can be rejected, and then people take over") {
    auto world = with_step(approved_step());
    world.send(Rejected{{"bert", "approve"}, "INC-1", "not this plan"});
    CHECK(world.reply.error->code == Errc::conflict);
    world.send(Rejected{{"bert", "approve"}, "INC-1", world.incident()->runs[0].plan.hash});
    CHECK_FALSE(world.reply.error);
    CHECK(world.incident()->runs[0].state == RunState::aborted);
    CHECK(world.incident()->escalated);
    CHECK(world.commands.empty());
}

TEST_CASE("an objection in mid-run ends nothing: the step waits on, and is approved once it is gone"
) {
    auto policy = shop_policy();
    policy.services[0].depends_on = {"database"};
    policy.services[0].release.schema_type = "sql";
    policy.services[0].playbooks[0].steps[1].approval = true;
    World world(std::move(policy));
    DeploymentPosted good{{"ci", "ingest"}, "shop", "v1", {}, true, {}, {}};
    good.facts.schema = "7";
    world.send(good);
    world.push(true);
    world.probe(true);
    good.version = "v2";
    good.known_good = false;
    world.send(good);
    world.pass(25s);
    world.probe(true);
    Answer answer;
    answer.schema_asked = true;
    answer.schema = "7";
    world.fail_health(3);
    REQUIRE(world.answer(answer));
    world.end_step();
    REQUIRE(world.incident()->state == IncidentState::waiting);
    auto const approve = [&](Answer const& found) {
        auto const plan = world.incident()->runs.front().plan.hash;
        world.send(Approved{{"bert", "approve"}, "INC-1", plan, found});
    };
    auto found = answer;
    std::string guard;
    SECTION("paused") {
        world.send(Paused{anna, "shop"});
        guard = "paused";
    }
    SECTION("silenced") {
        world.send(SilenceAdded{anna, "shop", 1h, "work"});
        guard = "silenced";
    }
    SECTION("blind") {
        found.blind = true;
        guard = "blind";
    }
    SECTION("a dependency fails") {
        found.failing.push_back({"database", "port", "refused"});
        guard = "dependency_failing";
    }
    SECTION("the target cannot be restored any more") {
        found.preflight["code-rollback"] = "no such commit";
        guard = "no_target";
    }
    SECTION("the schema has moved") {
        found.schema = "8";
        guard = "schema_moved";
    }
    approve(found);
    REQUIRE(world.reply.error);
    CHECK(world.reply.error->code == Errc::conflict);
    CHECK(world.reply.error->what.find("step 2 goes on waiting: " + guard) == 0);
    CHECK(world.incident()->state == IncidentState::waiting);
    CHECK(world.incident()->runs.front().state == RunState::running);
    CHECK(world.commands.empty());
    world.send(Resumed{anna, "shop"});
    world.send(SilenceRemoved{anna, "SIL-1"});
    approve(answer);
    CHECK_FALSE(world.reply.error);
    CHECK(world.incident()->state == IncidentState::acting);
    CHECK(world.take<StartStep>());
}

TEST_CASE("a target that was quarantined in mid-run is not restored by an approval") {
    auto policy = shop_policy();
    policy.services[0].playbooks[0].steps[1].approval = true;
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    world.answer();
    world.end_step();
    auto const plan = world.incident()->runs.front().plan.hash;
    RecordBody const bad = Quarantined{"shop", "v1", "INC-1", "RUN-1"};
    world.append(bad);
    world.send(Approved{{"bert", "approve"}, "INC-1", plan, {}});
    REQUIRE(world.reply.error);
    CHECK(world.reply.error->what.find("quarantined") != std::string::npos);
    CHECK(world.commands.empty());
}

TEST_CASE("containment may make its own trigger false: the step that waits can still be approved") {
    auto world = with_step(approved_step());
    world.push(true);
    world.push(true);
    world.push(true);
    CHECK(world.incident()->state == IncidentState::waiting);
    CHECK(world.incident()->runs[0].state == RunState::running);
    world.deploy("v9");  // nor does what else happens end a run whose step waits
    CHECK(world.incident()->state == IncidentState::waiting);
    world.send(Approved{{"bert", "approve"}, "INC-1", world.incident()->runs[0].plan.hash, {}});
    CHECK_FALSE(world.reply.error);
    CHECK(world.take<StartStep>());
}

TEST_CASE("what the head does itself can be approved too") {
    Step note;
    note.name = "tell";
    note.type = "notify";
    note.approval = true;
    note.params = JsonObject{{"text", "the site is closed"}};
    auto world = with_step(note);
    world.send(Approved{{"bert", "approve"}, "INC-1", world.incident()->runs[0].plan.hash, {}});
    CHECK_FALSE(world.reply.error);
    CHECK(world.incident()->runs[0].steps[1].state == StepState::done);
    CHECK(world.commands.empty());
}

TEST_CASE("a step that nobody approves is rejected and escalated") {
    auto world = with_step(approved_step());
    world.pass(14min);
    REQUIRE(world.incident()->state == IncidentState::waiting);
    world.pass(2min);
    CHECK(world.incident()->runs[0].state == RunState::aborted);
    CHECK(world.incident()->escalated);
}

TEST_CASE("a manual step past its deadline is escalated and goes on waiting") {
    Step manual;
    manual.name = "call";
    manual.type = "manual";
    manual.timeout = 10min;
    manual.params = JsonObject{{"say", "call the provider"}};
    auto world = with_step(manual);
    world.pass(11min);
    CHECK(world.incident()->escalated);
    CHECK(world.incident()->state == IncidentState::waiting);
    world.send(StepConfirmed{anna, "INC-1", 2, "done", ""});
    CHECK(world.incident()->runs[0].steps[1].state == StepState::done);
}

TEST_CASE("an answer that comes while a person's run is on changes nothing") {
    World world;
    world.release_v2();
    world.fail_health(3);
    auto const ask = world.take<AskFresh>();
    REQUIRE(ask);
    world.send(RunAsked{anna, "shop", "payments-off", "by hand", {}, {}});
    REQUIRE_FALSE(world.reply.error);
    world.send(Answered{ask->incident, ask->ask, {}});
    CHECK(world.incident()->state == IncidentState::acting);
    CHECK(world.incident()->runs.size() == 1);
}

TEST_CASE("a symptom that a person raised keeps the deployment from becoming known-good") {
    World world;
    world.release_v2();
    world.send(Raised{anna, "shop", "down", "customers call"});
    auto const& shop = world.engine.state().service("shop");
    CHECK(shop.deployment(*shop.window)->disturbed);
}

TEST_CASE("a raised symptom passes the same guards and then acts though no sample says so") {
    World world;
    world.release_v2();
    world.send(Raised{anna, "shop", "down", "customers call"});
    REQUIRE(world.answer());
    CHECK(world.incident()->state == IncidentState::acting);
    CHECK(world.incident()->blamed == "v2");
}

TEST_CASE("after a pause only what is known to be true acts: stale data does not") {
    World world;
    world.release_v2();
    world.send(Paused{anna, "shop"});
    world.fail_health(3);
    world.answer();
    REQUIRE(world.has_refusal("f", Guard::paused));
    world.pass(1min);  // no probe: stale
    world.send(Resumed{anna, "shop"});
    CHECK_FALSE(world.answer());
    CHECK(world.incident()->runs.empty());
    CHECK(world.incident()->state == IncidentState::open);
    world.probe(false);  // true again, on a fresh sample
    REQUIRE(world.answer());
    CHECK(world.incident()->state == IncidentState::acting);
}

TEST_CASE("propose makes the plan ready, pages nobody, and runs once approved") {
    auto policy = shop_policy();
    policy.services[0].triggers[1].response =
        Response{ResponseKind::propose, {{"payments-off", {}}}};
    World world(std::move(policy));
    fail_webhooks(world);
    REQUIRE(world.incident()->state == IncidentState::waiting);
    CHECK(world.engine.state().outbox.empty());
    auto const plan = world.incident()->runs.front().plan.hash;
    world.send(Approved{{"bert", "approve"}, "INC-1", plan, {}});
    REQUIRE_FALSE(world.reply.error);
    CHECK(world.incident()->runs.front().state == RunState::running);
}

TEST_CASE("a proposed plan that is approved while the service is frozen is void") {
    auto policy = shop_policy();
    policy.services[0].triggers[1].response =
        Response{ResponseKind::propose, {{"payments-off", {}}}};
    World world(std::move(policy));
    world.release_v2();
    fail_webhooks(world);
    REQUIRE(world.incident("INC-1")->state == IncidentState::waiting);
    auto const plan = world.incident("INC-1")->runs.front().plan.hash;
    world.fail_health(3);
    world.answer();
    world.end_step(OutcomeKind::failed);
    REQUIRE(world.incident("INC-2")->state == IncidentState::frozen);
    world.send(Approved{{"bert", "approve"}, "INC-1", plan, {}});
    REQUIRE(world.reply.error);
    CHECK(world.reply.error->what.find("frozen") != std::string::npos);
    CHECK_FALSE(world.incident("INC-1")->runs.front().started_at);
}

TEST_CASE("a plan that came to nothing does not make its playbook untried again") {
    World world;
    world.send(RunAsked{{"op", "operate"}, "shop", "payments-off", "by hand", {}, {}});
    REQUIRE(world.end_step(OutcomeKind::failed));
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.push(false);  // joins; code-rollback has no deployment to blame, payments-off has run
    }
    world.answer();
    auto const find = [&]() -> RungState {
        for (auto const& rung : world.incident()->ladder) {
            if (rung.playbook == "payments-off") return rung.state;
        }
        return RungState::untried;
    };
    REQUIRE(find() == RungState::failed);
    auto policy = std::make_shared<Policy>(*world.policy);
    policy->services[0].playbooks[1].approval = true;
    world.engine.set_policy(policy, world.now);
    world.send(RunAsked{{"op", "operate"}, "shop", "payments-off", "by hand", {}, {}});
    world.send(Rejected{{"boss", "approve"}, "INC-1", ""});
    CHECK(find() == RungState::failed);
}
