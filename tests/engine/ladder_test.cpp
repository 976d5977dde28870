// Several triggers, several rungs: who is answered, what is tried, and what never runs twice.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

TriggerPolicy& trigger(Policy& policy, std::string const& name) {
    for (auto& one : policy.services[0].triggers) {
        if (one.name == name) return one;
    }
    throw std::logic_error("no such trigger");
}

Response ladder(std::vector<Rung> rungs) { return {ResponseKind::ladder, std::move(rungs)}; }

void fail_webhooks(World& world, int times = 4) {
    for (int i = 0; i < times; ++i) {
        world.pass(1s);
        world.push(false);
    }
}

void good_webhooks(World& world, int times = 3) {
    for (int i = 0; i < times; ++i) {
        world.pass(1s);
        world.push(true);
    }
}

}  // namespace

TEST_CASE("a breach that ends while a run waits for a person in its middle does not end the run") {
    auto policy = shop_policy();
    policy.services[0].playbooks[0].steps[1].approval = true;
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    REQUIRE(world.answer());
    REQUIRE(world.end_step());
    REQUIRE(world.incident()->state == IncidentState::waiting);
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.probe(true);
    }
    CHECK(world.incident()->state == IncidentState::waiting);
    CHECK(world.incident()->runs.front().state == RunState::running);
    world.send(Resumed{{"op", "operate"}, ""});  // judged again: that run is on all the same
    CHECK(world.incident()->state == IncidentState::waiting);
}

TEST_CASE("who joined beside a plan that was rejected is judged then") {
    auto policy = shop_policy();
    policy.services[0].triggers[0].response = ladder({{"payments-off", {}}});
    policy.services[0].playbooks[0].data_loss = DataLoss::possible;
    World world(std::move(policy));
    world.release_v2();
    world.send(RunAsked{{"op", "operate"}, "shop", "code-rollback", "by hand", {}, {}});
    REQUIRE(world.incident()->state == IncidentState::waiting);
    world.fail_health(3);  // joins; the plan that waits is a person's own
    REQUIRE(world.incident()->triggers.size() == 1);
    bool const rejected = GENERATE(true, false);
    if (rejected) {
        world.send(Rejected{{"boss", "approve"}, "INC-1", ""});
    } else {
        for (int i = 0; i < 16 * 6; ++i) {
            world.pass(10s);
            world.probe(false);
        }
    }
    world.answer();
    CHECK(world.incident()->runs.size() == 2);
    CHECK(world.incident()->state == IncidentState::acting);
}

TEST_CASE("a proposed run that failed leaves its trigger able to fire again") {
    auto policy = shop_policy();
    policy.services[0].triggers[1].response =
        Response{ResponseKind::propose, {{"payments-off", {}}}};
    World world(std::move(policy));
    fail_webhooks(world);
    REQUIRE(world.incident()->state == IncidentState::waiting);
    auto const plan = world.incident()->runs.front().plan.hash;
    world.send(Approved{{"boss", "approve"}, "INC-1", plan, {}});
    for (int i = 0; i < 3; ++i) {
        world.pass(1s);
        world.push(true);
    }
    REQUIRE(world.end_step(OutcomeKind::failed));
    REQUIRE(world.incident()->triggers.front().cleared);
    fail_webhooks(world);
    CHECK_FALSE(world.incident()->triggers.front().cleared);
}

TEST_CASE("an answer that leaves no rung to judge is still an answer: the incident can end") {
    auto policy = shop_policy();
    auto& shop = policy.services[0];
    shop.playbooks[1].approval = true;
    shop.triggers[0].response =
        Response{ResponseKind::ladder, {{"payments-off", {}}, {"code-rollback", {}}}};
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    REQUIRE(world.incident()->runs.size() == 1);
    auto const plan = world.incident()->runs.front().plan.hash;
    world.pass(1s);
    world.probe(true);  // no longer true: what is approved now is void
    world.send(Approved{{"boss", "approve"}, "INC-1", plan, {}});
    REQUIRE(world.incident()->runs.front().state == RunState::aborted);
    world.fail_health(3);
    REQUIRE(world.answer());  // code-rollback undoes something, and comes after one passed over
    REQUIRE(world.incident()->state == IncidentState::open);
    CHECK_FALSE(world.incident()->asking);
    for (int i = 0; i < 3; ++i) {
        world.pass(1s);
        world.probe(true);
    }
    CHECK(world.incident()->state == IncidentState::resolved);
}

TEST_CASE("of what one sample broke the most severe is answered, whatever its place in the file") {
    auto policy = shop_policy();
    auto minor = trigger(policy, "webhooks");
    minor.blame = Blame::any;
    minor.response = ladder({{"payments-off", {}}});
    auto major = minor;
    minor.name = "minor";
    minor.severity = Severity::P1;
    major.name = "major";
    policy.services[0].triggers = {minor, major};
    World world(std::move(policy));
    fail_webhooks(world);
    REQUIRE(world.incident()->runs.size() == 1);
    CHECK(world.incident()->runs.front().answers == std::vector<std::string>{"major"});
}

TEST_CASE("a more severe trigger does not wait behind a plan that waits for a lesser one") {
    auto policy = shop_policy();
    trigger(policy, "webhooks").severity = Severity::P1;
    trigger(policy, "webhooks").approval = true;
    World world(std::move(policy));
    world.release_v2();
    fail_webhooks(world);
    world.answer();
    REQUIRE(world.incident()->state == IncidentState::waiting);
    world.fail_health(3);
    REQUIRE(world.answer());
    REQUIRE(world.incident()->runs.size() == 2);
    CHECK(world.incident()->runs[0].state == RunState::aborted);
    CHECK(world.incident()->runs[1].plan.playbook == "code-rollback");
    CHECK(world.incident()->state == IncidentState::acting);
}

TEST_CASE("a rung passed over for one trigger is still there for another that joins") {
    auto policy = shop_policy();
    trigger(policy, "webhooks").response = ladder({{"code-rollback", {}}});
    World world(std::move(policy));
    world.deploy("v1", true);
    world.pass(1min);
    world.probe(true);
    world.deploy("v2");
    world.pass(25s);
    world.probe(true);
    fail_webhooks(world);
    world.answer();
    REQUIRE(world.has_refusal("b", Guard::bad_before));  // no webhook was ever good
    world.fail_health(3);
    REQUIRE(world.answer());
    CHECK(world.incident()->state == IncidentState::acting);
    REQUIRE(world.incident()->runs.size() == 1);
    CHECK(world.incident()->runs[0].answers == std::vector<std::string>{"down"});
}

TEST_CASE("no playbook runs twice in an incident, not even after a person ran it") {
    World world;
    world.deploy("v1", true);
    world.pass(1h);
    world.fail_health(3);
    world.answer();
    world.send(RunAsked{{"anna", "operate"}, "shop", "payments-off", "try", {}, {}});
    REQUIRE_FALSE(world.reply.error);
    fail_webhooks(world);
    world.end_step();
    for (int i = 0; i < 140; ++i) {
        world.pass(1s);
        world.probe(false);
        world.answer();
    }
    CHECK(world.incident()->runs.size() == 1);
    CHECK(world.incident()->state == IncidentState::frozen);
}

TEST_CASE("who joined and is no longer true when the run has failed is not acted upon") {
    World world;
    world.release_v2();
    world.fail_health(3);
    world.answer();
    fail_webhooks(world);
    REQUIRE(world.incident()->triggers.size() == 2);
    good_webhooks(world);
    world.end_step(OutcomeKind::failed);
    world.answer();
    CHECK(world.incident()->runs.size() == 1);
    CHECK(world.incident()->state == IncidentState::frozen);
}

TEST_CASE("who joined and is still true after a verified run has its own ladder followed") {
    World world;
    world.release_v2();
    world.fail_health(3);
    world.answer();
    world.end_step();
    world.end_step();
    fail_webhooks(world);
    for (int i = 0; i < 3; ++i) {
        world.pass(1s);
        world.probe(true);
    }
    world.answer();
    REQUIRE(world.incident()->runs.size() == 2);
    CHECK(world.incident()->runs[0].state == RunState::succeeded);
    CHECK(world.incident()->runs[1].plan.playbook == "payments-off");
}

TEST_CASE("a run that failed in its steps is followed by no other where nothing is broken any more"
) {
    World world;
    world.release_v2();
    fail_webhooks(world);
    world.answer();
    good_webhooks(world);
    world.end_step(OutcomeKind::failed);
    world.answer();
    CHECK(world.incident()->runs.size() == 1);
    CHECK(world.incident()->state == IncidentState::frozen);
}

TEST_CASE("a run that failed in its steps goes up the ladder while its trigger is true") {
    World world;
    world.release_v2();
    fail_webhooks(world);
    world.answer();
    world.end_step(OutcomeKind::failed);
    world.answer();
    REQUIRE(world.incident()->runs.size() == 2);
    CHECK(world.incident()->runs[1].plan.playbook == "payments-off");
}

TEST_CASE("`within` on a rung: not recovered by then, the next rung follows") {
    auto policy = shop_policy();
    auto restart = policy.services[0].playbooks[1];
    restart.name = "restart";
    policy.services[0].playbooks.push_back(restart);
    trigger(policy, "webhooks").blame = Blame::any;
    trigger(policy, "webhooks").response = ladder({{"restart", 30s}, {"payments-off", {}}});
    World world(std::move(policy));
    fail_webhooks(world);
    world.end_step();
    world.pass(29s);
    CHECK(world.incident()->runs.size() == 1);
    world.pass(1s);
    REQUIRE(world.incident()->runs.size() == 2);
    CHECK(world.incident()->runs[1].plan.playbook == "payments-off");
}

TEST_CASE("on_failure appends its playbook to the ladder, once") {
    auto policy = shop_policy();
    trigger(policy, "webhooks").blame = Blame::any;
    trigger(policy, "webhooks").response = ladder({{"payments-off", {}}});
    auto safe = policy.services[0].playbooks[1];
    safe.name = "safe-mode";
    policy.services[0].playbooks[1].on_failure = {"safe-mode"};
    safe.on_failure = {"payments-off", "safe-mode"};
    policy.services[0].playbooks.push_back(safe);
    World world(std::move(policy));
    fail_webhooks(world);
    world.end_step(OutcomeKind::failed);
    REQUIRE(world.incident()->runs.size() == 2);
    CHECK(world.incident()->runs[1].plan.playbook == "safe-mode");
    world.end_step(OutcomeKind::failed);
    CHECK(world.incident()->runs.size() == 2);
    CHECK(world.incident()->state == IncidentState::frozen);
}

TEST_CASE("a shared lock holds the other service's ladder, and its end judges that again") {
    auto policy = shop_policy();
    trigger(policy, "webhooks").blame = Blame::any;
    trigger(policy, "webhooks").response = ladder({{"payments-off", {}}});
    policy.services[0].locks = {"disk"};
    auto depot = policy.services[0];
    depot.name = "depot";
    policy.services.push_back(depot);
    World world(std::move(policy));
    auto const fail_at = [&](std::string const& service, bool ok) {
        OutcomesValue value;
        (ok ? value.success : value.failure) = 1;
        world.sample({service, "webhooks", world.now.boot, value, {}, {}, {}, true});
    };
    for (int i = 0; i < 4; ++i) fail_at("shop", false);
    REQUIRE(world.incident("INC-1")->state == IncidentState::acting);
    for (int i = 0; i < 4; ++i) fail_at("depot", false);
    REQUIRE(world.incident("INC-2")->runs.empty());
    CHECK(world.incident("INC-2")->refusals.front().guard == Guard::locked);
    world.end_step();
    for (int i = 0; i < 3; ++i) {
        world.pass(1s);
        fail_at("shop", true);
    }
    CHECK(world.incident("INC-1")->state == IncidentState::resolved);
    CHECK(world.incident("INC-2")->state == IncidentState::acting);
}

TEST_CASE("an alert-only trigger has its own incident, which its own good samples close") {
    auto policy = shop_policy();
    trigger(policy, "webhooks").response = Response{ResponseKind::alert, {}};
    World world(std::move(policy));
    world.release_v2();
    fail_webhooks(world);
    world.fail_health(3);
    world.answer();
    REQUIRE(world.incident("INC-1")->alert_only);
    CHECK(world.incident("INC-2")->state == IncidentState::acting);
    good_webhooks(world, 2);
    CHECK(world.incident("INC-1")->state == IncidentState::open);
    good_webhooks(world, 1);
    CHECK(world.incident("INC-1")->state == IncidentState::resolved);
    CHECK(world.incident("INC-2")->state == IncidentState::acting);
}

TEST_CASE("a breach that ended and came again in the middle of a run is known as one") {
    World world;
    world.release_v2();
    world.fail_health(3);
    world.answer();
    for (int i = 0; i < 3; ++i) {
        world.pass(1s);
        world.probe(true);
    }
    world.fail_health(3);
    CHECK(world.incident()->triggers.size() == 1);
    CHECK(world.kinds().back() == "incident.refired");
    CHECK(world.incident()->runs.size() == 1);
}

TEST_CASE("an incident that froze while the world was asked does not wait for the answer for ever"
) {
    World world;
    world.release_v2();
    world.fail_health(3);
    REQUIRE(world.incident()->asking);
    world.send(RunAsked{{"op", "operate"}, "shop", "payments-off", "by hand", {}, {}});
    auto const ask = world.take<AskFresh>();
    auto const start = world.take<StartStep>();
    REQUIRE((ask && start));
    world.send(Aborted{{"op", "operate"}, "INC-1"});
    StepOutcome outcome;
    outcome.kind = OutcomeKind::aborted;
    world.send(StepEnded{start->run, start->n, start->attempt, outcome});
    REQUIRE(world.incident()->state == IncidentState::frozen);
    world.send(Answered{ask->incident, ask->ask, {}});
    CHECK_FALSE(world.incident()->asking);
    CHECK(world.incident()->state == IncidentState::frozen);
}

TEST_CASE("on_failure brings no playbook that a person has run by hand in that incident") {
    auto policy = shop_policy();
    policy.services[0].playbooks[0].on_failure = {"payments-off"};
    World world(std::move(policy));
    world.release_v2();
    world.send(RunAsked{{"op", "operate"}, "shop", "payments-off", "by hand", {}, {}});
    REQUIRE(world.end_step());
    world.fail_health(3);
    REQUIRE(world.answer());
    REQUIRE(world.end_step(OutcomeKind::failed));
    world.answer();
    CHECK(world.incident()->runs.size() == 2);
    CHECK(world.incident()->state == IncidentState::frozen);
}
