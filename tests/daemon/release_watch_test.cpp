#include "daemon/release_watch.hpp"

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
    std::optional<std::string> look(Duration at) { return known.look(window, start, start + at); }

    SignalWindow window{WindowRules{SignalKind::text, 1h, 35s}};
    KnownRelease known;
};

}  // namespace

TEST_CASE("a version that has changed is told once, after three answers in a row") {
    Fixture f;
    f.say(100ms, "v1");
    CHECK_FALSE(f.look(250ms));
    f.say(1s, "v2");
    CHECK_FALSE(f.look(1250ms));
    CHECK_FALSE(f.look(1500ms));  // no answer meanwhile
    f.say(2s, "v2");
    CHECK_FALSE(f.look(2250ms));
    f.say(3s, "v1");  // half rolled out
    CHECK_FALSE(f.look(3250ms));
    for (auto const at : {4s, 5s}) {
        f.say(at, "v2");
        CHECK_FALSE(f.look(at + 250ms));
    }
    f.say(6s, "v2");
    CHECK(f.look(6250ms) == "v2");
    CHECK(f.known.settled_at == start + 3s);
    f.say(7s, "v2");
    CHECK_FALSE(f.look(7250ms));
}

TEST_CASE("a version that changed before the first look was not there from the beginning") {
    Fixture f;
    f.say(50ms, "v1");
    f.say(200ms, "v2");
    CHECK_FALSE(f.look(250ms));
    CHECK(f.known.settled == "v1");
    CHECK(f.known.settled_at == start + 50ms);
    f.say(1s, "v2");
    CHECK_FALSE(f.look(1250ms));
    f.say(2s, "v2");
    CHECK(f.look(2250ms) == "v2");
}

TEST_CASE("what a restart has brought back is what was there before") {
    Fixture f;
    f.say(-10s, "v1");
    f.say(100ms, "v2");
    CHECK_FALSE(f.look(250ms));
    CHECK(f.known.settled == "v1");
    CHECK(f.known.settled_at == start - 10s);
}
