// Storms: where many services break together nobody undoes them one by one, and one approval is
// enough to let all their plans go.
#include "engine/storm.hpp"

#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

/// `count` services, each with a release that can be undone: the fourth failing webhook asks for
/// it.
Policy many(int count) {
    auto policy = shop_policy();
    auto shop = policy.services[0];
    shop.triggers.erase(shop.triggers.begin());
    shop.triggers[0].response = Response{ResponseKind::ladder, {{"code-rollback", {}}}};
    policy.services.clear();
    for (int i = 0; i < count; ++i) {
        shop.name = "s" + std::to_string(i + 1);
        policy.services.push_back(shop);
    }
    return policy;
}

void push(World& world, std::string const& service, bool ok) {
    OutcomesValue value;
    (ok ? value.success : value.failure) = 1;
    world.sample({service, "webhooks", world.now.boot, value, {}, {}, {}, true});
}

/// v1 is known to be good, v2 was deployed half a minute ago.
World released(Policy made) {
    World world(std::move(made));
    for (auto const& service : world.policy->services) {
        DeploymentPosted posted{{"ci", "ingest"}, service.name, "v1", {}, true, {}, {}};
        world.send(posted);
        push(world, service.name, true);
        world.pass(10ms);
        posted.version = "v2";
        posted.known_good = false;
        world.send(posted);
    }
    world.pass(30s);
    return world;
}

// The world is asked and answers that nothing else fails; steps go on for ever.
void settle(World& world) {
    while (!world.commands.empty()) {
        if (!world.answer()) world.commands.pop_front();
    }
}

void breach(World& world, std::string const& service) {
    for (int i = 0; i < 4; ++i) {
        world.pass(100ms);
        push(world, service, false);
    }
    settle(world);
}

Incident const& of(World const& world, std::string const& service) {
    auto const& order = world.engine.state().incident_order;
    for (auto id = order.rbegin(); id != order.rend(); ++id) {
        if (world.incident(*id)->service == service) return *world.incident(*id);
    }
    FAIL("no incident of " + service);
    return *world.incident();
}

bool held(World const& world, std::string const& service) {
    auto const& incident = of(world, service);
    return incident.state == IncidentState::waiting && incident.runs.back().storm;
}

void approve(World& world, std::string const& service) {
    auto const plan = of(world, service).runs.back().plan.hash;
    world.send(Approved{{"bert", "approve"}, of(world, service).id, plan, {}});
}

}  // namespace

TEST_CASE("the third of a few services to break within a minute is held, with (c)") {
    auto world = released(many(4));
    breach(world, "s1");
    breach(world, "s2");
    CHECK(of(world, "s2").state == IncidentState::acting);
    breach(world, "s3");
    REQUIRE(held(world, "s3"));
    auto const& refusal = of(world, "s3").refusals.front();
    CHECK(refusal.guard == Guard::dependency_failing);
    CHECK(refusal.letter == "c");
    CHECK(
        refusal.text ==
        "a shared cause is suspected, 3 of 4 services broke within 1m: s1, s2, s3; one approval "
        "lets all their plans go"
    );
}

TEST_CASE("three of many services that break together are no storm, unless they share a dependency"
) {
    auto policy = many(7);
    bool const share = GENERATE(false, true);
    if (share) {
        for (std::size_t i = 0; i < 3; ++i) policy.services[i].depends_on = {"s7"};
    }
    auto world = released(std::move(policy));
    for (auto const* const name : {"s1", "s2", "s3"}) {
        breach(world, name);
    }
    CHECK(held(world, "s3") == share);
    if (share)
        CHECK(of(world, "s3").refusals.front().text.find("depend on s7") != std::string::npos);
}

TEST_CASE("services that break minutes apart are no storm") {
    auto world = released(many(3));
    for (auto const* const name : {"s1", "s2", "s3"}) {
        breach(world, name);
        CHECK(of(world, name).state == IncidentState::acting);
        world.pass(61s);
    }
}

TEST_CASE("one approval lets the plans of the whole storm go, each still true and judged again") {
    auto world = released(many(5));
    for (auto const* const name : {"s1", "s2", "s3", "s4", "s5"}) breach(world, name);
    for (auto const* const name : {"s3", "s4", "s5"}) REQUIRE(held(world, name));
    push(world, "s4", true);
    SECTION("by hand one goes alone") {
        world.send(RunAsked{{"anna", "operate"}, "s3", "payments-off", "", {}, {}});
        CHECK(held(world, "s5"));
    }
    SECTION("rejected, one alone is given up") {
        auto const plan = of(world, "s3").runs.back().plan.hash;
        world.send(Rejected{{"bert", "approve"}, of(world, "s3").id, plan});
        CHECK(held(world, "s5"));
    }
    SECTION("approved") {
        approve(world, "s3");
        CHECK_FALSE(world.reply.error);
        CHECK(of(world, "s3").state == IncidentState::acting);
        settle(world);
        CHECK(of(world, "s5").state == IncidentState::acting);
        CHECK(of(world, "s5").runs.back().automatic);
        CHECK(of(world, "s4").runs.back().state == RunState::aborted);  // it is no longer true
    }
}

TEST_CASE("an approval from before the storm lets nothing else go") {
    auto policy = many(3);
    policy.services[0].triggers[0].approval = true;
    auto world = released(std::move(policy));
    breach(world, "s1");
    breach(world, "s2");
    approve(world, "s1");
    breach(world, "s3");
    CHECK(held(world, "s3"));
}

TEST_CASE("a storm that a policy waives, or that people raised, holds nothing") {
    auto policy = many(3);
    bool const waived = GENERATE(false, true);
    for (auto& service : policy.services) {
        if (waived) service.triggers[0].blame = Blame::any;
    }
    auto world = released(std::move(policy));
    for (auto const* const name : {"s1", "s2", "s3"}) {
        if (waived) breach(world, name);
        if (!waived) world.send(Raised{{"anna", "operate"}, name, "webhooks", "customers call"});
        settle(world);
        CHECK(of(world, name).state == IncidentState::acting);
    }
}

TEST_CASE("containment does not wait for a storm, and what undoes something after it does") {
    auto policy = many(3);
    for (auto& service : policy.services) {
        service.triggers[0].response.value().rungs = {{"payments-off", {}}, {"code-rollback", {}}};
    }
    auto world = released(std::move(policy));
    for (auto const* const name : {"s1", "s2", "s3"}) breach(world, name);
    auto const& incident = of(world, "s3");
    REQUIRE(incident.state == IncidentState::acting);
    StepOutcome failed;
    failed.kind = OutcomeKind::failed;
    world.send(StepEnded{incident.runs.back().id, 1, 1, failed});
    settle(world);
    CHECK(held(world, "s3"));
    CHECK(of(world, "s3").runs.back().plan.playbook == "code-rollback");
}

namespace {

/// All at once, and the world has not answered yet.
void break_together(World& world, std::vector<std::string> const& services) {
    for (auto const& service : services) {
        for (int i = 0; i < 4; ++i) {
            world.pass(1ms);
            push(world, service, false);
        }
    }
}

std::vector<Message> outbox(World const& world) {
    std::vector<Message> out;
    for (auto const& [id, message] : world.engine.state().outbox) out.push_back(*message);
    return out;
}

void deliver(World& world) {
    for (auto const& message : outbox(world)) {
        world.send(MessageDelivered{message.id, true, false, ""});
    }
}

bool names(Message const& message, std::vector<std::string> const& services) {
    return std::all_of(services.begin(), services.end(), [&](std::string const& service) {
        return message.text.find(service) != std::string::npos;
    });
}

}  // namespace

TEST_CASE("a storm is one alert, which names all that broke; who joins later is gathered too") {
    auto world = released(many(8));
    break_together(world, {"s1", "s2", "s3", "s4", "s5"});
    REQUIRE(outbox(world).size() == 1);
    CHECK(outbox(world).front().event == "incident.opened");
    CHECK(outbox(world).front().also.size() == 4);
    CHECK(names(outbox(world).front(), {"s1", "s2", "s3", "s4", "s5"}));
    settle(world);
    REQUIRE(held(world, "s1"));
    REQUIRE(held(world, "s5"));
    REQUIRE(outbox(world).size() == 1);
    auto const alert = outbox(world).front();
    CHECK(alert.event == "incident.waiting");
    CHECK(alert.also.size() == 4);
    CHECK(names(alert, {"s1", "s2", "s3", "s4", "s5"}));
    CHECK(alert.command == "rollbackctl approve " + alert.incident);
    CHECK(alert.not_before <= world.now.boot + 1s);
    deliver(world);
    world.pass(10s);
    break_together(world, {"s6", "s7"});
    settle(world);
    REQUIRE(outbox(world).size() == 1);
    CHECK(names(outbox(world).front(), {"s6", "s7"}));
    CHECK(outbox(world).front().not_before <= world.now.boot + 5s);
    CHECK(to_json(world.replayed().state()) == to_json(world.engine.state()));
}

TEST_CASE("the alert of a storm is that of the most severe, and outlives the incident it is about"
) {
    auto policy = many(4);
    policy.services[1].triggers[0].severity = Severity::P0;
    for (auto const i : {0U, 2U, 3U}) policy.services[i].triggers[0].severity = Severity::P2;
    auto world = released(std::move(policy));
    break_together(world, {"s1", "s2", "s3", "s4"});
    settle(world);
    REQUIRE(outbox(world).size() == 1);
    auto const alert = outbox(world).front();
    CHECK(alert.incident == of(world, "s2").id);
    CHECK(alert.text.starts_with("P0 s2: "));
    for (int i = 0; i < 3; ++i) {
        world.pass(1ms);
        push(world, "s2", true);
    }
    REQUIRE(of(world, "s2").state == IncidentState::resolved);
    REQUIRE(outbox(world).size() == 2);
    CHECK(outbox(world).front() == alert);
}
