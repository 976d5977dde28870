#include "tests/triggers/support.hpp"

using namespace rollbackd;
using namespace rollbackd::test;

namespace {

SignalTable signals() {
    SignalTable out;
    out["health"] = {SignalKind::state, "http", Duration(5s), Duration(17s), Duration(1s)};
    out["requests"] = {SignalKind::outcomes, "access_log", {}, {}, {}};
    out["payments"] = {SignalKind::outcomes, "push", {}, Duration(1h), {}};
    out["disk"] = {SignalKind::gauge, "push", {}, {}, {}};
    out["cert"] = {SignalKind::gauge, "tls", Duration(1h), Duration(3h), Duration(1s)};
    out["site"] = {SignalKind::text, "push", {}, {}, {}};
    return out;
}

std::vector<ConditionProblem> problems(std::string_view text) {
    auto const parsed = Condition::parse(text);
    REQUIRE(parsed);
    return check(*parsed, signals());
}

bool by_absence(std::string_view text) { return can_be_true_by_absence(*Condition::parse(text)); }

}  // namespace

TEST_CASE("sound conditions pass the check") {
    for (auto const* text : {
             "consecutive_failures(health) >= 3",
             "failure_ratio(requests, 5m) > 1%",
             "failure_ratio(requests, 5m) > 0.01",
             "failure_ratio(requests, 5m) >= 100%",
             "days_left(cert) < 30",
             "days_left(cert) < 30d",
             "ok(health)",
             "failed(cert)",
             "consecutive_failures(cert) >= 2 and days_left(cert) > 1",
             "not ok(health) and stale(payments)",
             "version(site) == \"v1\"",
             "version(site) != \"v1\" and version(site) != \"v2\"",
             "p95(health, 5m) > 800ms",
             "latency(health) > 2s",
             "avg(disk, 5m) > 90%",
             "value(disk) > 10GB",
             "value(disk) > 5m",
             "value(disk) > 3",
             "delta(disk, 1h) < -5",
             "failure_ratio(requests, 5m) > 2 * baseline(requests)",
             "p95(health, 5m) > 2 * baseline(health)",
             "100 * failure_ratio(requests, 5m) > 1",
             "failures(payments, 5m) / count(payments, 5m) > 1%",
             "burn_rate(requests, 99.9%, 1h, 5m) > 14.4",
             "quorum(2, ok(health), failed(requests), value(disk) > 1)",
             "baked(shop)",
             "not ready(code-rollback)",
             "drill_due(code-rollback, 90d)",
             "mode(shop) != \"normal\"",
             "rate(requests, 1m) < 0.5",
             "absent(site, 10m)",
             "changed(site, 10m)",
             "failures(requests, 5m) > 3 and failures(requests, 1m) < 2",
             "value(disk) > 3 and value(disk) < 5 or value(disk) > 100",
         }) {
        CAPTURE(text);
        auto const found = problems(text);
        CHECK(found.empty());
        for (auto const& one : found) CHECK(one.what.empty());
    }
}

TEST_CASE("mistakes are named with their place and the nearest name") {
    struct Case {
        std::string_view text;
        std::size_t offset;
        std::string_view what;
    };
    for (auto const& wrong : {
             Case{"consecutive_failure(health) >= 3", 0, "did you mean consecutive_failures?"},
             Case{"failed(disk)", 7, "disk is of kind gauge"},
             Case{"failures(cert, 5m) > 1", 9, "cert is of kind gauge"},
             Case{"ok(heath)", 3, "there is no signal heath; did you mean health?"},
             Case{"ok(x)", 3, "there is no signal x; there are cert, disk, health"},
             Case{"frobnicate(x) > 1", 0, "there is no function frobnicate; there are ok, failed"},
             Case{"failure_ratio(requests) > 1%", 0, "needs a window: failure_ratio(requests, 5m)"},
             Case{"ok(health, 5m)", 0, "ok is written ok(signal)"},
             Case{"count(requests, 5) > 1", 16, "a window is needed here"},
             Case{"count(requests, 0s) > 1", 16, "longer than 0"},
             Case{"count(requests, 60d) > 1", 16, "at most 31 days"},
             Case{"value(health) > 1", 6, "reads a signal of kind gauge; health is of kind state"},
             Case{
                 "failure_ratio(disk, 5m) > 1%", 14,
                 "of kind state or outcomes; disk is of kind gauge"
             },
             Case{"days_left(disk) < 3", 10, "reads a tls signal; disk is push"},
             Case{"stale(requests)", 6, "requests is never stale"},
             Case{"failure_ratio(requests, 5m)", 0, "a condition must be true or false"},
             Case{"version(site)", 0, "version(site) == \"…\""},
             Case{
                 "health", 0, "health is a signal; ask something about it, for example ok(health)"
             },
             Case{"value > 3", 0, "value is a function"},
             Case{"ok(health) == true", 0, "true or false already"},
             Case{"version(site) > \"v1\"", 0, "only be compared with == and !="},
             Case{"version(site) == 3", 0, "only like things"},
             Case{"value(disk) > \"3\"", 0, "only like things"},
             Case{"value(disk) + ok(health) > 3", 14, "a number is needed here"},
             Case{"ok(health) and value(disk)", 15, "each side of and must be true or false"},
             Case{"not value(disk)", 4, "what not takes"},
             Case{"latency(health) > 2", 0, "a time (write 2s)"},
             Case{"failure_ratio(requests, 5m) > 5m", 0, "a share (write 1%)"},
             Case{"consecutive_failures(health) >= 3%", 0, "the right side a share"},
             Case{"value(disk) / 0 > 1", 14, "division by zero"},
             Case{"ready(\"code-rollback\")", 6, "the name of a playbook"},
             Case{"ready()", 0, "ready is written ready(playbook)"},
             Case{"drill_due(code-rollback)", 0, "drill_due is written drill_due(playbook, 90d)"},
             Case{"drill_due(code-rollback, 9)", 25, "a window is needed here"},
             Case{"mode(shop, 5m) == \"x\"", 0, "mode is written mode(service)"},
             Case{"quorum(3, ok(health), ok(requests))", 7, "there are only 2 conditions"},
             Case{"quorum(0, ok(health), ok(requests))", 7, "whole number of at least 1"},
             Case{"quorum(2, ok(health), 3)", 22, "each condition of quorum"},
             Case{"quorum(2, ok(health))", 0, "quorum(2, condition, condition, …)"},
             Case{"burn_rate(requests, 100%, 1h, 5m) > 1", 20, "a share below 100 %"},
             Case{"burn_rate(requests, 99.9%, 5m, 1h) > 1", 31, "the long window comes first"},
             Case{"baked(\"shop\")", 6, "the name of a service"},
             Case{"1 < 2", 0, "reads no signal"},
         }) {
        CAPTURE(wrong.text);
        auto const found = problems(wrong.text);
        REQUIRE(found.size() == 1);
        CHECK(found[0].offset == wrong.offset);
        CAPTURE(found[0].what);
        CHECK(found[0].what.find(wrong.what) != std::string::npos);
    }
}

TEST_CASE("all mistakes are reported at once, in order") {
    auto const found = problems("ok(heath) and count(request) > 3 and vlaue(disk) > 1");
    REQUIRE(found.size() == 3);
    CHECK(found[0].offset == 3);
    CHECK(found[1].offset == 14);
    CHECK(found[2].offset == 37);
}

TEST_CASE("a condition that can never be true is a mistake") {
    for (auto const* text : {
             "failure_ratio(requests, 5m) > 100%",
             "failure_ratio(requests, 5m) > 1",
             "failure_ratio(requests, 5m) >= 101%",
             "consecutive_failures(health) < 0",
             "affected(requests, 5m) == 120%",
             "ok(health) and false",
             "ok(health) and 1 > 2",
             "value(disk) > 3 and value(disk) < 2",
             "value(disk) > 3 and value(disk) <= 3",
             "failures(requests, 5m) > 3 and failures(requests, 5m) < 4",
             "consecutive_failures(health) == 2.5",
             "value(disk) == 1 and value(disk) == 2",
             "ok(health) and failed(health)",
             "ok(health) and not ok(health)",
             "version(site) == \"a\" and version(site) == \"b\"",
             "version(site) == \"a\" and version(site) != \"a\"",
             "count(requests, 5m) < count(requests, 5m)",
             "2 > value(disk) and value(disk) > 3",
             "not (value(disk) > 1 or value(disk) <= 1)",
             "latency(health) < 0s",
             "(value(disk) > 3 or value(disk) > 4) and value(disk) < 2",
             "quorum(2, ok(health), failed(health))",
             "rate(requests, 1m) + 1 < 1",
             "burn_rate(requests, 99%, 1h, 5m) < -1",
             "count(requests, 5m) == 0",
             "count(requests, 5m) < 1",
             "not (count(requests, 5m) > 0)",
             "failures(health, 1m) > 61",
             "count(health, 1m) >= 1000",
         }) {
        CAPTURE(text);
        auto const found = problems(text);
        REQUIRE(found.size() == 1);
        CHECK(found[0].what.find("can never be true") != std::string::npos);
    }
    CHECK(
        problems("failure_ratio(requests, 5m) > 1").at(0).what.find("1 % is written 1%") !=
        std::string::npos
    );
}

TEST_CASE("what missing data alone can make true is told apart") {
    for (auto const* text : {
             "absent(requests, 5m)",
             "stale(health)",
             "stale(health) or failed(health)",
             "absent(a, 1m) and not absent(b, 1m)",
             "absent(a, 1m) and stale(b)",
             "not (not stale(health) and ok(health))",
             "quorum(1, failed(health), stale(health))",
             "stale(health) and 1 < 2",
         }) {
        CAPTURE(text);
        CHECK(by_absence(text));
    }
    for (auto const* text : {
             "failed(health)",
             "stale(health) and failed(db)",
             "not stale(health)",
             "ok(a) and not absent(b, 5m)",
             "quorum(2, failed(a), failed(b), stale(c))",
             "absent(a, 1m) and false",
         }) {
        CAPTURE(text);
        CHECK_FALSE(by_absence(text));
    }
}

TEST_CASE("a window that cannot hold the samples it needs is a mistake, one that hardly can unwise"
) {
    auto const found = [](std::string_view text, JudgeRules judge = {}) {
        auto const problems = check(*Condition::parse(text), signals(), {judge});
        return problems.empty() ? ConditionProblem{} : problems.front();
    };
    auto const never = found("failure_ratio(health, 10s) > 50%");
    CHECK_FALSE(never.warning);
    CHECK(
        never.what ==
        "failure_ratio(health, 10s) is judged once it holds 20 samples, and health, asked every "
        "1s, brings at most 11 in 10s; widen the window, or set min_count lower"
    );
    auto const hardly = found("p95(health, 1m) > 2s");
    CHECK(hardly.warning);
    CHECK(hardly.what.find("asked every 5s, brings at most 12 in 1m") != std::string::npos);
    CHECK(found("failure_ratio(health, 2m) > 50%").what.empty());
    CHECK(found("failure_ratio(health, 10s) > 50%", {2, {}}).what.empty());
    // Asked every 5 s, the third last is as old as the window, and out of it.
    CHECK(found("failure_ratio(health, 10s) > 50%", {3, {}}).warning);
    CHECK(
        found("failures(health, 1m) > 3", {100, {}}).what.find("100 samples") != std::string::npos
    );
    CHECK(found("burn_rate(health, 99.9%, 1h, 30s) > 2").warning);
    CHECK(found("failure_ratio(requests, 1s) > 50%").what.empty());  // nobody knows how many come
    CHECK(found("consecutive_failures(health) >= 3", {100, {}}).what.empty());
}

TEST_CASE("one answer of a probe may hold many outcomes, so nobody knows how many come") {
    SignalTraits scraped;
    scraped.kind = SignalKind::outcomes;
    scraped.every = 10s;
    scraped.fastest = 1s;
    SignalTable const table{{"scraped", scraped}};
    CHECK(check(*Condition::parse("failure_ratio(scraped, 1m) > 1%"), table).empty());
    CHECK(check(*Condition::parse("failures(scraped, 1m) > 1000"), table).empty());
    CHECK(check(*Condition::parse("count(scraped, 1m) > 1000"), table).empty());
}

TEST_CASE("a share of clients needs a signal that tells clients apart") {
    SignalTraits scraped;
    scraped.kind = SignalKind::outcomes;
    scraped.type = "scrape";
    auto const condition = *Condition::parse("affected(scraped, 5m) > 25%");
    CHECK(check(condition, {{"scraped", scraped}}).empty());
    scraped.tells_clients = false;
    auto const problems = check(condition, {{"scraped", scraped}});
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].what.ends_with("say with affected which they are"));
}

TEST_CASE("where quiet counts as zero, a count may be zero") {
    auto const condition = *Condition::parse("count(requests, 5m) == 0");
    CHECK(check(condition, signals(), {{}, true}).empty());
    CHECK(check(condition, signals()).at(0).what.ends_with("is written absent(requests, 5m)"));
}

TEST_CASE("a condition names the services it asks about") {
    auto const condition = *Condition::parse("baked(shop) or not baked(db) and baked(shop)");
    CHECK(condition.services() == std::vector<std::string>{"shop", "db"});
    CHECK(Condition().services().empty());
}
