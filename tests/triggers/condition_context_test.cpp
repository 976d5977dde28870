// The same condition in other lights: as of a deployment, after a rollback's floor, and whether
// somebody else can recompute it from the proof.
#include "tests/triggers/support.hpp"

#include <random>

using namespace rollbackd;
using namespace rollbackd::test;

namespace {

constexpr Verdict T = Verdict::true_;
constexpr Verdict F = Verdict::false_;
constexpr Verdict U = Verdict::unknown;

Json const& call_of(Evaluation const& told, std::string const& signal, std::string const& call) {
    return told.proof.at("signals").at(signal).at("calls").at(call);
}

}  // namespace

TEST_CASE("failures at or before streaks_since never count in a streak") {
    World world;
    auto& health = world.signal("health", SignalKind::state);
    for (int i = 1; i <= 6; ++i) health.observe(sample(i * 5s, down()));
    world.context.streaks_since = at(20s);
    auto const blamed = world.judge("consecutive_failures(health) >= 3", 30s);
    CHECK(blamed.verdict == F);
    CHECK(blamed.count == 2);
    health.observe(sample(35s, down()));
    auto const later = world.judge("consecutive_failures(health) >= 3", 35s);
    CHECK(later.verdict == T);
    CHECK(later.begun == at(25s));
}

TEST_CASE("samples at or before ignore_before do not exist") {
    World world;
    world.context.ignore_before = at(60s);
    auto& requests = world.signal("requests", SignalKind::outcomes);
    auto& health = world.signal("health", SignalKind::state, 20s);
    for (int i = 1; i <= 60; ++i) requests.observe(sample(i * 1s, bad()));
    health.observe(sample(60s, up()));
    CHECK(world.verdict("failure_ratio(requests, 5m) > 1%", 61s) == U);
    CHECK(world.verdict("consecutive_failures(requests) > 3", 61s) == U);
    CHECK(world.verdict("ok(health)", 61s) == U);
    CHECK(world.verdict("count(requests, 5m) > 0", 61s) == U);
    requests.observe(sample(62s, good()));
    health.observe(sample(62s, up()));
    CHECK(world.verdict("failure_ratio(requests, 5m) > 1%", 62s) == F);
    CHECK(world.verdict("consecutive_failures(requests) > 3", 62s) == F);
    CHECK(world.verdict("ok(health)", 62s) == T);
    CHECK(world.verdict("rate(requests, 30s) > 0", 80s) == U);
    CHECK(world.verdict("rate(requests, 30s) > 0", 90s) == T);
    auto const absent = world.judge("absent(requests, 1m)", 122s);
    CHECK(absent.verdict == T);
    CHECK(absent.begun == at(122s));
}

TEST_CASE("widened, ratios and means reach back further, without min_count and confidence") {
    World world;
    auto& requests = world.signal("requests", SignalKind::outcomes);
    requests.observe(sample(1min, good()));
    requests.observe(sample(2min, good()));
    world.context.rules = {100, 0.95};
    auto const ratio = "failure_ratio(requests, 5m) > 1%";
    CHECK(world.verdict(ratio, 20min) == U);
    world.context.widen = 30min;
    auto const before = world.judge(ratio, 20min);
    CHECK(before.verdict == F);
    CHECK(before.successes == 2);
    requests.observe(sample(3min, bad()));
    CHECK(world.verdict(ratio, 20min) == T);  // 1 of 3, and no min_count
    // Their own window: counts do not widen, but tell the successes of the wide one.
    auto const counted = world.judge("failures(requests, 18m) > 3", 20min);
    CHECK(counted.verdict == F);
    CHECK(counted.count == 1);
    CHECK(counted.successes == 2);
    CHECK(world.verdict("failures(requests, 5m) > 3", 20min) == U);
    auto const streak = world.judge("consecutive_failures(requests) > 3", 20min);
    CHECK(streak.verdict == F);
    CHECK(streak.successes == 2);
    CHECK(world.judge("consecutive_failures(requests) > 3", 40min).successes == 0);
    // A window longer than the wide one keeps its length.
    CHECK(world.judge("failure_ratio(requests, 2h) > 1%", 40min).successes == 2);
}

TEST_CASE("widened, gauges tell their samples, states their successes") {
    World world;
    world.context.widen = 30min;
    auto& cert = world.signal("cert", SignalKind::gauge);
    cert.observe(sample(1min, gauge(50)));
    cert.observe(sample(2min, gauge(50)));
    CHECK(world.judge("days_left(cert) < 30", 10min).successes == 2);
    CHECK(world.judge("days_left(cert) < 30", 40min).successes == 0);
    CHECK(world.judge("avg(cert, 1m) < 30", 10min).count == 50);
    auto& health = world.signal("health", SignalKind::state);
    for (int i = 1; i <= 10; ++i) health.observe(sample(i * 1min, i == 4 ? down() : up()));
    CHECK(world.judge("failed(health)", 10min).successes == 9);
    auto const rate = world.judge("rate(health, 1m) > 100", 10min);
    CHECK(rate.verdict == F);
    CHECK(rate.count == Approx(9.0 / (9 * 60)));  // reaches back as far as the signal is known
}

TEST_CASE("judging in the past, later samples do not exist") {
    World world;
    auto& requests = world.signal("requests", SignalKind::outcomes, 1min);
    for (int i = 1; i <= 300; ++i) requests.observe(sample(i * 1s, i > 200 ? bad() : good()));
    auto const then = world.judge("failure_ratio(requests, 1m) > 1%", 200s);
    CHECK(then.verdict == F);
    CHECK(
        then.proof.at("signals").at("requests").at("samples").as_array().back().at("at") ==
        Json(std::int64_t{200'000'000'000})
    );
    CHECK(world.verdict("consecutive_failures(requests) >= 5", 200s) == F);
    CHECK(world.verdict("consecutive_failures(requests) >= 5", 205s) == T);
    CHECK(world.verdict("ok(requests)", 200s) == T);
}

TEST_CASE("while true, the time is told at which a sample leaves its window") {
    World world;
    world.context.rules.min_count = 1;
    auto& requests = world.signal("requests", SignalKind::outcomes);
    requests.observe(sample(10s, bad()));
    requests.observe(sample(20s, good()));
    auto const breach = world.judge("failure_ratio(requests, 1m) > 1%", 21s);
    CHECK(breach.verdict == T);
    CHECK(breach.changes_at == at(70s));
    CHECK(world.verdict("failure_ratio(requests, 1m) > 1%", 70s - 1ns) == T);
    CHECK(world.verdict("failure_ratio(requests, 1m) > 1%", 70s) == F);
    CHECK_FALSE(world.judge("failure_ratio(requests, 1m) > 1%", 75s).changes_at);
    requests.observe(sample(80s, bad()));
    auto const streak = world.judge("consecutive_failures(requests) > 0", 81s);
    CHECK(streak.changes_at == at(80s + 24h) + Duration(1));
}

TEST_CASE("samples that age out may end a breach, never begin one") {
    std::mt19937 random(17);
    for (int round = 0; round < 30; ++round) {
        World world;
        world.context.rules.min_count = 5;
        auto& requests = world.signal("requests", SignalKind::outcomes);
        Duration now = 0s;
        for (int i = 0; i < 60; ++i) {
            auto const pick = std::uniform_int_distribution<int>(0, 9)(random);
            now += std::chrono::seconds(1 + pick % 3);
            requests.observe(sample(now, pick < 2 ? bad() : good()));
            // The engine fires on samples only; here is what makes that safe to rely on: whenever
            // ageing alone makes the ratio true, the sample before it had not fired, and the
            // verdict is recomputed on the next sample from what is in the window then.
            auto const told = world.judge("failures(requests, 20s) > 2", now);
            auto const later = world.judge("failures(requests, 20s) > 2", now + 5s);
            if (told.verdict != T) CHECK(later.verdict != T);
            if (told.verdict == T && later.verdict != T) CHECK(*told.changes_at <= at(now + 5s));
        }
    }
}

TEST_CASE("the proof holds what is needed to compute the verdict again") {
    World world;
    world.context.rules.min_count = 10;
    auto& requests = world.signal("requests", SignalKind::outcomes);
    auto& hooks = world.signal("hooks", SignalKind::outcomes);
    for (int i = 1; i <= 50; ++i)
        requests.observe(sample(i * 1s, i % 25 == 0 ? bad("status: 502") : good()));
    for (int i = 1; i <= 4; ++i)
        hooks.observe(sample(i * 1s, bad("status: 500"), "stripe", "evt_" + std::to_string(i)));
    auto const told =
        world.judge("failure_ratio(requests, 5m) > 1% and consecutive_failures(hooks) > 3", 50s);
    CHECK(told.verdict == T);
    CHECK(told.proof.at("now") == Json(std::int64_t{50'000'000'000}));
    auto const& ratio = call_of(told, "requests", "failure_ratio(requests, 5m)");
    auto const number = [&](char const* key) { return ratio.at(key).to_number<double>(); };
    CHECK(
        number("failure") / (number("success") + number("failure") + number("neutral")) ==
        number("value")
    );
    CHECK(number("to") - number("from") == 300e9);
    auto const& streak = call_of(told, "hooks", "consecutive_failures(hooks)");
    CHECK(streak.at("length") == Json(4));
    CHECK(streak.at("by") == Json("stripe"));
    CHECK(streak.at("since") == Json(std::int64_t{1'000'000'000}));
    auto const& samples = told.proof.at("signals").at("hooks").at("samples").as_array();
    REQUIRE(samples.size() == 4);
    CHECK(samples[3].at("id") == Json("evt_4"));
    CHECK(samples[3].at("reason") == Json("status: 500"));
    CHECK(
        told.proof.at("signals").at("requests").at("samples").as_array().size() ==
        Evaluation::samples_max
    );
    auto const missing = world.judge("ok(nobody)", 50s);
    CHECK(call_of(missing, "nobody", "ok(nobody)").at("value") == Json("unknown"));
    auto const evaluation = read_json<Evaluation>(to_json(told));
    REQUIRE(evaluation);
    CHECK(*evaluation == told);
}

TEST_CASE("rounding never makes the arithmetic look wrong") {
    World world;
    auto& requests = world.signal("requests", SignalKind::outcomes);
    requests.observe(sample(1s, OutcomesValue{9'899'999, 100'001, 0, {}}));
    auto const told = world.judge("failure_ratio(requests, 5m) > 1%", 2s);
    CHECK(told.why == "failure_ratio(requests, 5m) = 1.00001 % > 1 % (100001 of 10000000)");
}

TEST_CASE("hostile text in reasons and names is printed harmlessly") {
    World world;
    auto& hooks = world.signal("hooks", SignalKind::outcomes);
    hooks.observe(sample(1s, bad("\x1b[2Jgone"), "\x1b]0;owned"));
    auto const told = world.judge("consecutive_failures(hooks) > 0", 2s);
    CHECK(told.why.find('\x1b') == std::string::npos);
    CHECK(to_text(told.proof).find("\\u001b") == std::string::npos);
}
