// When a release may be undone by itself (A6), guard by guard.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

/// v2 fails its health check; the world is asked, and not answered yet.
World asked(Policy policy, std::optional<bool> compatible = {}) {
    World world(std::move(policy));
    DeploymentPosted first;
    first.service = "shop";
    first.version = "v1";
    first.known_good = true;
    first.facts.schema = "41";
    world.send(first);
    for (int i = 0; i < 5; ++i) {
        world.pass(5s);
        world.probe(true);
    }
    DeploymentPosted second;
    second.service = "shop";
    second.version = "v2";
    second.schema_compatible = compatible;
    world.send(second);
    world.pass(25s);
    world.fail_health(3);
    return world;
}

Policy with_schema() {
    auto policy = shop_policy();
    policy.services[0].release.schema_type = "sql";
    return policy;
}

Answer schema(std::optional<std::string> now) {
    Answer answer;
    answer.schema_asked = true;
    answer.schema = std::move(now);
    if (!answer.schema) answer.schema_error = "connection refused";
    return answer;
}

bool acts(World& world, Answer const& answer) {
    REQUIRE(world.answer(answer));
    return world.incident()->state == IncidentState::acting;
}

Policy with_database() {
    auto policy = shop_policy();
    ServicePolicy database;
    database.name = "database";
    SignalPolicy port;
    port.name = "port";
    port.type = "tcp";
    port.is_probe = true;
    port.every = 5s;
    SignalPolicy queries = port;
    queries.name = "queries";
    queries.type = "push";
    queries.is_probe = false;
    queries.kind = SignalKind::outcomes;
    database.signals = {port, queries};
    Playbook restart;
    restart.name = "restart";
    database.playbooks = {restart};
    TriggerPolicy slow;
    slow.name = "errors";
    slow.when = condition("consecutive_failures(queries) >= 2");
    slow.severity = Severity::P1;
    slow.response = Response{ResponseKind::alert, {}};
    database.triggers = {slow};
    database.autonomy = Autonomy::observe;
    policy.services.push_back(database);
    policy.services[0].depends_on = {"database"};
    return policy;
}

void fail_queries(World& world) {
    for (int i = 0; i < 2; ++i) {
        OutcomesValue value;
        value.failure = 1;
        world.sample({"database", "queries", world.now.boot, value, {}, {}, {}, true});
    }
}

}  // namespace

TEST_CASE("(a) a breach at the end of the watch window is blamed, one after it is not") {
    World world;
    world.release_v2();
    auto const& shop = world.engine.state().service("shop");
    auto const edge = shop.deployment(*shop.window)->started_at.boot + 30min;
    bool const after = GENERATE(false, true);
    world.pass(edge - world.now.boot - 10s);
    world.probe(true);
    world.pass(10s + (after ? Duration(1) : Duration(0)));
    for (int i = 0; i < 3; ++i) world.probe(false);
    world.answer();
    CHECK(world.has_refusal("a", Guard::no_deployment) == after);
}

TEST_CASE("(b) good before is judged without min_count, over the watch window, as of started_at") {
    auto policy = shop_policy();
    policy.services[0].triggers[0].when = condition("failure_ratio(requests, 1m) > 1%");
    policy.services[0].triggers[0].rules.min_count = 100;
    World world(std::move(policy));
    world.deploy("v1", true);
    world.push(true, "requests");
    world.pass(20min);  // far outside of the condition's own minute
    world.deploy("v2");
    auto const& shop = world.engine.state().service("shop");
    CHECK(shop.deployment(*shop.window)->before.at("down").good());
    world.pass(31min);
    world.deploy("v3");
    CHECK_FALSE(shop.deployment(*shop.window)->before.at("down").good());
}

// A release in the middle of an outage was rolled back: `down` was known to be bad before, but a
// ratio that fills up slowly was not true yet when it was deployed. One that breaks what had been
// good all the while is at fault.
TEST_CASE(
    "(b) beside a breach from before the deployment, what was bad since then does not blame it"
) {
    auto policy = shop_policy();
    policy.services[0].triggers[1].when = condition("failure_ratio(requests, 10m) > 50%");
    policy.services[0].triggers[1].rules.min_count = 10;
    World world(std::move(policy));
    world.deploy("v1", true);
    for (int i = 0; i < 20; ++i) world.push(true, "requests");
    world.pass(25s);
    world.probe(true);
    world.fail_health(3);
    world.answer();
    bool const bad_by_then = GENERATE(true, false);
    world.push(!bad_by_then, "requests");
    world.pass(1s);
    world.deploy("v2");
    auto const& shop = world.engine.state().service("shop");
    REQUIRE(shop.deployment(*shop.window)->before.at("webhooks").good());
    world.pass(25s);
    world.fail_health(1);
    for (int i = 0; i < 30; ++i) world.push(false, "requests");
    while (world.answer()) {
    }
    REQUIRE(world.incident()->runs.size() == 1);
    auto const& run = world.incident()->runs.front();
    CHECK(run.plan.playbook == (bad_by_then ? "payments-off" : "code-rollback"));
}

TEST_CASE("(b) what a verified run has ended was not bad before the next deployment") {
    auto policy = shop_policy();
    policy.services[0].triggers[0].when = condition("failure_ratio(requests, 1m) > 1%");
    policy.services[0].triggers[0].rules.min_count = 10;
    World world(std::move(policy));
    world.deploy("v1", true);
    for (int i = 0; i < 20; ++i) world.push(true, "requests");
    world.pass(1s);
    world.deploy("v2");
    world.pass(25s);
    for (int i = 0; i < 10; ++i) world.push(false, "requests");
    REQUIRE(world.answer());
    while (world.end_step()) {
    }
    bool const verified = GENERATE(true, false);
    world.pass(1s);
    world.probe(verified);
    for (int i = 0; i < 20; ++i) world.push(verified, "requests");
    CHECK((world.incident()->state == IncidentState::resolved) == verified);
    world.pass(2min);
    world.deploy("v3");
    auto const& shop = world.engine.state().service("shop");
    CHECK(shop.deployment(*shop.window)->before.at("down").good() == verified);
}

TEST_CASE("(c) no answer and a failing dependency hold the whole ladder") {
    auto world = asked(with_database());
    Answer answer;
    answer.failing.push_back({"database", "port", "no answer within 2 s"});
    CHECK_FALSE(acts(world, answer));
    CHECK(world.has_refusal("c", Guard::dependency_failing));
}

TEST_CASE("(c) a dependency fails when its newest state sample did") {
    auto world = asked(with_database());
    auto const port = [&](bool ok) {
        world.sample(
            {"database",
             "port",
             world.now.boot,
             StateValue{ok, ok ? "" : "refused", 1ms},
             {},
             {},
             {},
             true}
        );
    };
    port(true);
    bool const failing = GENERATE(false, true);
    if (failing) port(false);
    CHECK(acts(world, {}) == !failing);
}

TEST_CASE("(c) a dependency fails when one of its acting triggers is true, not one that only alerts"
) {
    auto policy = with_database();
    bool const acting = GENERATE(false, true);
    if (acting) {
        policy.services[1].triggers[0].response = Response{ResponseKind::ladder, {{"restart", {}}}};
    }
    auto world = asked(std::move(policy));
    fail_queries(world);
    std::erase_if(world.commands, [](Command const& command) {
        auto const* const ask = std::get_if<AskFresh>(&command);
        return ask != nullptr && ask->service == "database";
    });
    CHECK(acts(world, {}) == !acting);
}

TEST_CASE("(d) a target that cannot be restored is none") {
    auto world = asked(shop_policy());
    Answer answer;
    answer.preflight["code-rollback"] = "the commit is not in the repository";
    CHECK_FALSE(acts(world, answer));
    CHECK(world.has_refusal("d", Guard::no_target));
}

TEST_CASE("(d) a quarantined version is no target, and the refusal says which it is") {
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
    REQUIRE(world.engine.state().service("shop").versions.at("v2").standing == Standing::bad);
    CHECK_FALSE(world.engine.rollback_target("shop"));
    CHECK(world.engine.rollback_target("shop").error().code == Errc::conflict);
}

TEST_CASE("(e) the schema decides: moved or unreadable keeps the release") {
    struct Row {
        std::optional<bool> compatible;
        std::optional<std::string> now;
        bool acts;
    };
    auto const row = GENERATE(
        Row{{}, "41", true}, Row{{}, "42", false}, Row{{}, std::nullopt, false},
        Row{true, "42", true}, Row{true, std::nullopt, true}, Row{false, "41", false}
    );
    auto world = asked(with_schema(), row.compatible);
    CHECK(acts(world, schema(row.now)) == row.acts);
    CHECK(world.has_refusal("e", Guard::schema_moved) == !row.acts);
}

TEST_CASE("(e) without release.schema it passes, unless the deployment says incompatible") {
    bool const incompatible = GENERATE(false, true);
    auto world = asked(shop_policy(), incompatible ? std::optional(false) : std::nullopt);
    CHECK(acts(world, {}) == !incompatible);
}

TEST_CASE("`blame: any` waives (a) to (c), and neither blindness nor the target") {
    auto policy = with_database();
    policy.services[0].triggers[0].blame = Blame::any;
    World world(std::move(policy));
    world.deploy("v1", true);
    world.deploy("v2");
    world.pass(2h);
    world.fail_health(3);
    Answer answer;
    SECTION("waived") {
        answer.failing.push_back({"database", "port", "refused"});
        CHECK(acts(world, answer));
    }
    SECTION("blind all the same") {
        answer.blind = true;
        CHECK_FALSE(acts(world, answer));
        CHECK(world.has_refusal("c", Guard::blind));
    }
    SECTION("no target all the same") {
        answer.preflight["code-rollback"] = "gone";
        CHECK_FALSE(acts(world, answer));
    }
}

TEST_CASE("every guard is recorded with its letter, those that passed too") {
    auto world = asked(with_schema());
    REQUIRE(acts(world, schema("41")));
    std::set<std::pair<std::string, Guard>> seen;
    for (auto const& guard : world.incident()->guards) {
        CHECK(guard.passed);
        CHECK_FALSE(guard.text.empty());
        seen.insert({guard.letter, guard.guard});
    }
    for (auto const guard :
         {Guard::no_deployment, Guard::bad_before, Guard::dependency_failing, Guard::blind,
          Guard::no_target, Guard::schema_moved, Guard::autonomy, Guard::paused, Guard::silenced,
          Guard::cooldown, Guard::limit, Guard::locked, Guard::frozen}) {
        CHECK(seen.contains({letter_of(guard), guard}));
    }
}

TEST_CASE("what may lose data waits for a person though everything else allows it") {
    auto policy = shop_policy();
    auto& webhooks = policy.services[0].triggers[1];
    webhooks.blame = Blame::any;
    webhooks.response = Response{ResponseKind::ladder, {{"payments-off", {}}}};
    auto& playbook = policy.services[0].playbooks[1];
    SECTION("possible") { playbook.data_loss = DataLoss::possible; }
    SECTION("certain") { playbook.data_loss = DataLoss::certain; }
    SECTION("the schema") { playbook.undoes = Undoes::schema; }
    SECTION("data") { playbook.undoes = Undoes::data; }
    SECTION("the playbook says so") { playbook.approval = true; }
    World world(std::move(policy));
    for (int i = 0; i < 4; ++i) world.push(false);
    world.answer();
    REQUIRE(world.incident()->runs.size() == 1);
    CHECK(world.incident()->state == IncidentState::waiting);
    CHECK_FALSE(world.incident()->runs.front().started_at);
}

TEST_CASE("after a rung that was passed over nothing is tried that undoes anything") {
    auto policy = shop_policy();
    bool const harmless = GENERATE(false, true);
    if (!harmless) policy.services[0].playbooks[1].undoes = Undoes::schema;
    World world(std::move(policy));
    world.deploy("v1", true);
    world.pass(2h);
    for (int i = 0; i < 4; ++i) world.push(false);
    world.answer();
    REQUIRE(world.has_refusal("a", Guard::no_deployment));
    CHECK(world.incident()->runs.empty() == !harmless);
}
