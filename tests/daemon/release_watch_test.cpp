#include "daemon/known_release.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;
using namespace std::chrono_literals;

namespace {

constexpr Instant start{1000s};

struct Fixture {
    void say(Duration at, std::string text) {
        Sample sample;
        sample.service = "shop";
        sample.signal = "running";
        sample.at = start + at;
        sample.value = TextValue{std::move(text)};
        window.observe(sample);
    }
    void say_nothing(Duration at) {
        Sample sample;
        sample.service = "shop";
        sample.signal = "running";
        sample.at = start + at;
        sample.value = UnknownValue{"timeout"};
        window.observe(sample);
    }
    std::string look(Duration at) {
        auto const change = known.look(window, recorded, start, {start + at, {}});
        if (!change) return "";
        before = change->before;
        return change->version;
    }
    // Nobody remembers anything but the window and the journal.
    void restart() { known = {}; }

    SignalWindow window{WindowRules{SignalKind::text, 1h, 35s}};
    KnownRelease known;
    std::string recorded;
    Instant before;
};

// Of the shop, in whose journal v1 is in effect.
struct History {
    History() {
        deploy("v1", start);
        state.services["shop"].current = "v1";
    }
    void deploy(std::string version, Instant recorded) {
        Deployment made;
        made.id = ++ids;
        made.version = std::move(version);
        made.recorded_at.boot = made.started_at.boot = recorded;
        state.services["shop"].deployments.push_back(std::move(made));
    }
    void roll_back(std::string from, std::string to, Instant begun, std::optional<Instant> ended) {
        Run run;
        run.plan.target = std::move(to);
        run.plan.blamed = std::move(from);
        run.started_at = Moment{{}, begun};
        if (ended) run.steps_ended_at = Moment{{}, *ended};
        auto incident = std::make_shared<Incident>();
        incident->id = "INC-1";
        incident->service = "shop";
        incident->runs.push_back(std::move(run));
        state.incidents["INC-1"] = std::move(incident);
    }
    bool is_news(std::string version, Instant before) const {
        return is_unannounced(state, "shop", {std::move(version), before, before + 3s});
    }

    State state;
    std::uint64_t ids = 0;
};

}  // namespace

TEST_CASE("a version that has changed is told once, after three answers in a row") {
    Fixture f;
    f.say(100ms, "v1");
    CHECK(f.look(250ms).empty());
    f.say(1s, "v2");
    CHECK(f.look(1250ms).empty());
    CHECK(f.look(1500ms).empty());  // no answer meanwhile
    f.say(2s, "v2");
    CHECK(f.look(2250ms).empty());
    f.say(3s, "v1");  // half rolled out
    CHECK(f.look(3250ms).empty());
    for (auto const at : {4s, 5s}) {
        f.say(at, "v2");
        CHECK(f.look(at + 250ms).empty());
    }
    f.say(6s, "v2");
    CHECK(f.look(6250ms) == "v2");
    CHECK(f.before == start + 3s);
    f.say(7s, "v2");
    CHECK(f.look(7250ms).empty());
}

TEST_CASE("a version that changed before the first look was not there from the beginning") {
    Fixture f;
    f.say(50ms, "v1");
    f.say(200ms, "v2");
    CHECK(f.look(250ms).empty());
    CHECK(f.known.settled == "v1");
    f.say(1s, "v2");
    CHECK(f.look(1250ms).empty());
    f.say(2s, "v2");
    CHECK(f.look(2250ms) == "v2");
    CHECK(f.before == start + 50ms);
}

TEST_CASE("what a restart has brought back is what was there before") {
    Fixture f;
    f.say(-10s, "v1");
    f.say(100ms, "v2");
    CHECK(f.look(250ms).empty());
    CHECK(f.known.settled == "v1");
    for (auto const at : {1s, 2s}) f.say(at, "v2");
    CHECK(f.look(3s) == "v2");
    CHECK(f.before == start - 10s);
}

TEST_CASE("a version that was coming when the daemon went is told when it has come to stay") {
    Fixture f;
    f.say(0s, "v1");
    for (auto const at : {1s, 2s}) f.say(at, "v2");
    CHECK(f.look(2250ms).empty());
    f.restart();
    f.say(12s, "v2");
    CHECK(f.look(12250ms) == "v2");
    CHECK(f.before == start);
}

TEST_CASE("a version that came to stay just before the daemon went is told at its start") {
    Fixture f;
    f.say(0s, "v1");
    for (auto const at : {1s, 2s, 3s}) f.say(at, "v2");
    f.restart();
    CHECK(f.look(10s) == "v2");
    CHECK(f.look(11s).empty());
}

TEST_CASE("where nothing of the signal is remembered, what is recorded was there before") {
    Fixture f;
    f.recorded = "v1";
    CHECK(f.look(0s).empty());
    for (auto const at : {1s, 2s}) f.say(at, "v2");
    CHECK(f.look(2250ms).empty());
    f.say(3s, "v2");
    CHECK(f.look(3250ms) == "v2");
}

TEST_CASE("what came to stay since something else was put into effect is told by the next life") {
    Fixture f;
    f.recorded = "v0";
    for (auto const at : {1s, 2s, 3s}) f.say(at, "v3");
    f.restart();  // it was read, and not recorded any more
    CHECK(f.look(10s) == "v3");
    CHECK(f.before == start);
}

TEST_CASE("what could not be read for long hides nothing that was seen before") {
    Fixture f;
    f.recorded = "v1";
    f.say(-10s, "v1");
    for (int n = 0; n < 100; ++n) f.say_nothing(n * 100ms);
    for (auto const at : {11s, 12s, 13s}) f.say(at, "v2");
    f.restart();
    CHECK(f.look(20s) == "v2");
}

TEST_CASE("a version that was seen in between was there before, however shortly") {
    Fixture f;
    f.say(0s, "v1");
    CHECK(f.look(100ms).empty());
    f.say(1s, "v2");
    for (auto const at : {2s, 3s, 4s}) f.say(at, "v3");
    CHECK(f.look(4100ms) == "v3");
    CHECK(f.before == start + 1s);
}

TEST_CASE(
    "what a rollback has put there, and somebody has undone before it was seen for long, is news"
) {
    Fixture f;
    for (auto const at : {0s, 1s, 2s}) f.say(at, "v2");
    CHECK(f.look(2100ms).empty());
    f.recorded = "v1";
    f.say(3s, "v1");
    CHECK(f.look(3100ms).empty());
    for (auto const at : {4s, 5s, 6s}) f.say(at, "v2");
    CHECK(f.look(7s) == "v2");
    CHECK(f.before == start + 3s);
    f.recorded.clear();
    f.say(8s, "v1");
    for (auto const at : {9s, 10s, 11s}) f.say(at, "v2");
    CHECK(f.look(12s).empty());
}

TEST_CASE("answers that come faster than anybody looks are counted each") {
    Fixture f;
    f.say(0ms, "v1");
    CHECK(f.look(50ms).empty());
    for (auto const at : {100ms, 120ms, 140ms}) f.say(at, "v2");
    CHECK(f.look(250ms) == "v2");
}

TEST_CASE("a version is recorded only where nobody has done it since the old one was seen last") {
    History history;
    CHECK(history.is_news("v2", start + 1min));
    CHECK_FALSE(history.is_news("v1", start + 1min));
    CHECK_FALSE(history.is_news("no version", start + 1min));
    history.deploy("v2", start + 2min);
    CHECK_FALSE(history.is_news("v2", start + 1min));
    CHECK(history.is_news("v2", start + 3min));
    // What had come to stay before another was recorded is older than that.
    CHECK_FALSE(history.is_news("v0", start + 1min));
    CHECK(history.is_news("v0", start + 3min));
    // Recorded during a run, it is in effect when that has ended.
    history.state.services["shop"].waiting_window = history.ids;
    CHECK_FALSE(history.is_news("v2", start + 3min));
}

TEST_CASE("what a run has put into effect, or was to undo and has not, is no news") {
    History history;
    history.deploy("v2", start + 10s);  // and v1 was read once more
    history.roll_back("v2", "v1", start + 1min, std::nullopt);
    CHECK_FALSE(history.is_news("v2", start + 20s));
    history.roll_back("v2", "v1", start + 1min, start + 2min);
    CHECK_FALSE(history.is_news("v2", start + 20s));
    CHECK(history.is_news("v2", start + 3min));  // v1 was read since: it was deployed again
    // A run whose end nobody knows has put v1 into effect, whatever is recorded.
    history.state.services["shop"].current = "v2";
    CHECK_FALSE(history.is_news("v1", start + 50s));
}

TEST_CASE("who only says that a version is good has not recorded that it is in effect") {
    History history;
    history.deploy("v2", start + 10s);
    CHECK_FALSE(history.is_news("v2", start + 9s));
    auto& said = history.state.services["shop"].deployments.back();
    said.known_good = true;
    said.in_effect = false;
    CHECK(history.is_news("v2", start + 9s));
}

TEST_CASE("what a signal has shown was in effect when it was read, however late it was recorded") {
    History history;
    history.state.services["shop"].current = "v2";
    history.deploy("v2", start + 60s);
    CHECK(in_effect_since(history.state, "shop") == start + 60s);
    history.state.services["shop"].deployments.back().seen_at = Moment{{}, start + 12s};
    CHECK(in_effect_since(history.state, "shop") == start + 12s);
    // So what came between the two is news to the next life of the daemon.
    CHECK(history.is_news("v3", start + 13s));
}

TEST_CASE(
    "what was seen before a slow announcement, or while a run went on, is news to the next life"
) {
    History history;
    auto& shop = history.state.services["shop"];
    shop.current = "v2";
    history.deploy("v2", start + 60s);
    shop.deployments.back().started_at.boot = start + 20s;
    CHECK(in_effect_since(history.state, "shop") == start + 20s);
    shop.current = "v1";
    history.roll_back("v2", "v1", start + 2min, start + 3min);
    CHECK(in_effect_since(history.state, "shop") == start + 2min);
}

TEST_CASE("a version began after the one before it was seen last, however long nothing was seen") {
    Fixture f;
    f.recorded = "v1";
    f.say(-10s, "v1");
    for (int n = 1; n < 10; ++n) f.say(n * 1s, "v1");
    for (int n = 0; n < 200; ++n) f.say_nothing(10s + n * 100ms);
    for (auto const at : {41s, 42s, 43s}) f.say(at, "v2");
    f.restart();
    CHECK(f.look(50s) == "v2");
    CHECK(f.before == start + 9s);
}
