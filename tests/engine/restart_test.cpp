// Restarts, reboots and clocks: what was judged stays judged, and doubt counts against acting.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

constexpr char const* other_boot = "00000000-0000-4000-8000-000000000002";

Edges push_into(Engine& engine, World const& world, bool ok) {
    OutcomesValue value;
    (ok ? value.success : value.failure) = 1;
    Sample sample{"shop", "webhooks", world.now.boot, value, {}, {}, {}, true};
    auto edges = engine.observe(std::span(&sample, 1), world.now);
    std::erase_if(edges, [](Edge const& edge) {
        return edge.kind == EdgeKind::progress || edge.kind == EdgeKind::again;
    });
    return edges;
}

World alerting() {
    auto policy = shop_policy();
    policy.services[0].triggers[1].response = Response{ResponseKind::alert, {}};
    return World(std::move(policy));
}

}  // namespace

TEST_CASE("a breach that an incident has judged never begins again from older windows") {
    auto world = alerting();
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.push(false);
    }
    auto const windows = world.engine.save_windows(world.now);
    for (int i = 0; i < 3; ++i) {
        world.pass(1s);
        world.push(true);
    }
    REQUIRE(world.incident()->state == IncidentState::resolved);
    auto other = world.replayed();
    REQUIRE(other.load_windows(windows, world.now));
    world.pass(1s);
    CHECK(push_into(other, world, false).empty());
    // Also over one more restart, whose windows were saved after the incident had ended.
    auto third = world.replayed();
    REQUIRE(third.load_windows(other.save_windows(world.now), world.now));
    for (int i = 0; i < 2; ++i) {
        world.pass(1s);
        CHECK(push_into(third, world, false).empty());
    }
    world.pass(1s);
    CHECK(push_into(third, world, false).size() == 1);  // four newer ones are a breach
}

TEST_CASE("an open incident fires no second time after a restart, and its good samples close it") {
    auto world = alerting();
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.push(false);
    }
    auto other = world.replayed();
    REQUIRE(other.load_windows(JsonObject{{"services", JsonObject{}}}, world.now));  // all lost
    for (int i = 0; i < 5; ++i) {
        world.pass(1s);
        CHECK(push_into(other, world, false).empty());
    }
    Edges edges;
    for (int i = 0; i < 3; ++i) {
        world.pass(1s);
        edges = push_into(other, world, true);
    }
    REQUIRE(edges.size() == 1);
    CHECK(edges.front().kind == EdgeKind::cleared);
}

TEST_CASE("what fell due while nobody ran is done at the start") {
    auto policy = shop_policy();
    policy.daemon.autonomy = Autonomy::advise;
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    world.answer();
    REQUIRE(world.incident()->state == IncidentState::waiting);
    auto other = world.replayed();
    Now const later{world.now.boot + 1h, world.now.wall + 1h};
    auto const decision = other.decide(Recovered{}, later);
    bool escalated = false;
    for (auto const& record : decision.records) {
        escalated = escalated || record.kind == "incident.escalated";
    }
    CHECK(escalated);
}

TEST_CASE("failures that a start_period held over a restart are judged at its end") {
    World world;
    world.deploy("v1", true);
    world.deploy("v2");
    world.fail_health(3);
    auto const windows = world.engine.save_windows(world.now);
    auto policy = world.policy;
    Now const later{world.now.boot + 15s, world.now.wall + 15s};
    Engine other(policy, later, "00000000-0000-4000-8000-000000000001");
    for (auto const& record : world.journal) other.apply(record);
    world.pass(15s);
    REQUIRE(other.load_windows(windows, later));
    auto at = other.next_deadline();
    REQUIRE(at < later.boot + 10s);
    CHECK(other.elapse(Now{at, later.wall}).size() == 1);
}

TEST_CASE("absence is counted anew after a restart: nobody listened meanwhile") {
    auto policy = shop_policy();
    auto& silent = policy.services[0].triggers[1];
    silent.when = condition("absent(webhooks, 5m)");
    silent.response = Response{ResponseKind::alert, {}};
    World world(std::move(policy));
    world.push(true);
    auto const windows = world.engine.save_windows(world.now);
    Now now{world.now.boot + 10min, world.now.wall + 10min};
    Engine other(world.policy, now, "00000000-0000-4000-8000-000000000001");
    REQUIRE(other.load_windows(windows, now));
    CHECK(other.next_deadline() == now.boot + 5min);
    now.boot += 5min;
    CHECK(other.elapse(now).size() == 1);
}

TEST_CASE("an event id counted before a checkpoint is not counted again after it") {
    auto world = alerting();
    for (auto const* id : {"e1", "e2", "e3"}) world.push(false, "webhooks", id);
    auto const windows = world.engine.save_windows(world.now);
    auto other = world.replayed();
    REQUIRE(other.load_windows(windows, world.now));
    OutcomesValue value;
    value.failure = 1;
    for (auto const* id : {"e1", "e2", "e3"}) {
        Sample sample{"shop", "webhooks", world.now.boot, value, id, {}, {}, true};
        CHECK(other.observe(std::span(&sample, 1), world.now).empty());
    }
    CHECK(push_into(other, world, false).size() == 1);
}

TEST_CASE("after a reboot wall time decides how old a deployment is") {
    World world;
    world.release_v2();
    Now const up{Instant(100s), world.now.wall + 2h};
    Engine other(world.policy, up, other_boot);
    for (auto const& record : world.journal) other.apply(record);
    auto const& shop = other.state().service("shop");
    auto const age = up.boot - shop.deployment(*shop.window)->started_at.boot;
    CHECK(age > 2h);
    CHECK(age < 2h + 1min);
}

TEST_CASE("a clock that stands before the newest record: no deployment is blamed on a guess") {
    World world;
    world.release_v2();
    Now const up{Instant(100s), world.now.wall - 3h};
    Engine other(world.policy, up, other_boot);
    for (auto const& record : world.journal) other.apply(record);
    auto const decision = other.decide(Recovered{}, up);
    bool closed = false;
    for (auto const& record : decision.records) {
        closed = closed || record.kind == "deployment.window_closed";
    }
    CHECK(closed);
}

TEST_CASE("within one boot a wall clock that was set back raises no doubt") {
    World world;
    world.release_v2();
    Now const later{world.now.boot + 1s, world.now.wall - 3h};
    Engine other(world.policy, later, "00000000-0000-4000-8000-000000000001");
    for (auto const& record : world.journal) other.apply(record);
    for (auto const& record : other.decide(Recovered{}, later).records) {
        CHECK(record.kind != "deployment.window_closed");
    }
    auto const& shop = other.state().service("shop");
    CHECK(later.boot - shop.deployment(*shop.window)->started_at.boot < 1min);
}

TEST_CASE("event times out of range are clamped, so the future and last week break nothing") {
    auto world = alerting();
    OutcomesValue value;
    value.failure = 1;
    world.sample({"shop", "webhooks", world.now.boot + 5h, value, {}, {}, {}, true});
    CHECK(world.engine.window("shop", "webhooks")->newest()->at == world.now.boot);
    world.pass(1s);
    world.sample({"shop", "webhooks", world.now.boot - 200h, value, {}, {}, {}, true});
    CHECK(world.incident() == nullptr);
}

TEST_CASE("a step that is adopted after a restart has what earlier steps saved filled in") {
    auto policy = shop_policy();
    auto& playbook = policy.services[0].playbooks[0];
    playbook.steps[0].save = "image";
    playbook.steps[1].params = JsonObject{{"argv", JsonArray{"run", "{{ steps.image }}"}}};
    playbook.steps[1].check = {"test", "{{ steps.image }}"};
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    world.answer();
    auto const start = world.take<StartStep>();
    StepOutcome outcome;
    outcome.kind = OutcomeKind::done;
    outcome.saved = "abc";
    world.send(StepEnded{start->run, 1, 1, outcome});
    auto other = world.replayed();
    auto const decision = other.decide(Recovered{}, world.now);
    REQUIRE(decision.commands.size() == 1);
    auto const& adopted = std::get<AdoptStep>(decision.commands.front());
    CHECK(adopted.n == 2);
    CHECK(to_text(adopted.step.params).find("abc") != std::string::npos);
    CHECK(adopted.step.check == std::vector<std::string>{"test", "abc"});
}

// A step that waits for others would begin to wait anew at every restart.
TEST_CASE("a step that is found again is told how long it has been on") {
    World world;
    world.release_v2();
    world.fail_health(3);
    world.answer();
    REQUIRE(world.take<StartStep>());
    auto later = world.now;
    later.boot += 40s;
    later.wall += 40s;
    auto const decision = world.replayed().decide(Recovered{}, later);
    CHECK(std::get<AdoptStep>(decision.commands.front()).spent == 40s);
}

TEST_CASE("a state checkpoint continued with the journal's rest equals the whole journal") {
    World world;
    world.release_v2();
    auto const saved = world.engine.save_state();
    world.fail_health(3);
    world.answer();
    Engine other(world.policy, world.now, "00000000-0000-4000-8000-000000000001");
    REQUIRE(other.load_state(saved));
    for (auto const& record : world.journal) {
        if (record.seq > other.state().seq) other.apply(record);
    }
    CHECK(to_text(to_json(other.state())) == to_text(to_json(world.engine.state())));
}

TEST_CASE("a success entry whose command was lost with the daemon is asked again") {
    auto policy = shop_policy();
    policy.services[0].playbooks[0].success = {{CheckKind::run, {}, {}, {"smoke"}, {}, {}}};
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    REQUIRE(world.answer());
    REQUIRE(world.end_step());
    REQUIRE(world.end_step());
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.probe(true);
    }
    REQUIRE(world.take<RunCheck>());
    REQUIRE(world.incident()->success.front().started);
    auto const decision = world.replayed().decide(Recovered{}, world.now);
    bool asked = false;
    for (auto const& command : decision.commands) {
        asked = asked || std::holds_alternative<RunCheck>(command);
    }
    CHECK(asked);
}

TEST_CASE("a breach that waited for the disk is not one any more once a run has been verified") {
    World world;
    world.release_v2();
    world.fail_health(2);
    world.pass(1s);
    Sample third{"shop", "health", world.now.boot, StateValue{false, "refused", 1ms}, {}, {},
                 {},     true};
    auto const edges = world.engine.observe(std::span(&third, 1), world.now);
    world.send(EdgesSeen{edges});
    REQUIRE(world.answer());
    REQUIRE(world.end_step());
    REQUIRE(world.end_step());
    for (int i = 0; i < 3; ++i) {
        world.pass(500ms);
        world.probe(true);
    }
    REQUIRE(world.incident()->state == IncidentState::resolved);
    world.send(EdgesSeen{edges});  // the same breach, from the queue
    CHECK(world.incident("INC-2") == nullptr);
    world.fail_health(3);
    CHECK(world.incident("INC-2") != nullptr);
}

// The disk was full while our own network came back: what had been seen until then was put aside,
// and a breach that had waited for the disk brought it back.
TEST_CASE("a breach that waited for the disk is not one again once blindness has ended") {
    World world;
    world.release_v2();
    world.fail_health(3);
    Answer blind;
    blind.blind = true;
    world.answer(blind);
    world.pass(1s);
    world.probe(true);
    world.fail_health(2);
    world.pass(1s);
    Sample third{"shop", "health", world.now.boot, StateValue{false, "refused", 1ms}, {}, {},
                 {},     true};
    auto const edges = world.engine.observe(std::span(&third, 1), world.now);
    REQUIRE(edges.size() == 1);
    REQUIRE(edges.front().kind == EdgeKind::again);
    world.send(BlindEnded{});
    world.send(EdgesSeen{edges});  // from the queue
    CHECK_FALSE(world.answer());
    CHECK(world.incident()->runs.empty());
    world.fail_health(3);
    CHECK(world.answer());
    CHECK(world.incident()->runs.size() == 1);
}

// Between the question and its answer a person had prepared a plan, and the daemon died.
TEST_CASE("a question that died with the daemon holds no incident, though a plan waits in it") {
    auto policy = shop_policy();
    policy.services[0].playbooks[1].data_loss = DataLoss::possible;
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    REQUIRE(world.incident()->asking);
    world.send(RunAsked{{"op", "operate"}, "shop", "payments-off", "by hand", {}, {}});
    REQUIRE(world.incident()->state == IncidentState::waiting);
    world.commands.clear();
    world.send(Recovered{});
    CHECK_FALSE(world.incident()->asking);
    for (int i = 0; i < 3; ++i) {
        world.pass(1s);
        world.probe(true);
    }
    CHECK(world.incident()->state == IncidentState::resolved);
}

// Its last samples were stale after the restart; the next failures found it true "without a break",
// and nobody judged it again.
TEST_CASE("what a restart has made stale is judged again with the first fresh failure") {
    World world;
    world.release_v2();
    world.send(Paused{{"op", "operate"}, "shop"});
    world.fail_health(4);
    world.answer();
    REQUIRE(world.has_refusal("f", Guard::paused));
    auto const saved = world.engine.save_windows(world.now);
    world.now.boot += 1min;
    world.now.wall += 1min;
    Engine next(world.policy, world.now, "00000000-0000-4000-8000-000000000001");
    for (auto const& record : world.journal) next.apply(record);
    REQUIRE(next.load_windows(saved, world.now));
    world.engine = std::move(next);
    world.send(Recovered{});
    world.send(Resumed{{"op", "operate"}, "shop"});
    REQUIRE(world.incident()->state == IncidentState::open);
    REQUIRE_FALSE(world.answer());
    world.probe(false);
    CHECK(world.answer());
    CHECK(world.incident()->runs.size() == 1);
}

TEST_CASE("after a reboot a floor lies as long ago as it did, before the machine was up") {
    World world;
    world.release_v2();
    world.fail_health(3);
    REQUIRE(world.incident() != nullptr);
    auto const floor = world.now.boot;
    world.append(TriggerCleared{world.incident()->id, "down", "not true after a run", floor});
    world.append(LadderReopened{world.incident()->id, "resumed", {{"other", floor - 1s}}});
    Now const up{Instant(100s), world.now.wall + 10min};
    Engine other(world.policy, up, other_boot);
    for (auto const& record : world.journal) other.apply(record);
    auto const& shop = other.state().service("shop");
    auto const then = up.boot - 10min;
    CHECK(std::chrono::abs(*shop.floor("down") - then) < 1ms);
    CHECK(std::chrono::abs(*shop.floor("other") - (then - 1s)) < 1ms);
}
