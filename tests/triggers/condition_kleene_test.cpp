// Three values: every table, exhaustively, with real conditions as operands.
#include "tests/triggers/support.hpp"

using namespace rollbackd;
using namespace rollbackd::test;

namespace {

constexpr Verdict T = Verdict::true_;
constexpr Verdict F = Verdict::false_;
constexpr Verdict U = Verdict::unknown;
constexpr std::array<Verdict, 3> all{T, F, U};

std::string name(Verdict verdict) {
    return verdict == T ? "ok(good)" : verdict == F ? "ok(bad)" : "ok(nobody)";
}

Verdict conjunction(Verdict a, Verdict b) {
    if (a == F || b == F) return F;
    return a == T && b == T ? T : U;
}
Verdict negation(Verdict a) { return a == U ? U : a == T ? F : T; }

struct Three : World {
    Three() {
        signal("good", SignalKind::state).observe(sample(1s, up()));
        signal("bad", SignalKind::state).observe(sample(1s, down()));
        signal("nobody", SignalKind::state);
    }
};

}  // namespace

TEST_CASE("and, or and not follow Kleene's tables") {
    Three world;
    for (auto const a : all) {
        CAPTURE(name(a));
        CHECK(world.verdict(name(a), 2s) == a);
        CHECK(world.verdict("not " + name(a), 2s) == negation(a));
        for (auto const b : all) {
            CAPTURE(name(b));
            CHECK(world.verdict(name(a) + " and " + name(b), 2s) == conjunction(a, b));
            auto const disjunction = negation(conjunction(negation(a), negation(b)));
            CHECK(world.verdict(name(a) + " or " + name(b), 2s) == disjunction);
        }
    }
}

TEST_CASE("a quorum is true when enough are, false when enough cannot be, else unknown") {
    Three world;
    for (auto const a : all) {
        for (auto const b : all) {
            for (auto const c : all) {
                auto const list = name(a) + ", " + name(b) + ", " + name(c) + ")";
                for (int needed = 1; needed <= 3; ++needed) {
                    int yes = 0;
                    int open = 0;
                    for (auto const one : {a, b, c}) {
                        yes += one == T;
                        open += one == U;
                    }
                    auto const expected = yes >= needed ? T : yes + open >= needed ? U : F;
                    auto const text = "quorum(" + std::to_string(needed) + ", " + list;
                    CAPTURE(text);
                    CHECK(world.verdict(text, 2s) == expected);
                }
            }
        }
    }
    CHECK(
        world.judge("quorum(2, ok(good), ok(bad), ok(nobody))", 2s).why ==
        "1 of 3 are true, 2 needed: good is ok; bad failed: refused; nobody has no sample yet"
    );
}

TEST_CASE("comparisons and arithmetic of what is not known are not known") {
    World world;
    world.signal("level", SignalKind::gauge).observe(sample(1s, gauge(4)));
    world.signal("nobody", SignalKind::gauge);
    CHECK(world.verdict("value(level) > 3", 2s) == T);
    CHECK(world.verdict("value(level) > value(nobody)", 2s) == U);
    CHECK(world.verdict("value(nobody) + 1 > 3", 2s) == U);
    CHECK(world.verdict("-value(nobody) > 3", 2s) == U);
    CHECK(world.verdict("1 / (value(level) - 4) > 0", 2s) == U);
    CHECK(
        world.judge("1 / (value(level) - 4) > 0", 2s).why ==
        "(value(level) - 4) is 0, nothing is divided by it"
    );
    CHECK(world.verdict("value(level) != 4 or value(level) == 4", 2s) == T);
}

TEST_CASE("the deciding part gives the reason, the numbers and the beginning") {
    World world;
    auto& a = world.signal("a", SignalKind::outcomes);
    auto& b = world.signal("b", SignalKind::outcomes);
    for (int i = 1; i <= 4; ++i) a.observe(sample(i * 1s, bad()));
    b.observe(sample(9s, bad()));
    auto const either = world.judge("failures(b, 1m) > 5 or consecutive_failures(a) > 3", 10s);
    CHECK(either.why == "consecutive_failures(a) = 4 > 3");
    CHECK(either.begun == at(1s));
    CHECK(either.threshold == 3);
    auto const both = world.judge("consecutive_failures(a) > 3 and failures(b, 1m) > 0", 10s);
    CHECK(both.why == "consecutive_failures(a) = 4 > 3 and failures(b, 1m) = 1 > 0 (of 1)");
    CHECK(both.count == 4);
    CHECK(both.begun == at(9s));  // it was not true before the second part was
    auto const no = world.judge("consecutive_failures(a) > 3 and failures(b, 1m) > 1", 10s);
    CHECK(no.why == "failures(b, 1m) = 1, not > 1 (of 1)");
    CHECK_FALSE(no.begun);
}
