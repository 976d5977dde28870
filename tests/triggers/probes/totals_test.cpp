#include "triggers/probes/totals.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    double look(std::map<std::string, double> const& counters, Duration later = 10s) {
        now += std::chrono::duration_cast<std::chrono::microseconds>(later);
        double sum = 0;
        totals.begin(now);
        for (auto const& [name, total] : counters) sum += totals.added(name, total);
        totals.finish();
        return sum;
    }

    WallTime now = parse_rfc3339("2026-01-31T12:00:00Z").value();
    Totals totals{"requests", 1min};
};

}  // namespace

TEST_CASE("the first look adds nothing, later ones what was added") {
    Fixture f;
    CHECK(f.look({{"a", 1000}}) == 0);
    CHECK_FALSE(f.totals.compares());
    CHECK(f.look({{"a", 1003}}) == 3);
    CHECK(f.totals.compares());
    CHECK(f.look({{"a", 1003}}) == 0);
}

TEST_CASE("a counter that has shrunk has begun anew, one that is new has begun at 0") {
    Fixture f;
    (void)f.look({{"a", 1000}});
    CHECK(f.look({{"a", 4}}) == 4);
    CHECK(f.look({{"a", 4}, {"b", 2}}) == 2);
    CHECK(f.look({{"b", 2}}) == 0);
    CHECK(f.look({{"a", 1}, {"b", 2}}) == 1);
}

TEST_CASE("what was added while nobody looked for long is not told") {
    Fixture f;
    (void)f.look({{"a", 10}});
    CHECK(f.look({{"a", 500}}, 4min) == 490);
    CHECK(f.look({{"a", 700}}, 6min) == 0);
    CHECK(f.look({{"a", 701}}) == 1);
    CHECK(f.look({{"a", 900}}, -1h) == 0);  // the clock was set back
}

TEST_CASE("over a restart nothing is lost and nothing repeated") {
    Fixture f;
    (void)f.look({{"a", 10}});
    auto const saved = f.totals.save();
    Fixture after;
    after.now = f.now;
    after.totals.resume(saved);
    CHECK(after.look({{"a", 15}}) == 5);
    Fixture other;
    other.totals = Totals("something else", 1min);
    other.totals.resume(saved);
    CHECK(other.look({{"a", 15}}) == 0);
}

TEST_CASE("torn saved totals are none") {
    for (auto const* const torn :
         {"null", "7", R"({"of":"requests"})",
          R"({"of":"requests","at":"2026-01-31T12:00:00Z","totals":{"a":-1}})"}) {
        Fixture f;
        f.totals.resume(*parse_json(torn));
        CHECK(f.look({{"a", 15}}) == 0);
    }
    CHECK(Totals("x", 1min).save().is_null());
}
