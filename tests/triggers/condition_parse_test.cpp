#include "tests/triggers/support.hpp"

using namespace rollbackd;
using namespace rollbackd::test;

namespace {

ConditionProblem problem(std::string_view text) {
    auto const parsed = Condition::parse(text);
    REQUIRE_FALSE(parsed);
    return parsed.error();
}

/// The value of a constant expression, seen through the explained comparison.
double value_of(std::string const& expression) {
    World world;
    auto const told = world.judge(expression + " >= 0", 0s);
    REQUIRE(told.count);
    return *told.count;
}

}  // namespace

TEST_CASE("every condition of the documented policy parses") {
    for (auto const* text : {
             "consecutive_failures(health) >= 3",
             "failure_ratio(requests, 5m) > 1%",
             "days_left(cert) < 30",
             "failures(errors_in_log, 5m) == 0",
             "ok(health)",
             "ok(health) and not stale(requests) or failed(db)",
             "quorum(2, ok(a), failed(b), p95(c, 10m) > 800ms)",
             "version(site) == \"v1.2.3\"",
             "burn_rate(requests, 99.9%, 1h, 5m) > 14.4",
             "failure_ratio(requests,5m) > 2 * baseline(requests)",
             "(value(disk) + 10MB) / 2 < 4GiB",
             "affected(requests, 1h30m) >= 25 %",
         }) {
        CAPTURE(text);
        auto const parsed = Condition::parse(text);
        REQUIRE(parsed);
        CHECK(parsed->text() == text);
    }
}

TEST_CASE("a mistake is reported with the byte where it stands") {
    struct Case {
        std::string_view text;
        std::size_t offset;
        std::string_view what;
    };
    for (auto const& wrong : {
             Case{"", 0, "empty"},
             Case{"  ", 2, "empty"},
             Case{"ok(health", 9, "expected , or )"},
             Case{"(ok(health)", 11, "expected ) for the ( at byte 0"},
             Case{"ok(health) and", 14, "ends too early"},
             Case{"ok(health) ok(db)", 11, "expected the end"},
             Case{"1 < 2 < 3", 6, "cannot be chained"},
             Case{"value(a) = 3", 9, "= is written =="},
             Case{"ok(a) && ok(b)", 6, "&& is written and"},
             Case{"ok(a) || ok(b)", 6, "|| is written or"},
             Case{"!ok(a)", 0, "! is written not"},
             Case{"value(a) > 5x", 11, "\"5x\" is no number"},
             Case{"value(a) > 1.2.3", 11, "no number"},
             Case{"version(a) == \"v1", 14, "no closing"},
             Case{"value(a) > or ok(b)", 11, "missing before or"},
             Case{"value(a) > $", 11, "expected a function"},
             Case{"ok(a,)", 5, "expected a function"},
         }) {
        CAPTURE(wrong.text);
        auto const found = problem(wrong.text);
        CHECK(found.offset == wrong.offset);
        CHECK(found.what.find(wrong.what) != std::string::npos);
    }
}

TEST_CASE("arithmetic binds as in school, and literals carry their units") {
    CHECK(value_of("1 + 2 * 3") == 7);
    CHECK(value_of("(1 + 2) * 3") == 9);
    CHECK(value_of("10 - 2 - 3") == 5);
    CHECK(value_of("12 / 3 / 2") == 2);
    CHECK(value_of("-2 * -3") == 6);
    CHECK(value_of("1%") == 0.01);
    CHECK(value_of("0.3 %") == 3.0 / 1000);
    CHECK(value_of("99.9%") == 999.0 / 1000);
    CHECK(value_of("1h30m") == 5400);
    CHECK(value_of("250ms") == 0.25);
    CHECK(value_of("10MB") == 10e6);
    CHECK(value_of("4GiB") == 4294967296.0);
}

TEST_CASE("and binds tighter than or, not tighter than both") {
    World world;
    CHECK(world.verdict("true or true and false", 0s) == Verdict::true_);
    CHECK(world.verdict("(true or true) and false", 0s) == Verdict::false_);
    CHECK(world.verdict("not false and true", 0s) == Verdict::true_);
    CHECK(world.verdict("not (true and false) and not not true", 0s) == Verdict::true_);
}

TEST_CASE("signals come in order of first appearance, with the longest window asked of each") {
    auto const parsed = Condition::parse(
        "failure_ratio(b-2, 5m) > 1% and count(a, 1h) > 3 and count(b-2, 30s) > 1 and ok(c) and "
        "baked(other) and burn_rate(d, 99%, 6h, 30m) > 6 and value(e) > baseline(e)"
    );
    REQUIRE(parsed);
    CHECK(parsed->signals() == std::vector<std::string>{"b-2", "a", "c", "d", "e"});
    CHECK(parsed->window_of("b-2") == Duration(5min));
    CHECK(parsed->window_of("a") == Duration(1h));
    CHECK(parsed->window_of("c") == Duration::zero());
    CHECK(parsed->window_of("d") == Duration(6h));
    CHECK(parsed->window_of("e") == Duration(Condition::baseline_min));
    CHECK(parsed->window_of("nobody") == Duration::zero());
    CHECK(parsed->uses("count"));
    CHECK_FALSE(parsed->uses("absent"));
}

TEST_CASE("endless and deep texts are refused") {
    CHECK(problem(std::string(5000, ' ')).what.find("4096") != std::string::npos);
    CHECK(problem(std::string(4000, '(')).what == "nested too deeply");
    std::string nots;
    for (int i = 0; i < 900; ++i) nots += "not ";
    CHECK(problem(nots + "ok(a)").what == "nested too deeply");
    std::string wide = "ok(a)";
    while (wide.size() < 4000) wide += " or ok(a)";
    CHECK(Condition::parse(wide));
}

TEST_CASE("a condition that was never parsed is empty, reads nothing and is unknown") {
    Condition const none;
    CHECK(none.empty());
    CHECK(none.signals().empty());
    CHECK_FALSE(can_be_true_by_absence(none));
    CHECK(check(none, {}).size() == 1);
    World world;
    CHECK(evaluate(none, world.context, true).verdict == Verdict::unknown);
}
