// Flapping: what comes and goes by itself is told to people, and never keeps the main job waiting.
#include "engine/flapping.hpp"

#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

/// Four failing webhooks switch payments off; a success ends the streak. Nothing acts at first.
Policy payments_policy() {
    auto policy = shop_policy();
    auto& webhooks = policy.services[0].triggers[1];
    webhooks.blame = Blame::any;
    webhooks.resolve_after.samples = 1;
    webhooks.response = Response{ResponseKind::ladder, {{"payments-off", {}}}};
    policy.services[0].limits.runs_per_hour = 100;
    policy.services[0].limits.runs_per_day = 100;
    return policy;
}

void breach(World& world) {
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.push(false);
    }
}

void recover(World& world) {
    world.pass(1s);
    world.push(true);
}

/// Goes bad and good again by itself while a pause keeps rollbackd's hands off.
void flap(World& world, int times) {
    world.send(Paused{{"anna", "operate"}, "shop"});
    for (int i = 0; i < times; ++i) {
        breach(world);
        recover(world);
    }
    world.send(Resumed{{"anna", "operate"}, "shop"});
}

Incident const& newest(World const& world) {
    return *world.incident(world.engine.state().incident_order.back());
}

GuardResult guard(World const& world, Guard wanted) {
    for (auto const& result : newest(world).guards) {
        if (result.guard == wanted) return result;
    }
    return {};
}

}  // namespace

TEST_CASE("seven changes in ten minutes are too many, three are few again") {
    Flapping flapping;
    auto now = Instant(1h);
    auto verdict = Verdict::false_;
    auto const change = [&](bool ours = false) {
        verdict = verdict == Verdict::true_ ? Verdict::false_ : Verdict::true_;
        flapping.note(verdict, now, ours);
        now += 10s;
    };
    flapping.note(verdict, now, false);
    for (int i = 0; i < 6; ++i) change();
    CHECK_FALSE(flapping.is_unstable(now));
    CHECK(flapping.text(now) == "6 <= 6 changes in 10m");
    change();
    CHECK(flapping.is_unstable(now));
    CHECK(flapping.text(now) == "7 > 6 changes in 10m");
    // The oldest leave the window ten seconds apart: six, five and four are still too many.
    auto const seventh = Instant(1h) + 60s;
    CHECK(flapping.stable_at() == seventh - 30s + 10min);
    CHECK(flapping.is_unstable(flapping.stable_at() - 1s));
    CHECK(flapping.text(flapping.stable_at() - 1s) == "4 > 3 changes in 10m");
    CHECK_FALSE(flapping.is_unstable(flapping.stable_at()));
}

TEST_CASE("what was stable for a while is not unstable at its next change") {
    Flapping flapping;
    auto now = Instant(1h);
    for (int i = 0; i < 8; ++i) {
        flapping.note(i % 2 == 0 ? Verdict::true_ : Verdict::false_, now, false);
        now += 1s;
    }
    REQUIRE(flapping.is_unstable(now));
    now += 20min;
    for (int i = 0; i < 4; ++i) {
        flapping.note(i % 2 == 0 ? Verdict::true_ : Verdict::false_, now, false);
        now += 1s;
    }
    CHECK_FALSE(flapping.is_unstable(now));
}

TEST_CASE("unknown is no change, and neither is what happens while rollbackd is at work") {
    Flapping stale;
    Flapping at_work;
    for (int i = 0; i < 100; ++i) {
        auto const now = Instant(1h) + i * 1s;
        stale.note(i % 2 == 0 ? Verdict::true_ : Verdict::unknown, now, false);
        at_work.note(i % 2 == 0 ? Verdict::true_ : Verdict::false_, now, true);
    }
    CHECK(stale.changes.empty());
    CHECK(at_work.changes.empty());
}

TEST_CASE("its memory is bounded, however fast it flaps") {
    Flapping flapping;
    for (int i = 0; i < 100000; ++i) {
        auto const verdict = i % 2 == 0 ? Verdict::true_ : Verdict::false_;
        flapping.note(verdict, Instant(1h) + i * 1ms, false);
    }
    CHECK(flapping.changes.size() == Flapping::changes_max);
}

TEST_CASE(
    "a service that goes bad and good again by itself is unstable: people are told, nothing runs"
) {
    World world(payments_policy());
    recover(world);
    flap(world, 3);
    breach(world);
    REQUIRE(newest(world).state == IncidentState::waiting);
    CHECK(newest(world).runs.back().state == RunState::waiting);
    auto const said = guard(world, Guard::unstable);
    CHECK(said.letter == "f");
    CHECK(said.text == "webhooks comes and goes by itself: 7 > 6 changes in 10m");
    CHECK(world.commands.empty());
    bool told = false;
    for (auto const& [id, message] : world.engine.state().outbox) {
        told = told || message->text.find("7 > 6 changes in 10m") != std::string::npos;
    }
    CHECK(told);
    SECTION("a person may let the plan go") {
        auto const plan = newest(world).runs.back().plan.hash;
        world.send(Approved{{"bert", "approve"}, newest(world).id, plan, {}});
        CHECK_FALSE(world.reply.error);
        CHECK(world.take<StartStep>());
    }
    SECTION("what stays bad is judged again once it is stable") {
        for (int i = 0; i < 600 && world.commands.empty(); ++i) {
            world.pass(1s);
            world.push(false);
        }
        CHECK(world.take<StartStep>());
        CHECK(newest(world).state == IncidentState::acting);
        CHECK(guard(world, Guard::unstable).passed);
    }
    SECTION("what a person has rejected is not") {
        auto const plan = newest(world).runs.back().plan.hash;
        world.send(Rejected{{"bert", "approve"}, newest(world).id, plan});
        for (int i = 0; i < 900; ++i) {
            world.pass(1s);
            world.push(false);
        }
        CHECK(world.commands.empty());
    }
    SECTION("a restart does not forget it") {
        Engine next(world.policy, world.now, "00000000-0000-4000-8000-000000000001");
        for (auto const& record : world.journal) next.apply(record);
        REQUIRE(next.load_windows(world.engine.save_windows(world.now), world.now).has_value());
        auto const* const track = next.track("shop", "webhooks");
        REQUIRE(track != nullptr);
        CHECK(track->flapping == world.engine.track("shop", "webhooks")->flapping);
        CHECK(track->flapping.is_unstable(world.now.boot));
    }
}

TEST_CASE("two episodes are no flapping") {
    World world(payments_policy());
    recover(world);
    flap(world, 2);
    breach(world);
    CHECK(newest(world).state == IncidentState::acting);
    CHECK(guard(world, Guard::unstable).text == "webhooks: 5 <= 6 changes in 10m");
}

TEST_CASE("incidents that rollbackd itself ended do not make a service unstable") {
    World world(payments_policy());
    recover(world);
    for (int i = 0; i < 6; ++i) {
        breach(world);
        REQUIRE(newest(world).state == IncidentState::acting);
        world.end_step();
        recover(world);
        REQUIRE(newest(world).state == IncidentState::resolved);
    }
}

TEST_CASE("a release that comes up and goes down again at every restart is rolled back") {
    World world;
    world.release_v2();
    world.fail_health(3);
    // Quick probes see it come and go while the world is asked afresh.
    for (int i = 0; i < 20; ++i) {
        world.pass(100ms);
        world.probe(true);
        for (int n = 0; n < 3; ++n) {
            world.pass(100ms);
            world.probe(false);
        }
    }
    REQUIRE(world.answer());
    CHECK(world.incident()->state == IncidentState::acting);
    CHECK(world.incident()->blamed == "v2");
}

TEST_CASE("a symptom that a person raised is no flapping") {
    World world(payments_policy());
    recover(world);
    flap(world, 4);
    world.send(Raised{{"anna", "operate"}, "shop", "webhooks", "customers call"});
    CHECK(newest(world).state == IncidentState::acting);
}

TEST_CASE("a plan that waits for a person is not drawn up again because another trigger flaps") {
    auto policy = payments_policy();
    auto& shop = policy.services[0];
    shop.playbooks.push_back(shop.playbooks[1]);
    shop.playbooks.back().name = "restart";
    shop.triggers[0].blame = Blame::any;
    shop.triggers[0].response = Response{ResponseKind::ladder, {{"restart", {}}}};
    shop.triggers[1].severity = Severity::P1;
    shop.limits.runs_per_hour = 0;
    World world(std::move(policy));
    recover(world);
    flap(world, 4);
    breach(world);
    REQUIRE_FALSE(guard(world, Guard::unstable).passed);
    world.fail_health(3);  // more severe: its plan takes the place of the other
    REQUIRE(newest(world).state == IncidentState::waiting);
    auto const plans = newest(world).runs.size();
    for (int i = 0; i < 20; ++i) {
        world.pass(2s);
        world.probe(false);
        world.send(Tick{});
    }
    CHECK(newest(world).runs.size() == plans);
}

// A ratio just above its threshold was told to people as flapping before it had ever been a breach.
TEST_CASE("what has not held for its `for` was no breach, and is no change of one") {
    auto policy = payments_policy();
    policy.services[0].triggers[1].for_ = 10s;
    World world(std::move(policy));
    for (int i = 0; i < 8; ++i) {
        breach(world);
        recover(world);
    }
    CHECK(world.incident() == nullptr);
    breach(world);
    world.pass(11s);
    world.answer();
    REQUIRE(world.incident() != nullptr);
    CHECK(guard(world, Guard::unstable).text == "webhooks: 1 <= 6 changes in 10m");
    CHECK(newest(world).runs.size() == 1);
}
