// From the last step to recovery: declared only when verified, and only on fresh samples.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

/// The rollback's steps are done; its verification begins.
World verifying(Policy policy = shop_policy()) {
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    world.answer();
    world.end_step();
    world.end_step();
    return world;
}

void probe(World& world, bool ok, int times = 1) {
    for (int i = 0; i < times; ++i) {
        world.pass(1s);
        world.probe(ok);
    }
}

/// A provider delivers.
void deliver(World& world, std::string const& by, bool ok, int times = 1) {
    for (int i = 0; i < times; ++i) {
        world.pass(1s);
        world.sample({"shop", "health", world.now.boot, StateValue{ok, "", 1ms}, {}, by, {}, true});
    }
}

}  // namespace

TEST_CASE("good samples from before the last step prove nothing") {
    World world;
    world.release_v2();
    world.fail_health(3);
    world.answer();
    world.end_step();
    probe(world, true, 3);
    world.end_step();
    CHECK(world.incident()->state == IncidentState::verifying);
    probe(world, true, 2);
    CHECK(world.incident()->state == IncidentState::verifying);
    probe(world, true);
    CHECK(world.incident()->state == IncidentState::resolved);
}

TEST_CASE("a probe begun before the last step ended and answered after it proves nothing") {
    auto world = verifying();
    auto const begun = world.now.boot;
    world.pass(1s);
    for (int i = 0; i < 3; ++i) {
        world.sample({"shop", "health", begun, StateValue{true, "", 1ms}, {}, {}, {}, true});
    }
    CHECK(world.incident()->state == IncidentState::verifying);
}

TEST_CASE("what another delivers proves nothing of the one that still fails") {
    World world;
    world.release_v2();
    deliver(world, "stripe", false, 3);
    world.answer();
    world.end_step();
    world.end_step();
    REQUIRE(world.incident()->state == IncidentState::verifying);
    deliver(world, "stripe", false);
    deliver(world, "paypal", true, 5);
    CHECK(world.incident()->state == IncidentState::verifying);
    deliver(world, "stripe", true);
    CHECK(world.incident()->state == IncidentState::resolved);
}

TEST_CASE("every verify entry must pass, whatever the trigger says") {
    auto policy = shop_policy();
    policy.services[0].playbooks[0].verify.push_back(
        {CheckKind::hold, "ok(health)", 10s, {}, {}, {}}
    );
    auto world = verifying(std::move(policy));
    probe(world, true, 8);
    CHECK(world.incident()->state == IncidentState::verifying);
    probe(world, true, 4);
    CHECK(world.incident()->state == IncidentState::resolved);
}

TEST_CASE("a person's run that nothing proves is unverified, and a person says what it came to") {
    auto policy = shop_policy();
    Duty duty;
    duty.name = "tell";
    duty.text = "tell the provider";
    policy.services[0].playbooks[1].duties = {duty};
    World world(std::move(policy));
    world.send(RunAsked{{"anna", "operate"}, "shop", "payments-off", "", {}, {}});
    world.end_step();
    CHECK(world.incident()->state == IncidentState::unverified);
    CHECK_FALSE(world.incident()->recovered_at);
    CHECK(world.incident()->runs[0].state == RunState::succeeded);
    CHECK(world.incident()->duties.size() == 1);
    for (auto const& [id, message] : world.engine.state().outbox) {
        CHECK(message->event != "incident.verified");
        CHECK(message->text.find("verified it") == std::string::npos);
    }
    world.probe(true);
    world.pass(10min);
    CHECK(world.incident()->state == IncidentState::unverified);
    world.send(ResolvedBy{{"anna", "operate"}, "INC-1", "the shop sells"});
    CHECK(world.incident()->state == IncidentState::resolved);
    CHECK(world.incident()->runs[0].state == RunState::succeeded);
}

TEST_CASE("what joins a run that nothing proves is what proves it") {
    World world;
    world.release_v2();
    world.send(RunAsked{{"anna", "operate"}, "shop", "payments-off", "", {}, {}});
    world.fail_health(3);
    world.end_step();
    CHECK(world.incident()->state == IncidentState::verifying);
    for (int i = 0; i < 3; ++i) {
        world.pass(1s);
        world.probe(true);
    }
    CHECK(world.incident()->state == IncidentState::resolved);
    CHECK(world.incident()->recovered_at);
}

TEST_CASE("a manual entry of verify waits for the person who says so") {
    auto policy = shop_policy();
    policy.services[0].playbooks[0].verify.push_back(
        {CheckKind::manual, {}, {}, {}, "the shop looks right", {}}
    );
    auto world = verifying(std::move(policy));
    probe(world, true, 5);
    REQUIRE(world.incident()->state == IncidentState::verifying);
    world.send(StepConfirmed{{"anna", "operate"}, "INC-1", 4, "done", ""});
    REQUIRE_FALSE(world.reply.error);
    CHECK(world.incident()->state == IncidentState::resolved);
}

TEST_CASE("an entry that does not come to pass within its time fails the run") {
    auto world = verifying();
    probe(world, false, 59);
    REQUIRE(world.incident()->runs.front().state == RunState::verifying);
    probe(world, false, 1);
    CHECK(world.incident()->runs.front().state == RunState::failed);
}

TEST_CASE("resolve_after as a duration: false for all of it, not only at its end") {
    auto policy = shop_policy();
    policy.services[0].limits.settle = 5min;
    policy.services[0].triggers[0].resolve_after.duration = 60s;
    policy.services[0].playbooks[0].verify.clear();
    auto world = verifying(std::move(policy));
    probe(world, true);
    probe(world, false, 4);
    probe(world, true, 57);  // 62 s after the last step, 57 s false
    CHECK(world.incident()->state == IncidentState::verifying);
    probe(world, true, 5);
    CHECK(world.incident()->state == IncidentState::resolved);
}

TEST_CASE("still true at settle's end: the run has failed, and nothing calls it recovered") {
    auto policy = shop_policy();
    policy.services[0].playbooks[0].verify.clear();
    auto world = verifying(std::move(policy));
    probe(world, false, 119);
    REQUIRE(world.incident()->runs.front().state == RunState::verifying);
    probe(world, false, 1);
    CHECK(world.incident()->runs.front().state == RunState::failed);
    CHECK_FALSE(world.incident()->recovered_at);
}

TEST_CASE("an unverified run whose data decides against it is a failed one") {
    auto policy = shop_policy();
    policy.services[0].playbooks[0].verify.clear();
    auto world = verifying(std::move(policy));
    world.pass(3min);
    REQUIRE(world.incident()->state == IncidentState::unverified);
    CHECK(world.incident()->runs.size() == 1);
    probe(world, false, 3);
    CHECK(world.incident()->runs.front().state == RunState::failed);
    CHECK(world.incident()->state == IncidentState::frozen);
}

TEST_CASE("success entries and duties come after recovery, and hold no lock") {
    auto policy = shop_policy();
    auto& playbook = policy.services[0].playbooks[0];
    playbook.success = {{CheckKind::hold, "ok(health)", 30s, {}, {}, {}}};
    Duty tell;
    tell.name = "tell";
    tell.text = "tell the customers";
    tell.deadline = 10min;
    tell.from = DutyFrom::recovery;
    playbook.duties = {tell};
    policy.services[0].duties = {tell};
    policy.services[0].duties[0].from = DutyFrom::detection;
    auto world = verifying(std::move(policy));
    probe(world, true, 3);
    CHECK(world.incident()->state == IncidentState::verifying);
    REQUIRE(world.incident()->recovered_at);
    CHECK(world.incident()->runs.front().state == RunState::succeeded);
    world.send(RunAsked{{"anna", "operate"}, "shop", "payments-off", "", {}, {}});
    CHECK_FALSE(world.reply.error);  // the lock is free
    REQUIRE(world.incident()->duties.size() == 2);
    auto const& incident = *world.incident();
    CHECK(incident.duties[0].due_at.boot == incident.opened_at.boot + 10min);
    CHECK(incident.duties[1].due_at.boot == incident.recovered_at->boot + 10min);
}

TEST_CASE("silence of an error log is what a success entry waits for, and a line begins it anew") {
    auto policy = shop_policy();
    policy.services[0].playbooks[0].success = {
        {CheckKind::hold, "failures(requests, 5m) == 0", 5min, {}, {}, {}}
    };
    auto world = verifying(std::move(policy));
    probe(world, true, 3);
    REQUIRE(world.incident()->recovered_at);
    bool const line = GENERATE(false, true);
    probe(world, true, 200);
    if (line) world.push(false, "requests");
    probe(world, true, 99);
    CHECK(world.incident()->state == IncidentState::verifying);
    probe(world, true, 10);
    CHECK(world.incident()->state == (line ? IncidentState::verifying : IncidentState::resolved));
    probe(world, true, 600);
    CHECK(world.incident()->state == IncidentState::resolved);
}

TEST_CASE("a duty past its deadline is told once, and one that does not apply needs a reason") {
    auto policy = shop_policy();
    Duty duty;
    duty.name = "tell";
    duty.text = "tell the customers";
    duty.deadline = 10min;
    policy.services[0].duties = {duty};
    auto world = verifying(std::move(policy));
    probe(world, true, 3);
    REQUIRE(world.incident()->state == IncidentState::resolved);
    auto const overdue = [&] {
        int found = 0;
        for (auto const& [id, message] : world.engine.state().outbox) {
            found += message->event == "duty.overdue" ? 1 : 0;
        }
        return found;
    };
    world.pass(8min);
    CHECK(overdue() == 0);
    world.send(SilenceAdded{{"anna", "operate"}, "shop", 5min, "work"});
    world.pass(4min);
    CHECK(overdue() == 0);
    world.pass(10min);
    CHECK(overdue() == 1);
    world.send(DutyConfirmed{{"anna", "operate"}, "INC-1", 1, "does_not_apply", ""});
    CHECK(world.reply.error->code == Errc::invalid);
    world.send(DutyConfirmed{{"anna", "operate"}, "INC-1", 1, "does_not_apply", "no customers"});
    CHECK(world.incident()->duties[0].state == DutyState::does_not_apply);
}

TEST_CASE("a deployment during a run: it ends on its target, and the window opens afterwards") {
    World world;
    world.release_v2();
    world.fail_health(3);
    world.answer();
    world.deploy("v3");
    CHECK(world.incident()->runs.size() == 1);
    world.end_step();
    world.end_step();
    auto const ended = world.now.boot + 3s;
    probe(world, true, 3);
    REQUIRE(world.incident()->state == IncidentState::resolved);
    CHECK(world.incident()->runs.front().plan.target == "v1");
    auto const& shop = world.engine.state().service("shop");
    REQUIRE(shop.window);
    CHECK(shop.deployment(*shop.window)->version == "v3");
    CHECK(shop.deployment(*shop.window)->from().boot == ended);
}

TEST_CASE("whoever records a rollback's own target tells nothing new, and opens no window") {
    auto world = verifying();
    world.deploy("v1");
    probe(world, true, 3);
    REQUIRE(world.incident()->state == IncidentState::resolved);
    world.deploy("v1");
    auto const& shop = world.engine.state().service("shop");
    CHECK(shop.current == "v1");
    CHECK_FALSE(shop.window);
    CHECK(shop.versions.at("v1").standing == Standing::known_good);
}

TEST_CASE("who joined a verified run and stays silent is watched until its own data decides") {
    World world;
    world.release_v2();
    world.fail_health(3);
    world.answer();
    for (int i = 0; i < 4; ++i) world.push(false);
    world.pass(1s);
    world.end_step();
    world.end_step();
    probe(world, true, 3);
    REQUIRE(world.incident()->recovered_at);
    probe(world, true, 130);
    CHECK(world.incident()->state == IncidentState::unverified);
    CHECK(world.incident()->runs.size() == 1);
    for (int i = 0; i < 3; ++i) {
        world.pass(1s);
        world.push(true);
    }
    CHECK(world.incident()->state == IncidentState::resolved);
}

TEST_CASE("a proposed plan that was approved is verified by samples as any other") {
    auto policy = shop_policy();
    policy.services[0].triggers[1].response =
        Response{ResponseKind::propose, {{"payments-off", {}}}};
    World world(std::move(policy));
    for (int i = 0; i < 4; ++i) world.push(false);
    auto const plan = world.incident()->runs.front().plan.hash;
    world.send(Approved{{"bert", "approve"}, "INC-1", plan, {}});
    world.end_step();
    CHECK(world.engine.pace("shop", "health", world.now) == 500ms);
    for (int i = 0; i < 3; ++i) {
        world.pass(1s);
        world.push(true);
    }
    CHECK(world.incident()->state == IncidentState::resolved);
}

TEST_CASE("failures that wait for the end of a start_period keep a run from being verified") {
    World world;
    world.release_v2();
    world.fail_health(3);
    REQUIRE(world.answer());
    REQUIRE(world.end_step());
    REQUIRE(world.end_step());
    REQUIRE(world.incident()->state == IncidentState::verifying);
    world.deploy("v3");
    world.pass(1s);
    world.probe(false);  // waits: the deployment has just begun
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.probe(true);
    }
    CHECK(world.incident()->state == IncidentState::verifying);
    world.pass(20s);
    world.probe(true);
    CHECK(world.incident()->state == IncidentState::resolved);
}

TEST_CASE("what was cleared on fresh samples beside a run begins again on newer ones only") {
    auto policy = shop_policy();
    policy.services[0].triggers[1].when = condition("failures(webhooks, 10m) >= 3");
    policy.services[0].triggers[1].response = policy.services[0].triggers[0].response;
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    REQUIRE(world.answer());
    REQUIRE(world.end_step());
    for (int i = 0; i < 3; ++i) {
        world.pass(1s);
        world.push(false);  // joins the run that is on
    }
    REQUIRE(world.incident()->triggers.size() == 2);
    REQUIRE(world.end_step());
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.probe(true);
        world.push(true);
    }
    REQUIRE(world.incident()->state == IncidentState::resolved);
    CHECK(world.engine.judge("shop", "webhooks", world.now).verdict == Verdict::false_);
    world.pass(1s);
    world.push(false);
    CHECK(world.incident("INC-2") == nullptr);  // one new failure is not three
}
