// A step's `when`: run, skipped, waited for, or failed because nobody can tell.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

/// code-rollback is checkout, then, if the service is still down, restart; and `always` notes it.
World rolled_back(std::string const& when, std::string const& always = "") {
    auto policy = shop_policy();
    auto& playbook = policy.services.front().playbooks.front();
    playbook.steps[1].when = when;
    if (!always.empty()) {
        playbook.always.push_back(playbook.steps[1]);
        playbook.always.front().name = "note";
        playbook.always.front().when = always;
    }
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    world.answer();
    return world;
}

StepRun const& step(World const& world, std::size_t n) {
    return world.incident()->runs.front().steps.at(n - 1);
}

}  // namespace

TEST_CASE("a step whose when is false is skipped, and the run goes on") {
    auto world = rolled_back("failed(health)");
    REQUIRE(world.end_step());
    world.pass(500ms);
    world.probe(true);
    CHECK(step(world, 2).state == StepState::skipped);
    CHECK(step(world, 2).text == "not needed: health is ok");
    CHECK(world.commands.empty());
    CHECK(world.incident()->state == IncidentState::verifying);
}

TEST_CASE("a step whose when is true runs") {
    auto world = rolled_back("failed(health)");
    REQUIRE(world.end_step());
    world.pass(500ms);
    world.probe(false);
    CHECK(step(world, 2).state == StepState::running);
    REQUIRE(world.end_step());
    CHECK(world.incident()->state == IncidentState::verifying);
}

TEST_CASE("what was seen before the step ahead ended says nothing about a when") {
    auto world = rolled_back("failed(health)");
    world.probe(false);
    world.pass(1s);
    REQUIRE(world.end_step());
    CHECK(step(world, 2).state == StepState::pending);
    CHECK(world.engine.pace("shop", "health", world.now) == 500ms);
    CHECK(world.engine.next_deadline() <= world.now.boot + 60s);
}

TEST_CASE("a when that nobody can tell within the step's timeout fails the step") {
    auto world = rolled_back("failed(health)");
    REQUIRE(world.end_step());
    world.pass(59s);
    CHECK(step(world, 2).state == StepState::pending);
    world.pass(1s);
    CHECK(step(world, 2).state == StepState::failed);
    CHECK(step(world, 2).text.starts_with("cannot tell whether it is needed (failed(health)): "));
    CHECK(world.incident()->runs.front().state == RunState::failed);
}

TEST_CASE("a first step's when is judged on what is known as the run begins") {
    auto policy = shop_policy();
    policy.services.front().playbooks.front().steps[0].when = "ok(health)";
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    world.answer();
    CHECK(step(world, 1).state == StepState::skipped);
    CHECK(step(world, 2).state == StepState::running);
}

TEST_CASE("an always step's when is judged after a failure too") {
    auto world = rolled_back("", "ok(health)");
    REQUIRE(world.end_step(OutcomeKind::failed));
    CHECK(step(world, 2).state == StepState::pending);
    CHECK(step(world, 3).state == StepState::pending);
    world.pass(500ms);
    world.probe(true);
    CHECK(step(world, 3).state == StepState::running);
    REQUIRE(world.end_step());
    CHECK(world.incident()->runs.front().state == RunState::failed);
}

TEST_CASE("an approval is asked for only where the step is needed, and the when comes first") {
    auto policy = shop_policy();
    auto& restart = policy.services.front().playbooks.front().steps[1];
    restart.when = "failed(health)";
    restart.approval = true;
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    world.answer();
    REQUIRE(world.end_step());
    CHECK(step(world, 2).state == StepState::pending);
    world.pass(500ms);
    world.probe(false);
    CHECK(step(world, 2).state == StepState::waiting);
}

TEST_CASE("a run that waits for a when goes on after a restart") {
    auto world = rolled_back("failed(health)");
    REQUIRE(world.end_step());
    world.send(Recovered{});
    CHECK(step(world, 2).state == StepState::pending);
    world.pass(500ms);
    world.probe(true);
    CHECK(step(world, 2).state == StepState::skipped);
}

TEST_CASE("an abort ends a run that waits for a when") {
    auto world = rolled_back("failed(health)");
    REQUIRE(world.end_step());
    world.send(Aborted{{"ops", "operate"}, world.incident()->id});
    CHECK(world.incident()->runs.front().state == RunState::aborted);
    CHECK(world.commands.empty());
}

TEST_CASE("failures that wait for the end of a start_period leave a when untold until then") {
    auto world = rolled_back("failed(health)");
    REQUIRE(world.end_step());
    world.pass(500ms);
    world.deploy("v3");
    world.pass(1s);
    world.probe(false);  // waits
    world.pass(1s);
    world.probe(true);
    CHECK(step(world, 2).state == StepState::pending);
}
