// Two daemons, one after the other, on one journal: what the first began runs where the second
// cannot see it.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

TEST_CASE("a step that another daemon began is settled once it must have ended, never adopted") {
    World world;
    Recovered here;
    here.node = "here";
    world.send(here);
    world.release_v2();
    world.fail_health(3);
    REQUIRE(world.answer());
    REQUIRE(world.take<StartStep>());
    CHECK(world.replayed().decide(here, world.now).commands.size() == 1);
    auto const own = world.replayed().decide(here, world.now);
    CHECK(std::holds_alternative<AdoptStep>(own.commands.front()));
    Recovered there;
    there.node = "there";
    auto const decision = world.replayed().decide(there, world.now);
    REQUIRE(decision.commands.size() == 1);
    auto const* const settle = std::get_if<SettleStep>(&decision.commands.front());
    REQUIRE(settle != nullptr);
    CHECK(settle->n == 1);
    CHECK(settle->not_before > world.now.boot + settle->step.timeout);
    // Nothing can tell: a person decides.
    world.send(there);
    StepOutcome unknown;
    unknown.kind = OutcomeKind::unknown;
    world.send(StepSettled{settle->run, 1, unknown});
    CHECK(world.incident()->runs.front().state == RunState::interrupted);
    CHECK(world.incident()->state == IncidentState::frozen);
}

TEST_CASE("a step begun before folders of steps had names is found where it always was") {
    World world;
    world.release_v2();
    world.fail_health(3);
    REQUIRE(world.answer());
    REQUIRE(world.take<StartStep>());
    Recovered here;
    here.node = "here";
    auto const decision = world.replayed().decide(here, world.now);
    REQUIRE(decision.commands.size() == 1);
    CHECK(std::holds_alternative<AdoptStep>(decision.commands.front()));
}
