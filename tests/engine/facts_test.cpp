// What is known of a service beside its samples: readiness of its playbooks, and its mode.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

std::vector<std::string> messages(World const& world) {
    std::vector<std::string> out;
    for (auto const& [id, message] : world.engine.state().outbox) {
        out.push_back(message->event + ": " + message->text.substr(0, message->text.find('\n')));
    }
    return out;
}

ReadinessSeen seen(std::string why) { return {"shop", "code-rollback", std::move(why)}; }

TriggerPolicy alert_on(std::string const& when) {
    auto trigger = shop_policy().services.front().triggers.front();
    trigger.name = "facts";
    trigger.when = condition(when);
    trigger.response = Response{ResponseKind::alert, {}};
    trigger.severity = Severity::P2;
    return trigger;
}

World with_trigger(std::string const& when) {
    auto policy = shop_policy();
    policy.services.front().triggers.push_back(alert_on(when));
    return World(std::move(policy));
}

std::size_t open_alerts(World const& world) {
    return world.engine.state().service("shop").alerts.size();
}

}  // namespace

TEST_CASE("a playbook that could not be run is told once, and once when it can be run again") {
    World world;
    world.send(seen(""));
    CHECK(messages(world).empty());
    world.send(seen("step git_checkout-1: git is not installed"));
    world.send(seen("step git_checkout-1: git is not installed, still"));
    CHECK(
        messages(world) ==
        std::vector<std::string>{"playbook.not_ready: P2 shop: code-rollback could not be run now: "
                                 "step git_checkout-1: git is not installed"}
    );
    CHECK_FALSE(world.replayed().state().service("shop").readiness.at("code-rollback").ready);
    world.send(seen(""));
    CHECK(messages(world).size() == 2);
    CHECK(world.engine.state().service("shop").readiness.at("code-rollback").ready);
}

TEST_CASE("one that cannot be run from the beginning is told too") {
    World world;
    world.send(seen("no version is known to be good"));
    CHECK(messages(world).size() == 1);
}

TEST_CASE("nobody is told of readiness in a silence, or of a playbook that is gone") {
    World world;
    world.send(ReadinessSeen{"shop", "gone", "no such thing"});
    world.send(SilenceAdded{{"ann", "operate"}, "shop", 1h, "moving house"});
    world.send(seen("no git"));
    CHECK(messages(world).empty());
    CHECK(world.engine.state().service("shop").readiness.size() == 1);
}

TEST_CASE("a trigger on ready fires when it is known and clears when it can be run again") {
    auto world = with_trigger("not ready(code-rollback)");
    world.pass(1min);
    CHECK(open_alerts(world) == 0);
    world.send(seen("no git"));
    world.pass(1s);
    REQUIRE(open_alerts(world) == 1);
    world.send(seen(""));
    world.pass(1s);
    CHECK(open_alerts(world) == 0);
}

TEST_CASE("a trigger on ready holds its for, and knows after a restart what was known") {
    auto policy = shop_policy();
    policy.services.front().triggers.push_back(alert_on("not ready(code-rollback)"));
    policy.services.front().triggers.back().for_ = 10min;
    World world(std::move(policy));
    world.send(seen("no git"));
    world.pass(9min);
    CHECK(open_alerts(world) == 0);
    world.pass(1min);
    CHECK(open_alerts(world) == 1);
    CHECK(world.replayed().judge("shop", "facts", world.now).verdict == Verdict::true_);
}

TEST_CASE("a step leaves its mode on: conditions know, and the incident stays open until it is off"
) {
    auto policy = shop_policy();
    auto& service = policy.services.front();
    auto& rollback = service.playbooks.front();
    auto on = rollback.steps.back();
    on.name = "maintenance";
    on.type = "safe_mode";
    on.params = JsonObject{{"do", "on"}};
    rollback.steps.push_back(on);
    Playbook off;
    off.name = "safe-mode-off";
    off.undoes = Undoes::nothing;
    on.params = JsonObject{{"do", "off"}};
    off.steps = {on};
    service.playbooks.push_back(off);
    service.triggers.push_back(alert_on("mode(shop) != \"normal\""));
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    world.answer();
    while (world.end_step()) {
    }
    world.pass(1s);
    CHECK(world.engine.state().service("shop").mode() == "safe_mode");
    CHECK(open_alerts(world) == 1);
    for (int i = 0; i < 20; ++i) {
        world.pass(5s);
        world.probe(true);
    }
    REQUIRE(world.incident()->state == IncidentState::verifying);
    CHECK(world.incident()->recovered_at);
    auto const why = world.incident()->timeline.back().text;
    CHECK(why.ends_with("safe_mode is still on: rollbackctl run shop safe-mode-off"));
    CHECK(world.replayed().state().service("shop").mode() == "safe_mode");
    world.send(RunAsked{{"ann", "operate"}, "shop", "safe-mode-off", "it is well", {}, {}});
    while (world.end_step()) {
    }
    for (int i = 0; i < 5; ++i) {
        world.pass(5s);
        world.probe(true);
    }
    CHECK(world.engine.state().service("shop").mode() == "normal");
    CHECK(world.incident()->state == IncidentState::resolved);
    CHECK(open_alerts(world) == 0);
}

namespace {

/// The world after a breach that code-rollback has mended; it was broken four seconds before.
World rolled_back(WallTime& broken_at) {
    World world(with_trigger("drill_due(code-rollback, 1h)"));
    world.release_v2();
    broken_at = world.now.wall;
    world.pass(1s);
    world.fail_health(3);
    world.answer();
    while (world.end_step()) {
    }
    return world;
}

Incident const& broken(World const& world) {
    for (auto const& [id, incident] : world.engine.state().incidents) {
        if (!incident->alert_only) return *incident;
    }
    throw std::logic_error("no incident");
}

void recover(World& world) {
    for (int i = 0; i < 3; ++i) {
        world.pass(1s);
        world.probe(true);
    }
}

}  // namespace

TEST_CASE("a drill's times are the journal's, and it is due again after its window") {
    WallTime broken_at;
    auto world = rolled_back(broken_at);
    CHECK(open_alerts(world) == 1);  // never drilled
    auto const id = broken(world).id;
    DrillDone const done{{"anna", "operate"}, "shop", "code-rollback", id, broken_at};
    world.send(done);
    CHECK(world.reply.error->code == Errc::conflict);  // not over yet
    recover(world);
    world.send(done);
    REQUIRE_FALSE(world.reply.error);
    auto const& drill = world.engine.state().service("shop").drills.at("code-rollback");
    CHECK(drill.passed);
    CHECK(drill.noticed == 4s);
    CHECK(drill.acted == 4s);
    CHECK(drill.recovered == 7s);
    CHECK(world.replayed().state().service("shop").drills.at("code-rollback") == drill);
    world.pass(1s);
    CHECK(open_alerts(world) == 0);
    world.pass(2h);
    CHECK(open_alerts(world) == 1);
}

TEST_CASE("a drill is of a run of that playbook, in that service, broken before it was noticed") {
    WallTime broken_at;
    auto world = rolled_back(broken_at);
    recover(world);
    DrillDone done{{"anna", "operate"}, "shop", "code-rollback", broken(world).id, broken_at};
    auto const refused = [&](Errc code) {
        world.send(done);
        REQUIRE(world.reply.error);
        CHECK(world.reply.error->code == code);
    };
    SECTION("no such incident") {
        done.incident = "INC-99";
        refused(Errc::not_found);
    }
    SECTION("another service's") {
        done.service = "api";
        refused(Errc::invalid);
    }
    SECTION("a playbook that did not run") {
        done.playbook = "payments-off";
        refused(Errc::conflict);
    }
    SECTION("broken afterwards") {
        done.broken_at = world.now.wall;
        refused(Errc::invalid);
    }
    SECTION("broken the day before") {
        done.broken_at -= std::chrono::hours(25);
        refused(Errc::invalid);
    }
    CHECK(world.engine.state().service("shop").drills.empty());
}
