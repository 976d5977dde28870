// The systemd step against a systemctl that says what a test tells it to; against the real one it
// runs in tests/drills.
#include "actions/steps/registry.hpp"
#include "actions/steps/systemd_script.hpp"
#include "tests/actions/steps/support/hands.hpp"
#include "tests/catch.hpp"

#include <sys/stat.h>

using namespace rollbackd;
using namespace rollbackd::test;

namespace {

/// `show` answers the file of that name in $UNIT; any other verb is noted and runs the file
/// on-VERB.
constexpr char const* fake_systemctl = R"sh(#!/bin/sh
cd "$UNIT" || exit 99
verb='' property='' last=''
for word in "$@"; do
    case $word in
        --property=*) property=${word#--property=} ;;
        --) ;;
        -*) ;;
        *) [ -n "$verb" ] || verb=$word; last=$word ;;
    esac
done
case $verb in
    show)
        [ ! -e deaf ] || exit 1
        # What comes next, if a test said so: a unit on its way.
        [ ! -s "$property.next" ] || { cat "$property.next" >"$property"; : >"$property.next"; exec cat "$property.was"; }
        cat "$property" ;;
    status) echo "status of $last" ;;
    *) echo "$*" >>calls; [ ! -e "on-$verb" ] || exec sh "./on-$verb" ;;
esac
)sh";

class Unit {
public:
    Unit() {
        dir.write("systemctl", fake_systemctl);
        REQUIRE(chmod(dir.path("systemctl").c_str(), 0755) == 0);
        set("LoadState", "loaded");
        set("ActiveState", "active");
        set("SubState", "running");
        set("InvocationID", "one");
        set("Type", "simple");
        set("Result", "success");
    }
    void set(std::string const& property, std::string const& value) const {
        dir.write(property, value + "\n");
    }
    void on(std::string const& verb, std::string const& script) const {
        dir.write("on-" + verb, script);
    }
    StepOutcome run(
        char const* script, std::string const& verb, std::string const& unit = "shop.service"
    ) {
        Hands hands(dir.path("run"));
        auto made = step(
            "exec",
            JsonObject{
                {"argv", {"/bin/sh", "-c", script, "systemd", unit, verb}},
                {"env", {{"PATH", dir.path() + ":/usr/bin:/bin"}, {"UNIT", dir.path()}}}
            }
        );
        return hands.run(made, "r" + std::to_string(++runs_));
    }
    StepOutcome act(std::string const& verb, std::string const& unit = "shop.service") {
        return run(systemd_act, verb, unit);
    }

    TempDir dir;

private:
    int runs_ = 0;
};

constexpr char const* starts_anew = "echo two >InvocationID; echo active >ActiveState";

bool contains(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a restart is done when the unit is active and was started anew") {
    Unit unit;
    unit.on("restart", starts_anew);
    auto const outcome = unit.act("restart");
    CHECK(outcome.kind == OutcomeKind::done);
    CHECK(outcome.text == "shop.service is active, started anew");
    CHECK(contains(unit.dir.read("calls"), "restart -- shop.service"));
}

TEST_CASE("a restart that left the old processes running is failed") {
    Unit unit;
    auto const outcome = unit.act("restart");
    CHECK(outcome.kind == OutcomeKind::failed);
    CHECK(outcome.exit == 11);
    CHECK(contains(outcome.text, "not started anew"));
    CHECK(contains(outcome.text, "status of shop.service"));
}

TEST_CASE("what systemctl refuses is failed with its exit status and the unit's own words") {
    Unit unit;
    unit.on("restart", "echo 'Interactive authentication required.' >&2; exit 4");
    auto const outcome = unit.act("restart");
    CHECK(outcome.kind == OutcomeKind::failed);
    CHECK(outcome.exit == 4);
    CHECK(contains(outcome.text, "authentication required"));
    CHECK(contains(outcome.text, "status of shop.service"));
}

TEST_CASE("a unit that is not there, or a systemd that does not answer, is touched by nothing") {
    Unit unit;
    unit.set("LoadState", "not-found");
    CHECK(contains(unit.act("restart").text, "no such unit here (not-found)"));
    CHECK(contains(unit.run(systemd_loaded, "").text, "no such unit here"));
    unit.dir.write("deaf", "");
    CHECK(contains(unit.act("restart").text, "systemd does not answer"));
    CHECK(contains(unit.run(systemd_loaded, "").text, "systemd does not answer"));
    CHECK_FALSE(unit.dir.has("calls"));
}

TEST_CASE("a unit on its way is waited for") {
    Unit unit;
    unit.dir.write("ActiveState.was", "activating\n");
    unit.on("start", "echo active >ActiveState.next");
    CHECK(unit.act("start").text == "shop.service is active");
}

TEST_CASE("a unit that systemd starts over and over is not started") {
    Unit unit;
    unit.on(
        "restart",
        "echo two >InvocationID; echo activating >ActiveState; echo auto-restart >SubState"
    );
    auto const outcome = unit.act("restart");
    CHECK(outcome.kind == OutcomeKind::failed);
    CHECK(contains(outcome.text, "is activating after restart"));
}

TEST_CASE("a unit that runs to its end has done its work when it is gone") {
    Unit unit;
    unit.set("Type", "oneshot");
    unit.on("start", "echo inactive >ActiveState");
    CHECK(unit.act("start").text == "shop.service has run");
    unit.set("Result", "exit-code");
    CHECK(unit.act("start").kind == OutcomeKind::failed);
    unit.set("Type", "simple");
    unit.set("Result", "success");
    CHECK(unit.act("start").kind == OutcomeKind::failed);
}

TEST_CASE("stop and reload are measured by the state they bring about") {
    Unit unit;
    CHECK(unit.act("reload").kind == OutcomeKind::done);
    CHECK(unit.act("stop").kind == OutcomeKind::failed);
    unit.on("stop", "echo inactive >ActiveState");
    CHECK(unit.act("stop").text == "shop.service is inactive");
    unit.on("stop", "echo failed >ActiveState");
    CHECK(unit.act("stop").kind == OutcomeKind::done);
    CHECK(unit.act("reload").kind == OutcomeKind::failed);
}

TEST_CASE("no unit's name is an option") {
    Unit unit;
    unit.on("restart", starts_anew);
    CHECK(unit.act("restart", "--force").kind == OutcomeKind::done);
    CHECK(contains(unit.dir.read("calls"), "restart -- --force"));
}

TEST_CASE("start and stop can be settled by the unit's state, restart and reload by nothing") {
    Unit unit;
    auto const settled = [&](std::string const& verb) {
        return unit.run(systemd_settle, verb).exit;
    };
    CHECK(settled("start") == 0);
    CHECK(settled("stop") == 1);
    CHECK(settled("restart") == 2);
    CHECK(settled("reload") == 2);
    unit.set("ActiveState", "failed");
    CHECK(settled("start") == 1);
    CHECK(settled("stop") == 0);
    unit.dir.write("deaf", "");
    CHECK(settled("start") == 2);
}

TEST_CASE("a systemd step may be repeated, needs its unit and verb, and says what it would do") {
    auto const catalogue = step_catalogue();
    auto const info = std::find_if(catalogue.begin(), catalogue.end(), [](TypeInfo const& type) {
        return type.name == "systemd";
    });
    REQUIRE(info != catalogue.end());
    CHECK(info->idempotent);
    CHECK(info->restarts);
    TempDir dir;
    Hands hands(dir.path("run"));
    auto const made = step("systemd", JsonObject{{"unit", "shop.service"}, {"do", "restart"}});
    CHECK(hands.runner().dry_run(made) == "restart the unit shop.service");
}
