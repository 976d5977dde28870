// Limits, cooldown, budget and locks of time: what counts, and what does not.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

/// Four failing webhooks turn payments off, whoever is to blame.
Policy payments_policy() {
    auto policy = shop_policy();
    auto& webhooks = policy.services[0].triggers[1];
    webhooks.blame = Blame::any;
    webhooks.response = Response{ResponseKind::ladder, {{"payments-off", {}}}};
    return policy;
}

void push(World& world, bool ok, int times) {
    for (int i = 0; i < times; ++i) {
        world.pass(1s);
        world.push(ok);
    }
}

// One whole automatic run, verified.
void one_run(World& world) {
    push(world, false, 4);
    world.answer();
    REQUIRE(world.end_step());
    push(world, true, 3);
}

Incident const& newest(World const& world) {
    return *world.incident(world.engine.state().incident_order.back());
}

bool refused(World const& world, Guard guard) {
    for (auto const& refusal : newest(world).refusals) {
        if (refusal.guard == guard) return refusal.letter == "f";
    }
    return false;
}

}  // namespace

TEST_CASE("the cooldown holds the next automatic run, and the plan waits for people") {
    auto policy = payments_policy();
    policy.services[0].limits.cooldown = 10min;
    World world(std::move(policy));
    one_run(world);
    REQUIRE(newest(world).state == IncidentState::resolved);
    push(world, false, 4);
    CHECK(refused(world, Guard::cooldown));
    CHECK_FALSE(newest(world).runs.front().started_at);
    CHECK(newest(world).state == IncidentState::waiting);
}

TEST_CASE("a person's run starts no cooldown and counts in no limit") {
    auto policy = payments_policy();
    policy.services[0].limits.cooldown = 10min;
    policy.services[0].limits.runs_per_hour = 1;
    World world(std::move(policy));
    world.send(RunAsked{{"anna", "operate"}, "shop", "payments-off", "", {}, {}});
    REQUIRE(world.end_step());
    world.send(ResolvedBy{{"anna", "operate"}, newest(world).id, ""});
    REQUIRE(newest(world).state == IncidentState::resolved);
    push(world, false, 4);
    CHECK(newest(world).state == IncidentState::acting);
}

TEST_CASE("a run that a person approved starts no cooldown") {
    auto policy = payments_policy();
    policy.services[0].limits.cooldown = 10min;
    policy.services[0].triggers[1].approval = true;
    World world(std::move(policy));
    push(world, false, 4);
    auto const plan = newest(world).runs.front().plan.hash;
    world.send(Approved{{"anna", "approve"}, "INC-1", plan, {}});
    REQUIRE(world.end_step());
    push(world, true, 3);
    REQUIRE(newest(world).state == IncidentState::resolved);
    push(world, false, 4);
    CHECK_FALSE(refused(world, Guard::cooldown));
}

TEST_CASE("the limit of an hour counts incidents with a run, aborted ones too, and then opens again"
) {
    auto policy = payments_policy();
    policy.services[0].limits.runs_per_hour = 1;
    World world(std::move(policy));
    push(world, false, 4);
    auto const start = world.take<StartStep>();
    REQUIRE(start);
    world.send(Aborted{{"anna", "operate"}, "INC-1"});
    world.take<AbortStep>();
    StepOutcome outcome;
    outcome.kind = OutcomeKind::aborted;
    world.send(StepEnded{start->run, 1, 1, outcome});
    world.send(ResolvedBy{{"anna", "operate"}, "INC-1", "seen"});
    push(world, true, 1);
    push(world, false, 4);
    CHECK(refused(world, Guard::limit));
    world.send(ResolvedBy{{"anna", "operate"}, "INC-2", "seen"});
    push(world, true, 3);
    world.pass(1h);
    push(world, false, 4);
    CHECK(newest(world).state == IncidentState::acting);
}

TEST_CASE("rungs of one incident skip the cooldown and count once") {
    auto policy = shop_policy();
    policy.services[0].limits.cooldown = 10min;
    policy.services[0].limits.runs_per_hour = 1;
    World world(std::move(policy));
    world.release_v2();
    push(world, false, 4);
    world.answer();
    world.end_step(OutcomeKind::failed);
    REQUIRE(world.incident()->runs.size() == 2);
    CHECK(world.incident()->runs[1].state == RunState::running);
    CHECK(world.engine.state().service("shop").automatic_runs.size() == 1);
}

TEST_CASE("the budget's clock stands still while people decide, and what they took adds nothing") {
    auto policy = payments_policy();
    policy.services[0].triggers[1].approval = true;
    auto& playbook = policy.services[0].playbooks[1];
    playbook.budget = 5min;
    playbook.steps.push_back(playbook.steps.front());
    playbook.steps.push_back(playbook.steps.front());
    playbook.steps[1].approval = true;
    World world(std::move(policy));
    push(world, false, 4);
    world.pass(10min);
    auto const plan = newest(world).runs.front().plan.hash;
    world.send(Approved{{"anna", "approve"}, "INC-1", plan, {}});
    REQUIRE_FALSE(world.reply.error);
    SECTION("a step longer than the budget is the last") {
        world.pass(6min);
        world.end_step();
        CHECK(world.incident()->runs.front().state == RunState::failed);
        CHECK(world.incident()->runs.front().why.find("budget") != std::string::npos);
    }
    SECTION("a step that waits 10 minutes for approval does not spend it") {
        world.pass(4min);
        world.end_step();
        REQUIRE(world.incident()->state == IncidentState::waiting);
        world.pass(10min);
        world.send(Approved{{"anna", "approve"}, "INC-1", plan, {}});
        world.end_step();
        CHECK(world.take<StartStep>()->n == 3);
    }
}

TEST_CASE("at the budget no retry starts either") {
    auto policy = payments_policy();
    auto& playbook = policy.services[0].playbooks[1];
    playbook.budget = 1min;
    playbook.steps.front().retries = 3;
    playbook.steps.front().idempotent = true;
    World world(std::move(policy));
    push(world, false, 4);
    world.end_step(OutcomeKind::failed);
    REQUIRE_FALSE(world.commands.empty());  // the second attempt
    world.pass(2min);
    world.end_step(OutcomeKind::failed);
    CHECK(world.commands.empty());
    CHECK(world.incident()->runs.front().state == RunState::failed);
}

TEST_CASE("a deployment's version is rolled back from once, however often it is deployed") {
    World world;
    world.release_v2();
    world.fail_health(3);
    world.answer();
    world.end_step();
    world.end_step();
    auto const good = [&] {
        for (int i = 0; i < 5; ++i) {
            world.pass(1s);
            world.probe(true);
        }
    };
    good();
    REQUIRE(world.incident()->state == IncidentState::resolved);
    world.deploy("v2");
    world.pass(25s);
    good();
    world.fail_health(3);
    world.answer();
    CHECK(refused(world, Guard::limit));
    CHECK(world.engine.state().service("shop").current == "v2");
    for (auto const& run : newest(world).runs) CHECK_FALSE(run.started_at);
}

TEST_CASE("a rollback is never rolled back, not even where nothing need be blamed") {
    auto policy = shop_policy();
    policy.services[0].triggers[0].blame = Blame::any;
    World world(std::move(policy));
    world.deploy("v0", true);
    world.pass(1min);
    world.release_v2();
    world.fail_health(3);
    world.answer();
    world.end_step();
    world.end_step();
    REQUIRE(world.engine.state().service("shop").current == "v1");
    for (int i = 0; i < 130; ++i) {
        world.pass(1s);
        world.probe(false);
    }
    REQUIRE(newest(world).state == IncidentState::frozen);
    world.send(ResolvedBy{{"anna", "operate"}, newest(world).id, "by hand"});
    world.pass(1s);
    world.probe(true);
    world.fail_health(3);
    world.answer();
    CHECK(refused(world, Guard::limit));
    CHECK(newest(world).state == IncidentState::waiting);  // v0 is for people to choose
    CHECK_FALSE(newest(world).runs.back().started_at);
    SECTION("a version that was deployed since is another matter") {
        world.deploy("v3");
        world.pass(25s);
        world.fail_health(3);
        world.answer();
        CHECK_FALSE(refused(world, Guard::limit));
    }
}

TEST_CASE("samples without a token cap the service at advise") {
    World world(payments_policy());
    OutcomesValue value;
    value.failure = 4;
    world.sample({"shop", "webhooks", world.now.boot, value, {}, {}, {}, false});
    CHECK(world.incident()->state == IncidentState::waiting);
    CHECK_FALSE(world.incident()->runs.front().started_at);
}

TEST_CASE("autonomy is the lowest of daemon, service and trigger") {
    auto const state = [](Autonomy daemon, Autonomy service, Autonomy trigger) {
        auto policy = payments_policy();
        policy.daemon.autonomy = daemon;
        policy.services[0].autonomy = service;
        policy.services[0].triggers[1].autonomy = trigger;
        World world(std::move(policy));
        push(world, false, 4);
        return world.incident()->state;
    };
    constexpr auto observe = Autonomy::observe;
    constexpr auto advise = Autonomy::advise;
    constexpr auto enforce = Autonomy::enforce;
    for (auto const a : {observe, advise, enforce}) {
        for (auto const b : {observe, advise, enforce}) {
            for (auto const c : {observe, advise, enforce}) {
                auto const lowest = std::min({a, b, c});
                auto const expected = lowest == observe  ? IncidentState::open
                                      : lowest == advise ? IncidentState::waiting
                                                         : IncidentState::acting;
                CHECK(state(a, b, c) == expected);
            }
        }
    }
}
