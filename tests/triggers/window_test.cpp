#include "triggers/window.hpp"
#include "tests/triggers/support.hpp"

using namespace rollbackd;
using namespace rollbackd::test;

namespace {

SignalWindow made(SignalKind kind, std::optional<Duration> stale_after = {}) {
    return SignalWindow({kind, 1h, stale_after});
}

std::uint64_t length(SignalWindow const& window, Duration when, Instant since = Instant::min()) {
    auto const found = window.longest_streak(at(when), since, false);
    return found ? found->length : 0;
}

}  // namespace

TEST_CASE("a range leaves out its beginning and includes its end") {
    auto window = made(SignalKind::outcomes);
    for (int i = 1; i <= 3; ++i) window.observe(sample(i * 1s, good()));
    CHECK(window.counts({at(1s), at(3s)}).success == 2);
    CHECK(window.counts({at(3s), at(3s)}).success == 0);
    CHECK(window.counts({at(5s), at(3s)}).success == 0);
}

TEST_CASE("a late sample counts in its range and never rewrites a judged streak") {
    auto window = made(SignalKind::outcomes);
    for (int i = 1; i <= 4; ++i) window.observe(sample(i * 10s, bad()));
    CHECK(window.observe(sample(25s, good())));
    CHECK(length(window, 1min) == 4);
    CHECK(window.counts({at(0s), at(1min)}).success == 1);
    CHECK(window.observe(sample(5s, bad())));
    CHECK(length(window, 1min) == 4);
    window.observe(sample(40s, good()));  // the same instant is not late
    CHECK(length(window, 1min) == 0);
}

TEST_CASE("a failure that is disregarded counts nowhere, and nor does a repeat of its id") {
    auto window = made(SignalKind::outcomes);
    auto failed = sample(1s, bad());
    window.disregard(failed);
    CHECK(window.counts({at(0s), at(1min)}).failure == 0);
    failed.id = "evt_1";
    window.disregard(failed);
    failed.at = at(30s);
    CHECK_FALSE(window.observe(failed));
    CHECK(window.counts({at(0s), at(1min)}).failure == 0);
    failed.value = good();
    CHECK(window.observe(failed));  // as success it has not counted yet
}

TEST_CASE("a neutral sample does not make others late") {
    auto window = made(SignalKind::outcomes);
    window.observe(sample(10s, neutral()));
    window.observe(sample(8s, bad()));
    CHECK(length(window, 11s) == 1);
}

TEST_CASE("an aggregate with a success ends a streak, one without adds its failures") {
    auto window = made(SignalKind::outcomes);
    window.observe(sample(1s, OutcomesValue{0, 3, 0, {}}));
    window.observe(sample(2s, OutcomesValue{0, 2, 5, {}}));
    CHECK(length(window, 3s) == 5);
    window.observe(sample(4s, OutcomesValue{1, 9, 0, {}}));
    CHECK(length(window, 5s) == 0);
    window.observe(sample(6s, OutcomesValue{0, 0, 0, {}}));
    CHECK(length(window, 7s) == 0);
}

TEST_CASE("an id counts once as failure and once as success, also within aggregates") {
    auto window = made(SignalKind::outcomes);
    CHECK(window.observe(sample(1s, bad(), "", "a")));
    CHECK(window.observe(sample(2s, good(), "", "a")));
    CHECK_FALSE(window.observe(sample(3s, good(), "", "a")));
    CHECK_FALSE(window.observe(sample(4s, bad(), "", "a")));
    CHECK(window.observe(sample(5s, bad(), "paypal", "a")));  // another provider's id
    CHECK(window.observe(sample(6s, OutcomesValue{2, 2, 0, {}}, "", "b")));
    CHECK_FALSE(window.observe(sample(7s, OutcomesValue{2, 2, 0, {}}, "", "b")));
    CHECK(window.counts({at(0s), at(1min)}) == Counts{3, 4, 0});
}

TEST_CASE("after a success of an id, its first failure still counts and extends the streak") {
    auto window = made(SignalKind::outcomes);
    window.observe(sample(1s, good(), "", "a"));
    CHECK(window.observe(sample(2s, bad(), "", "a")));
    CHECK(length(window, 3s) == 1);
}

TEST_CASE("an id is forgotten after 72 hours") {
    SignalWindow window({SignalKind::outcomes, 100h, std::nullopt});
    window.observe(sample(0s, bad(), "", "a"));
    CHECK_FALSE(window.observe(sample(72h, bad(), "", "a")));
    CHECK(window.observe(sample(72h + 1s, bad(), "", "a")));
    window.expire(at(200h));
    CHECK(window.observe(sample(200h, bad(), "", "a")));
}

TEST_CASE("no failure older than 24 hours counts in a streak, and only those after since") {
    SignalWindow window({SignalKind::outcomes, 48h, std::nullopt});
    for (int i = 0; i < 5; ++i) window.observe(sample(i * 1h, bad()));
    CHECK(length(window, 5h) == 5);
    CHECK(length(window, 24h) == 5);
    CHECK(length(window, 25h) == 4);
    CHECK(length(window, 5h, at(2h)) == 2);
    CHECK(length(window, 3h) == 4);
    CHECK(window.longest_streak(at(5h), at(2h), false)->since == at(3h));
    window.expire(at(27h));
    CHECK(length(window, 27h) == 2);
    CHECK(window.judged({Instant::min(), at(27h)}));
}

TEST_CASE("streaks are kept apart by their key, the longest first, with the newest reason") {
    auto window = made(SignalKind::outcomes);
    window.observe(sample(1s, bad("timeout"), "stripe"));
    window.observe(sample(2s, bad("status: 500"), "stripe"));
    window.observe(sample(3s, bad(), "paypal"));
    window.observe(sample(4s, good(), "klarna"));
    auto const found = window.streaks(at(5s), Instant::min());
    CHECK(
        found ==
        std::vector<Streak>{
            {2, at(1s), "stripe", "status: 500"},
            {1, at(3s), "paypal", ""},
            {0, std::nullopt, "klarna", ""},
        }
    );
}

TEST_CASE("a streak goes on over a moment where its own value has failed before and since") {
    auto window = made(SignalKind::outcomes);
    window.observe(sample(1s, bad(), "stripe"));
    window.observe(sample(2s, bad(), "paypal"));
    window.observe(sample(11s, good(), "paypal"));
    CHECK_FALSE(window.streak_goes_on(at(20s), at(10s)));
    window.observe(sample(12s, bad(), "paypal"));
    window.observe(sample(13s, bad(), "klarna"));
    CHECK_FALSE(window.streak_goes_on(at(20s), at(10s)));
    window.observe(sample(14s, bad(), "stripe"));
    CHECK(window.streak_goes_on(at(20s), at(10s)));
    CHECK_FALSE(window.streak_goes_on(at(13s), at(10s)));
    window.observe(sample(15s, good(), "stripe"));
    CHECK_FALSE(window.streak_goes_on(at(20s), at(10s)));
}

TEST_CASE("a success of everything ends every streak, and is late for none it is not older than") {
    auto window = made(SignalKind::outcomes);
    window.observe(sample(1s, bad(), "a"));
    window.observe(sample(2s, bad(), "a"));
    window.observe(sample(5s, bad(), "b"));
    auto clean = sample(3s, good());
    clean.ends_all = true;
    window.observe(clean);
    auto const after = window.streaks(at(6s), Instant::min());
    REQUIRE(after.size() == 3);  // its own, too
    CHECK(after[0].by == "b");
    CHECK(after[0].length == 1);
    CHECK(after[1].length == 0);
    CHECK(length(window, 2s) == 2);  // as of then
    CHECK(window.counts({at(0s), at(6s)}).success == 1);
}

TEST_CASE("a streak that runs is not forgotten for names that come and go") {
    auto window = made(SignalKind::outcomes);
    for (int i = 1; i <= 3; ++i) window.observe(sample(i * 1s, bad(), "stripe"));
    for (int i = 0; i < 2000; ++i) {
        window.observe(sample(4s + i * 10ms, good(), "name" + std::to_string(i)));
    }
    window.observe(sample(30s, bad(), "stripe"));
    CHECK(window.streaks(at(31s), Instant::min()).size() == SignalWindow::streaks_max);
    CHECK(length(window, 31s) == 4);
}

TEST_CASE("a streak of thousands keeps its length, its beginning and its as-of answers bounded") {
    auto window = made(SignalKind::state);
    window.observe(sample(0s, up()));
    for (int i = 1; i <= 5000; ++i) window.observe(sample(i * 500ms, down()));
    CHECK(length(window, 1h) == 5000);
    CHECK(window.longest_streak(at(1h), Instant::min(), false)->since == at(500ms));
    auto const halfway = length(window, 1250s);
    CHECK(halfway > 2300);
    CHECK(halfway <= 2500);
    CHECK(length(window, 1h, at(2490s)) == 20);  // the newest are exact
}

TEST_CASE("a long flapping history keeps the running streak and knows when it began") {
    auto window = made(SignalKind::outcomes);
    for (int i = 0; i < 4000; ++i) window.observe(sample(i * 100ms, i % 3 == 0 ? good() : bad()));
    window.observe(sample(400s, good()));
    for (int i = 1; i <= 6; ++i) window.observe(sample(400s + i * 1s, bad()));
    CHECK(length(window, 407s) == 6);
    CHECK(length(window, 403s) == 3);
    for (int second = 1; second < 400; second += 7) CHECK(length(window, second * 1s) <= 2);
}

TEST_CASE("what is said again keeps a signal fresh and is no sample, over a restart too") {
    auto window = made(SignalKind::state, 30s);
    auto failed = sample(1s, StateValue{false, "alert", {}});
    window.observe(failed);
    failed.at = at(60s);
    failed.repeated = true;
    CHECK(window.observe(failed));
    auto loaded = SignalWindow::load(window.rules(), window.save());
    REQUIRE(loaded);
    loaded->shift(1s);
    for (auto const* const one : {&window, &*loaded}) {
        auto const late = one == &window ? 0s : 1s;
        CHECK_FALSE(one->stale(at(90s + late)));
        CHECK(one->stale(at(91s + late)));
        CHECK(one->stale(at(59s + late)));  // as of before it
        CHECK(one->spoke_at(at(90s)) == at(60s + late));
        CHECK(one->newest()->at == at(1s + late));
        CHECK(length(*one, 90s) == 1);
        CHECK(one->judged_at(at(90s))->at == at(1s + late));
    }
}

TEST_CASE("a signal is stale before its first sample and when its newest is too old") {
    auto probe = made(SignalKind::state, 20s);
    CHECK(probe.stale(at(1s)));
    probe.observe(sample(10s, down()));
    CHECK_FALSE(probe.stale(at(30s)));
    CHECK(probe.stale(at(30s + 1ns)));
    CHECK(probe.stale(at(9s)));  // as of before it
    probe.observe(sample(25s, silent()));
    CHECK(probe.stale(at(31s)));  // a sample that could not say makes nothing fresh
    auto push = made(SignalKind::outcomes);
    CHECK_FALSE(push.stale(at(1s)));
}

TEST_CASE("coverage survives forgetting: a window as long as the retention stays covered") {
    SignalWindow window({SignalKind::gauge, 5min, std::nullopt});
    CHECK_FALSE(window.covered_from());
    for (int i = 0; i <= 600; ++i) {
        window.observe(sample(i * 1s, gauge(i)));
        window.expire(at(i * 1s));
    }
    CHECK(*window.covered_from() == at(300s));
    CHECK(window.values({at(300s), at(600s)}).size() == 300);
    CHECK(window.number_at(at(300s))->value == 300);
    CHECK(window.sample_at(at(300s))->value == SampleValue(gauge(300)));
}

TEST_CASE("numbers are gauge values, and latencies of what answered or timed out") {
    auto probe = made(SignalKind::state);
    probe.observe(sample(1s, up(250ms)));
    probe.observe(sample(2s, down("refused")));
    probe.observe(sample(3s, StateValue{false, "timeout: no answer in 2s", 2s}));
    CHECK(probe.values({at(0s), at(5s)}) == std::vector<double>{0.25, 2});
    auto full = made(SignalKind::gauge);
    for (int i = 0; i < 10'000; ++i) full.observe(sample(i * 10ms, gauge(i)));
    auto const values = full.values({at(-1s), at(200s)});
    REQUIRE(values.size() == SignalWindow::values_max);
    CHECK(values.back() == 9999);
    CHECK(values.front() == 10'000 - 4096);
    auto odd = made(SignalKind::gauge);
    odd.observe(sample(1s, gauge(std::numeric_limits<double>::infinity())));
    CHECK(odd.silent_at(at(1s)));
    CHECK(odd.values({at(0s), at(5s)}).empty());
}

TEST_CASE("texts are remembered as runs, late ones in their place") {
    auto window = made(SignalKind::text);
    window.observe(sample(1s, text("v1")));
    window.observe(sample(2s, text("v1")));
    window.observe(sample(10s, text("v1")));
    CHECK_FALSE(window.changed({at(1s), at(10s)}));
    window.observe(sample(5s, text("v2")));
    CHECK(window.text_at(at(4s)) == "v1");
    CHECK(window.text_at(at(6s)) == "v2");
    CHECK(window.text_at(at(10s)) == "v1");
    CHECK_FALSE(window.text_at(at(0s)));
    CHECK(window.changed({at(1s), at(10s)}));
    CHECK_FALSE(window.changed({at(0s), at(4s)}));  // the first text is no change
    CHECK_FALSE(window.changed({at(10s), at(20s)}));
}

TEST_CASE("changed sees gauges and states differ, and what they were when the range began") {
    auto level = made(SignalKind::gauge);
    level.observe(sample(1s, gauge(3)));
    level.observe(sample(5s, gauge(3)));
    CHECK_FALSE(level.changed({at(0s), at(5s)}));
    level.observe(sample(6s, gauge(4)));
    CHECK(level.changed({at(5s), at(6s)}));
    auto probe = made(SignalKind::state);
    probe.observe(sample(1s, up()));
    probe.observe(sample(2s, down()));
    CHECK(probe.changed({at(1s), at(2s)}));
    CHECK(probe.changed({at(0s), at(2s)}));
    probe.observe(sample(3s, down()));
    CHECK_FALSE(probe.changed({at(2s), at(3s)}));
}

TEST_CASE("older samples are rebuilt from counts, the newest come back as they were") {
    auto window = made(SignalKind::state);
    for (int i = 0; i < 400; ++i) {
        window.observe(sample(i * 1s, i % 50 == 0 ? down("status: 503") : up(20ms)));
    }
    auto const old = window.sample_at(at(50s));
    REQUIRE(old);
    CHECK(old->signal == "s");
    CHECK_FALSE(std::get<StateValue>(old->value).ok);
    CHECK(std::get<StateValue>(window.sample_at(at(350s))->value).reason == "status: 503");
    CHECK(std::get<StateValue>(window.sample_at(at(51s))->value).latency == 20ms);
    CHECK(window.recent(5, {at(0s), at(100s)}).back().at == at(100s));
    CHECK(window.recent(1000, {at(-1s), at(400s)}).size() == 400);
}

TEST_CASE("clients are not remembered where nobody asks for them") {
    SignalWindow window({SignalKind::outcomes, 1h, std::nullopt, false});
    auto one = sample(1s, bad());
    one.client = "192.0.2.1";
    window.observe(one);
    CHECK(window.clients({at(0s), at(1h)}) == Clients{0, 0});
}

TEST_CASE("samples older than the retention change nothing") {
    auto window = made(SignalKind::outcomes);
    window.observe(sample(2h, good()));
    CHECK_FALSE(window.observe(sample(30min, bad())));
    CHECK(window.counts({at(0s), at(3h)}) == Counts{1, 0, 0});
}
