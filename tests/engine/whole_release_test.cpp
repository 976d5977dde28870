// Schema or data taken back together with the code that belongs to them.
#include "engine/planning.hpp"
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

/// code-rollback of the shop, which takes the schema back with it.
Policy whole(Undoes undoes = Undoes::schema) {
    auto policy = shop_policy();
    policy.services[0].release.schema_type = "sql";
    auto& playbook = policy.services[0].playbooks[0];
    playbook.undoes = undoes;
    playbook.data_loss = DataLoss::possible;
    return policy;
}

World breach(Policy policy) {
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    Answer moved;
    moved.schema_asked = true;
    moved.schema = "42";
    world.answer(moved);
    return world;
}

}  // namespace

TEST_CASE("schema and code taken back together: a person approves, and the release is bad") {
    auto world = breach(whole());
    REQUIRE(world.incident()->state == IncidentState::waiting);
    auto const plan = world.incident()->runs.front().plan;
    CHECK(plan.target == "v1");
    CHECK(plan.blamed == "v2");
    world.send(Approved{{"anna", "approve"}, "INC-1", plan.hash, {}});
    world.answer();
    REQUIRE(world.incident()->state == IncidentState::acting);
    CHECK(world.engine.state().service("shop").versions.at("v2").standing == Standing::bad);
    while (world.end_step()) {
    }
    CHECK(world.engine.state().service("shop").current == "v1");
    CHECK_FALSE(world.engine.state().service("shop").window);
}

TEST_CASE("schema and code taken back together need a known-good release: (d)") {
    World world(whole(Undoes::data));
    world.deploy("v1");
    world.pass(25s);
    world.fail_health(3);
    world.answer();
    CHECK(world.incident()->state == IncidentState::open);
    CHECK(world.has_refusal("d", Guard::no_target));
}

TEST_CASE("whoever approves is told since when everything written is lost, and how much that is") {
    auto const world = breach(whole(Undoes::data));
    REQUIRE(world.incident()->state == IncidentState::waiting);
    auto const& run = world.incident()->runs.front();
    REQUIRE(run.plan.loses_since);
    auto const since = "everything written since " + format_moment(*run.plan.loses_since);
    CHECK(run.plan.data_loss_window == since);
    auto const lost = since + " (" + format_human(run.planned_at.wall - *run.plan.loses_since) +
                      " when it was planned)";
    CHECK(lost_by(run.plan, run.planned_at.wall) == lost);
    auto const messages = world.engine.state().outbox;
    CHECK(std::any_of(messages.begin(), messages.end(), [&](auto const& message) {
        return message.second->text.find("; it costs " + lost) != std::string::npos;
    }));
}

TEST_CASE("data alone, without the release that belongs to it, has no target") {
    auto policy = whole(Undoes::data);
    policy.services[0].playbooks[0].steps[0].params = JsonObject{{"argv", JsonArray{"restore"}}};
    auto world = breach(std::move(policy));
    REQUIRE(world.incident()->state == IncidentState::waiting);
    CHECK_FALSE(world.incident()->runs.front().plan.target);
    CHECK_FALSE(world.incident()->runs.front().plan.blamed);
}

TEST_CASE("the good release's schema, as it was recorded, is where a migration goes back to") {
    auto policy = whole();
    policy.services[0].playbooks[0].steps[1].params =
        JsonObject{{"argv", JsonArray{"downgrade", "{{ known_good.schema }}"}}};
    World world(std::move(policy));
    DeploymentPosted good;
    good.service = "shop";
    good.version = "v1";
    good.known_good = true;
    good.facts.schema = "41";
    world.send(good);
    world.pass(25s);
    world.deploy("v2");
    auto const plan = world.engine.plan("shop", "code-rollback", {}, world.now);
    REQUIRE(plan);
    CHECK(to_text(to_json(plan->steps[1])).find("\"41\"") != std::string::npos);
}
