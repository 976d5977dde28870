// Sources that tell what changes, not how things are: in their own order, and again.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

TriggerPolicy alerting(std::string name, std::string_view when) {
    TriggerPolicy made;
    made.name = std::move(name);
    made.when = condition(when);
    made.severity = Severity::P1;
    made.response = Response{ResponseKind::alert, {}};
    return made;
}

/// `health` tells the alerts of an Alertmanager, and is stale after 30 s.
World hearing_alerts(std::vector<TriggerPolicy> triggers) {
    auto policy = shop_policy();
    policy.services[0].signals[0].stale_after = 30s;
    policy.services[0].signals[0].type = "alerts";
    policy.services[0].triggers = std::move(triggers);
    return World(std::move(policy));
}

Sample told(Now now, Duration ago, bool ok) {
    Sample sample;
    sample.service = "shop";
    sample.signal = "health";
    sample.at = now.boot - ago;
    sample.value = StateValue{ok, ok ? "" : "alert: Down", {}};
    sample.in_order = true;
    return sample;
}

}  // namespace

TEST_CASE("what a source says in order comes after all it has said, whenever that began") {
    World world(shop_policy());
    auto const say = [](Engine& engine, Now now, Duration ago, bool ok) {
        auto const sample = told(now, ago, ok);
        (void)engine.observe(std::span(&sample, 1), now);
        return engine.window("shop", "health")->newest();
    };
    world.pass(1min);
    auto const good = say(world.engine, world.now, 0s, true)->at;
    CHECK(good == world.now.boot);
    world.pass(10s);
    auto const failed = say(world.engine, world.now, 30s, false);  // began earlier, told later
    CHECK(failed->at == good + Duration(1));
    CHECK(is_failure(*failed));

    // After a reboot too, whatever the system clock says: boot time begins anew.
    auto other = world.replayed();
    auto const saved = world.engine.save_windows(world.now);
    REQUIRE(other.load_windows(saved, world.now));
    auto later = world.now;
    later.boot += 1s;
    later.wall -= 2h;
    CHECK_FALSE(is_failure(*say(other, later, 5min, true)));
    later.boot += 1s;
    CHECK(is_failure(*say(other, later, -1min, false)));
    CHECK(other.window("shop", "health")->newest()->at == later.boot);
}

TEST_CASE("an alert that is told again keeps its signal from being stale and begins nothing") {
    auto world = hearing_alerts(
        {alerting("silent", "stale(health)"), alerting("many", "consecutive_failures(health) >= 2")}
    );
    auto fires = told(world.now, 0s, false);
    world.sample(fires);
    fires.repeated = true;
    for (int i = 0; i < 5; ++i) {
        world.pass(20s);
        fires.at = world.now.boot;
        world.sample(fires);
        REQUIRE(world.incident() == nullptr);
    }
    world.pass(31s);
    REQUIRE(world.incident() != nullptr);
    CHECK(world.incident()->triggers.front().trigger == "silent");
    // It speaks again: the silence is over, though only what is good closes an incident.
    fires.at = world.now.boot;
    world.sample(fires);
    CHECK(world.engine.judge("shop", "silent", world.now).verdict == Verdict::false_);
    CHECK(world.incident()->state == IncidentState::open);
    CHECK(world.engine.judge("shop", "many", world.now).count == 1);
}

TEST_CASE("an alert of long ago that is heard of now is a breach, and no silence") {
    auto world =
        hearing_alerts({alerting("fires", "failed(health)"), alerting("silent", "stale(health)")});
    world.pass(1s);
    world.sample(told(world.now, 26min, false));
    world.pass(29s);
    REQUIRE(world.incident() != nullptr);
    REQUIRE(world.incident()->triggers.size() == 1);
    CHECK(world.incident()->triggers.front().trigger == "fires");
}
