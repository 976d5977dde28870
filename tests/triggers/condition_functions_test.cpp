// What each function answers, and when it does not.
#include "tests/triggers/support.hpp"

using namespace rollbackd;
using namespace rollbackd::test;

namespace {

constexpr Verdict T = Verdict::true_;
constexpr Verdict F = Verdict::false_;
constexpr Verdict U = Verdict::unknown;

}  // namespace

TEST_CASE("ok and failed read the newest judged sample, and are unknown when it is stale") {
    World world;
    auto& health = world.signal("health", SignalKind::state, 20s);
    CHECK(world.verdict("ok(health)", 1s) == U);
    health.observe(sample(1s, up()));
    CHECK(world.verdict("ok(health)", 2s) == T);
    CHECK(world.verdict("failed(health)", 2s) == F);
    health.observe(sample(6s, down("timeout: 2s")));
    health.observe(sample(11s, down("refused: no one listens")));
    auto const failed = world.judge("failed(health)", 12s);
    CHECK(failed.verdict == T);
    CHECK(failed.why == "health failed: refused: no one listens");
    CHECK(failed.begun == at(6s));
    CHECK(failed.changes_at == at(31s) + Duration(1));
    CHECK(world.verdict("failed(health)", 31s) == T);
    CHECK(world.verdict("failed(health)", 31s + 1ns) == U);
    CHECK(world.judge("ok(health)", 51s).why == "health is stale: its last sample is 40.0 s old");
    CHECK(world.verdict("ok(health)", 5s) == T);  // as of then
    health.observe(sample(12s, silent()));
    CHECK(world.verdict("failed(health)", 13s) == U);
}

TEST_CASE("a streak is unknown until something was judged, and while its probe is stale") {
    World world;
    auto& hooks = world.signal("hooks", SignalKind::outcomes, 1min);
    hooks.observe(sample(1s, neutral()));
    CHECK(world.verdict("consecutive_failures(hooks) > 3", 2s) == U);
    CHECK(world.verdict("consecutive_failures(hooks) < 3", 2s) == U);
    hooks.observe(sample(3s, bad()));
    CHECK(world.verdict("consecutive_failures(hooks) < 3", 4s) == T);
    CHECK(world.verdict("consecutive_failures(hooks) < 3", 2min) == U);
}

TEST_CASE("count includes neutral outcomes, failures do not, and both are unknown on nothing") {
    World world;
    auto& requests = world.signal("requests", SignalKind::outcomes);
    requests.observe(sample(1s, OutcomesValue{5, 2, 3, {}}));
    CHECK(world.judge("count(requests, 1m) > 0", 2s).count == 10);
    CHECK(world.judge("failures(requests, 1m) > 0", 2s).count == 2);
    CHECK(world.verdict("failures(requests, 1m) == 0", 2min) == U);
    CHECK(world.verdict("count(requests, 1m) == 0", 2min) == U);
    world.context.quiet_is_zero = true;
    CHECK(world.verdict("failures(requests, 1m) == 0", 2min) == T);
    CHECK(world.verdict("count(requests, 1m) == 0", 2min) == T);
    CHECK(world.verdict("rate(requests, 1m) == 0", 2min) == T);
    world.signal("log", SignalKind::outcomes);  // never spoke, and need not
    CHECK(world.verdict("failures(log, 1m) == 0", 2min) == T);
    CHECK(world.verdict("failure_ratio(log, 1m) == 0", 2min) == U);
    auto& unread = world.signal("unread", SignalKind::outcomes);  // who cannot look sees no error
    unread.observe(sample(5s, good()));
    unread.observe(sample(10s, silent()));
    CHECK(world.verdict("failures(unread, 1m) == 0", 20s) == U);
    CHECK(world.verdict("failures(unread, 1m) == 0", 2min) == U);
    unread.observe(sample(2min, SampleValue(OutcomesValue{})));  // it can be read again
    CHECK(world.verdict("failures(unread, 1m) == 0", 2min) == T);
    world.context.quiet_is_zero = false;
    world.context.rules.min_count = 11;
    CHECK(world.verdict("failures(requests, 1m) > 1", 2s) == U);
    CHECK(world.verdict("failures(requests, 1m) > 3", 2s) == F);
    auto& level = world.signal("level", SignalKind::gauge);
    for (int i = 1; i <= 12; ++i) level.observe(sample(i * 1s, gauge(1)));
    CHECK(world.judge("count(level, 1m) > 11", 13s).count == 12);
}

TEST_CASE("a rate needs its window covered") {
    World world;
    auto& requests = world.signal("requests", SignalKind::outcomes);
    for (int i = 0; i <= 120; ++i) requests.observe(sample(i * 1s, good()));
    CHECK(world.verdict("rate(requests, 1m) > 0.5", 59s) == U);
    CHECK(
        world.judge("rate(requests, 1m) > 0.5", 59s).why ==
        "rate(requests, 1m): its window is not covered yet"
    );
    auto const covered = world.judge("rate(requests, 1m) > 0.5", 60s);
    CHECK(covered.verdict == T);
    CHECK(covered.count == 1);
    CHECK(covered.why == "rate(requests, 1m) = 1 > 0.5 (60 in 1m)");
}

TEST_CASE("affected is the share of distinct clients that failed") {
    World world;
    world.context.rules.min_count = 4;
    auto& requests = world.signal("requests", SignalKind::outcomes);
    for (int i = 0; i < 40; ++i) {
        auto one = sample(i * 1s, i % 4 == 0 ? bad() : good());
        one.client = "192.0.2." + std::to_string(i % 8);
        requests.observe(one);
    }
    requests.observe(sample(41s, bad()));  // of nobody known
    auto const found = world.judge("affected(requests, 10m) >= 25%", 42s);
    CHECK(found.verdict == T);
    CHECK(found.why == "affected(requests, 10m) = 25 % >= 25 % (2 of 8 affected)");
    world.context.rules.min_count = 9;
    CHECK(world.verdict("affected(requests, 10m) >= 25%", 42s) == U);
}

TEST_CASE("gauges: newest value, least, greatest, mean, quantiles by nearest rank, difference") {
    World world;
    world.context.rules.min_count = 1;
    auto& level = world.signal("level", SignalKind::gauge);
    for (int i = 1; i <= 100; ++i) level.observe(sample(i * 1s, gauge(i)));
    auto const value = [&](std::string const& call) {
        return *world.judge(call + " > 0", 100s).count;
    };
    CHECK(value("value(level)") == 100);
    CHECK(value("min(level, 50s)") == 51);
    CHECK(value("max(level, 50s)") == 100);
    CHECK(value("avg(level, 100s)") == Approx(50.5));
    CHECK(value("p50(level, 100s)") == 50);
    CHECK(value("p95(level, 100s)") == 95);
    CHECK(value("p99(level, 100s)") == 99);
    CHECK(value("p99(level, 10s)") == 100);
    CHECK(value("delta(level, 30s)") == 30);
    CHECK(world.verdict("delta(level, 5m) > 0", 100s) == U);
    CHECK(world.verdict("avg(level, 10s) > 0", 10min) == U);
    CHECK(
        world.judge("delta(level, 30s) > 0", 100s).why ==
        "delta(level, 30s) = 30 > 0 (from 70 to 100)"
    );
    level.observe(sample(101s, silent()));
    CHECK(world.verdict("value(level) > 0", 102s) == U);
    CHECK(world.verdict("avg(level, 100s) > 0", 102s) == T);
}

TEST_CASE("quantiles want 20 samples by default, means one") {
    World world;
    auto& health = world.signal("health", SignalKind::state);
    for (int i = 1; i <= 19; ++i) health.observe(sample(i * 1s, up(900ms)));
    CHECK(world.verdict("avg(health, 1m) > 800ms", 20s) == T);
    CHECK(world.verdict("p95(health, 1m) > 800ms", 20s) == U);
    health.observe(sample(20s, up(900ms)));
    auto const found = world.judge("p95(health, 1m) > 800ms", 20s);
    CHECK(found.verdict == T);
    CHECK(found.why == "p95(health, 1m) = 900 ms > 800ms (of 20)");
    CHECK(world.verdict("latency(health) > 2s", 20s) == F);
    health.observe(sample(21s, down("refused")));
    CHECK(world.verdict("latency(health) > 2s", 22s) == U);
}

TEST_CASE("days left are compared with days, however they are written") {
    World world;
    world.signal("cert", SignalKind::gauge, 3h).observe(sample(1s, gauge(10.5)));
    CHECK(world.judge("days_left(cert) < 30", 2s).why == "days_left(cert) = 10.5 days < 30");
    CHECK(world.verdict("days_left(cert) < 30d", 2s) == T);
    CHECK(world.verdict("days_left(cert) < 1w + 3d", 2s) == F);
    CHECK(world.verdict("days_left(cert) < 30", 5h) == U);
}

TEST_CASE("versions are compared as texts") {
    World world;
    auto& site = world.signal("site", SignalKind::text);
    CHECK(world.verdict("version(site) == \"v1\"", 1s) == U);
    site.observe(sample(1s, text("v1")));
    CHECK(world.verdict("version(site) == \"v1\"", 2s) == T);
    CHECK(world.verdict("\"v1\" != version(site)", 2s) == F);
    CHECK(world.judge("version(site) == \"v2\"", 2s).why == "version(site) = \"v1\", not \"v2\"");
    site.observe(sample(3s, text("v2")));
    CHECK(world.verdict("changed(site, 1m)", 4s) == T);
    CHECK(world.verdict("changed(site, 1m)", 62s) == T);
    CHECK(world.verdict("changed(site, 1m)", 10min) == U);
}

TEST_CASE("absent is true at its deadline, false before it, unknown until we have listened") {
    World world;
    auto& beat = world.signal("beat", SignalKind::outcomes);
    CHECK(world.verdict("absent(beat, 5m)", 1min) == U);
    beat.listen_from(at(1min));
    auto const waiting = world.judge("absent(beat, 5m)", 2min);
    CHECK(waiting.verdict == U);
    CHECK(waiting.changes_at == at(6min));
    auto const never = world.judge("absent(beat, 5m)", 6min);
    CHECK(never.verdict == T);
    CHECK(never.begun == at(6min));
    CHECK(never.why == "beat never spoke, absent for 5m");
    beat.observe(sample(7min, good()));
    auto const there = world.judge("absent(beat, 5m)", 8min);
    CHECK(there.verdict == F);
    CHECK(there.changes_at == at(12min));
    CHECK(world.verdict("absent(beat, 5m)", 12min - 1ns) == F);
    auto const gone = world.judge("absent(beat, 5m)", 12min);
    CHECK(gone.verdict == T);
    CHECK(gone.begun == at(12min));
    beat.observe(sample(13min, silent()));
    CHECK(world.verdict("absent(beat, 5m)", 13min) == T);
    beat.listen_from(at(14min));  // we were away: silence begins to count afresh
    CHECK(world.verdict("absent(beat, 5m)", 15min) == U);
    CHECK(world.judge("absent(beat, 5m)", 19min).begun == at(19min));
}

TEST_CASE("stale is true one instant after its limit, and never without one") {
    World world;
    auto& health = world.signal("health", SignalKind::state, 17s);
    CHECK(world.verdict("stale(health)", 1s) == U);
    health.observe(sample(10s, down()));
    auto const fresh = world.judge("stale(health)", 27s);
    CHECK(fresh.verdict == F);
    CHECK(fresh.changes_at == at(27s) + Duration(1));
    auto const stale = world.judge("stale(health)", 27s + 1ns);
    CHECK(stale.verdict == T);
    CHECK(stale.begun == at(27s));
    world.signal("push", SignalKind::outcomes).observe(sample(1s, good()));
    CHECK(world.verdict("stale(push)", 10h) == F);
}

TEST_CASE("a baseline is the same signal before the deployment") {
    World world;
    world.context.rules.min_count = 10;
    auto& requests = world.signal("requests", SignalKind::outcomes);
    auto const when = "failure_ratio(requests, 5m) > 2 * baseline(requests)";
    for (int i = 0; i < 100; ++i) requests.observe(sample(i * 3s, i % 50 == 0 ? bad() : good()));
    CHECK(world.judge(when, 300s).why == "baseline(requests): no deployment to compare with");
    world.context.deployed_at = at(300s);
    for (int i = 1; i <= 100; ++i)
        requests.observe(sample(300s + i * 3s, i % 20 == 0 ? bad() : good()));
    auto const found = world.judge(when, 600s);
    CHECK(found.verdict == T);
    CHECK(found.count == 0.05);
    CHECK(found.threshold == Approx(2.0 / 99));
    CHECK(
        found.why ==
        "failure_ratio(requests, 5m) = 5 % > 2.02 % = 2 * baseline(requests) (5 of 100)"
    );
    CHECK(world.verdict("failure_ratio(requests, 5m) > 6 * baseline(requests)", 600s) == F);

    auto& disk = world.signal("disk", SignalKind::gauge);
    for (int i = 1; i <= 200; ++i) disk.observe(sample(i * 3s, gauge(i <= 100 ? 10 : 25)));
    CHECK(world.verdict("avg(disk, 5m) > 2 * baseline(disk)", 600s) == T);
    auto& health = world.signal("health", SignalKind::state);
    for (int i = 1; i <= 200; ++i) health.observe(sample(i * 3s, up(i <= 100 ? 100ms : 250ms)));
    CHECK(
        world.judge("p95(health, 5m) > 2 * baseline(health)", 600s).why ==
        "p95(health, 5m) = 250 ms > 200 ms = 2 * baseline(health) (of 100)"
    );
}

TEST_CASE("burn rate is the lesser of two windows' burns, as in the SRE workbook") {
    World world;
    auto& requests = world.signal("requests", SignalKind::outcomes, {}, 4h);
    // 2 % failing in the last 5 minutes, none before: the long window does not burn.
    for (int i = 0; i < 3300; ++i) requests.observe(sample(i * 1s, good()));
    for (int i = 0; i < 300; ++i)
        requests.observe(sample(3300s + i * 1s, i % 50 == 0 ? bad() : good()));
    auto const slow = world.judge("burn_rate(requests, 99.9%, 1h, 5m) > 14.4", 3599s);
    CHECK(slow.verdict == F);
    CHECK(*slow.count == Approx(6.0 / 3600 / 0.001).epsilon(0.01));
    auto const fast = world.judge("burn_rate(requests, 99.9%, 10m, 5m) > 9", 3599s);
    CHECK(fast.verdict == T);
    CHECK(*fast.count == Approx(10).epsilon(0.02));
    CHECK(world.verdict("burn_rate(requests, 98%, 1h, 5m) >= 1", 3599s) == F);
}

TEST_CASE("ready and mode ask the engine, are unknown where nobody knows, and are proved") {
    World world;
    CHECK(world.verdict("ready(restart)", 1s) == U);
    CHECK(world.verdict("mode(shop) == \"normal\"", 1s) == U);
    world.context.ready = [](std::string_view playbook) -> std::optional<ReadyFact> {
        if (playbook == "unseen") return std::nullopt;
        return ReadyFact{playbook == "restart", playbook == "restart" ? "" : "no git\nhere"};
    };
    world.context.mode = [](std::string_view) { return std::string("safe_mode"); };
    CHECK(world.verdict("ready(restart)", 1s) == T);
    CHECK(world.verdict("ready(unseen)", 1s) == U);
    auto const not_ready = world.judge("not ready(code-rollback)", 1s);
    CHECK(not_ready.verdict == T);
    CHECK(not_ready.why == "code-rollback cannot be run: no git here");
    CHECK(not_ready.proof.at("facts").at("ready(code-rollback)").at("value") == "false");
    CHECK(world.verdict("mode(shop) == \"normal\"", 1s) == F);
    auto const on = world.judge("mode(shop) == \"safe_mode\"", 1s);
    CHECK(on.verdict == T);
    CHECK(on.proof.at("facts").at("mode(shop)").at("value") == "safe_mode");
}

TEST_CASE("drill_due: none has passed within the window, or none ever") {
    World world;
    CHECK(world.verdict("drill_due(restart, 90d)", 1s) == U);
    world.context.drilled = [](std::string_view playbook) -> DrillFact {
        return playbook == "restart" ? DrillFact(Instant(100s)) : std::nullopt;
    };
    auto const never = world.judge("drill_due(code-rollback, 90d)", 1s);
    CHECK(never.verdict == T);
    CHECK(never.why == "code-rollback was never drilled with success");
    CHECK_FALSE(never.changes_at);
    auto const fresh = world.judge("drill_due(restart, 1h)", 3700s);
    CHECK(fresh.verdict == F);
    CHECK(fresh.changes_at == Instant(3700s) + Duration(1));
    CHECK(world.verdict("drill_due(restart, 1h)", 3701s) == T);
    CHECK(can_be_true_by_absence(*Condition::parse("drill_due(restart, 1h)")));
}

TEST_CASE("baked asks the engine, and is unknown where nobody knows") {
    World world;
    CHECK(world.verdict("baked(shop)", 1s) == U);
    world.context.baked = [](std::string_view service) { return service == "shop"; };
    CHECK(world.verdict("baked(shop)", 1s) == T);
    CHECK(world.judge("baked(api)", 1s).why == "api has not baked");
}

TEST_CASE("signals that do not exist and functions of later versions are unknown, never fatal") {
    World world;
    for (auto const* text : {
             "ok(nobody)",
             "value(nobody) > 3",
             "absent(nobody, 1m)",
             "stale(nobody)",
             "version(nobody) == \"x\"",
             "mode(shop) == \"x\"",
             "ready(rollback)",
             "vlaue(x) > 1",
             "value() > 1",
             "count(a) > 1",
             "3 + 4",
             "\"text\"",
             "name",
             "quorum(ok(a))",
             "burn_rate(a) > 1",
             "ok(3)",
             "version(site)",
             "1 > \"a\"",
             "baked()",
         }) {
        CAPTURE(text);
        CHECK(world.verdict(text, 1s) == U);
    }
}

TEST_CASE("a certificate has failed where it does not verify, whatever days it has left") {
    World world;
    auto& cert = world.signal("cert", SignalKind::gauge, 3h);
    cert.observe(sample(1s, GaugeValue{90, "leaf 90.0 days", true}));
    CHECK(world.verdict("failed(cert)", 2s) == Verdict::false_);
    cert.observe(sample(3s, GaugeValue{90, "tls: wrong_host: not for it", false}));
    auto const told = world.judge("failed(cert)", 4s);
    CHECK(told.verdict == Verdict::true_);
    CHECK(told.why.find("wrong_host") != std::string::npos);
    CHECK(world.verdict("days_left(cert) < 30", 4s) == Verdict::false_);
    // No connection says nothing new about the certificate.
    cert.observe(sample(5s, GaugeValue{89, "refused: nothing listens", std::nullopt}));
    CHECK(world.verdict("failed(cert)", 6s) == Verdict::true_);
    CHECK(world.verdict("consecutive_failures(cert) >= 1", 6s) == Verdict::true_);
    cert.observe(sample(7s, GaugeValue{89, "leaf 89.0 days", true}));
    CHECK(world.verdict("ok(cert)", 8s) == Verdict::true_);
}

TEST_CASE("rounding alone is never more than a threshold: means, products, burn rates") {
    World world;
    world.context.rules.min_count = 1;
    for (int value : {1, 2, 11, 13, 90, 95}) {
        auto& level = world.signal("level", SignalKind::gauge);
        for (int i = 1; i <= 20; ++i) level.observe(sample(i * 1s, gauge(value)));
        auto const threshold = std::to_string(value);
        CAPTURE(value);
        CHECK(world.verdict("avg(level, 5m) > " + threshold, 21s) == F);
        CHECK(world.verdict("avg(level, 5m) < " + threshold, 21s) == F);
        CHECK(world.verdict("avg(level, 5m) == " + threshold, 21s) == T);
        level.observe(sample(21s, gauge(value + 0.001)));
        CHECK(world.verdict("avg(level, 5m) > " + threshold, 22s) == T);
    }
    for (unsigned percent = 1; percent < 100; ++percent) {
        auto& requests = world.signal("requests", SignalKind::outcomes);
        requests.observe(sample(1s, OutcomesValue{10'000 - 100 * percent, 100 * percent, 0, {}}));
        auto const times = "100 * failure_ratio(requests, 5m)";
        auto const burn = "burn_rate(requests, 99.9%, 1h, 5m)";
        auto const threshold = std::to_string(percent);
        CAPTURE(percent);
        CHECK(world.verdict(times + (" > " + threshold), 2s) == F);
        CHECK(world.verdict(times + (" >= " + threshold), 2s) == T);
        CHECK(world.verdict(burn + (" > " + threshold + "0"), 2s) == F);
        CHECK(world.verdict(burn + (" >= " + threshold + "0"), 2s) == T);
        CHECK(world.judge(times + (" > " + threshold), 2s).why.find("000001") == std::string::npos);
        requests.observe(sample(3s, bad()));
        CHECK(world.verdict(times + (" > " + threshold), 4s) == T);
        CHECK(world.verdict(burn + (" > " + threshold + "0"), 4s) == T);
    }
}
