#include "triggers/sources/alert_table.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    explicit Fixture(char const* params = R"({"match":{"alertname":"Down","service":"~sh.*"}})")
        : table(make(params)) {}

    static AlertTable make(char const* params) {
        SignalPolicy signal;
        signal.name = "prom";
        signal.type = "alerts";
        signal.params = parse_json(params)->get_object();
        return AlertTable::make("shop", signal).value();
    }
    Alert alert(std::string fingerprint, bool firing, Duration started_ago = 10s) const {
        Alert made;
        made.fingerprint = std::move(fingerprint);
        made.labels = {{"alertname", "Down"}, {"service", "shop"}, {"severity", "page"}};
        made.summary = "nobody answers";
        made.firing = firing;
        made.starts_at =
            now.wall - std::chrono::duration_cast<std::chrono::microseconds>(started_ago);
        return made;
    }
    std::vector<Sample> all_of(std::vector<Alert> alerts, bool trusted = true) {
        AlertNotice notice;
        notice.alerts = std::move(alerts);
        return table.take(notice, trusted, now).value();
    }
    /// Only what is news.
    std::vector<Sample> take(std::vector<Alert> alerts, bool trusted = true) {
        auto samples = all_of(std::move(alerts), trusted);
        std::erase_if(samples, [](Sample const& sample) { return sample.repeated; });
        return samples;
    }
    void pass(Duration time) {
        now.boot += time;
        now.wall += std::chrono::duration_cast<std::chrono::microseconds>(time);
    }

    Now now{Instant(100h), parse_rfc3339("2026-01-31T12:00:00Z").value()};
    AlertTable table;
};

bool ok(Sample const& sample) { return std::get<StateValue>(sample.value).ok; }

}  // namespace

TEST_CASE("the signal fails when a matching alert fires and is ok when the last one is resolved") {
    Fixture f;
    auto const a = f.alert("a", true);
    auto const b = f.alert("b", true, 5s);
    auto const failed = f.take({a});
    REQUIRE(failed.size() == 1);
    CHECK_FALSE(ok(failed[0]));
    CHECK(failed[0].at == f.now.boot - 10s);
    CHECK(std::get<StateValue>(failed[0].value).reason == "alert: Down (page): nobody answers");
    CHECK(f.take({b}).size() == 1);  // another alert is another failure
    auto over = a;
    over.firing = false;
    over.ends_at = f.now.wall;
    CHECK(f.take({over}).empty());
    over = b;
    over.firing = false;
    over.ends_at = f.now.wall;
    auto const good = f.take({over});
    REQUIRE(good.size() == 1);
    CHECK(ok(good[0]));
}

TEST_CASE("repeats, twins and what comes too late change nothing") {
    Fixture f;
    auto const alert = f.alert("a", true);
    CHECK(f.take({alert, alert}).size() == 1);
    CHECK(f.take({alert}).empty());
    auto over = alert;
    over.firing = false;
    over.ends_at = f.now.wall;
    CHECK(f.take({over, over}).size() == 1);
    CHECK(f.take({over}).empty());
    CHECK(f.take({alert}).empty());  // of a second Alertmanager, late
    f.pass(1min);
    auto const again = f.alert("a", true, 1s);  // the same alert, begun anew
    CHECK(f.take({again}).size() == 1);
}

TEST_CASE("a repeat says that what fires still does, and what is over says nothing") {
    Fixture f(R"({"match":{"alertname":"Down"},"alive":{"alertname":"Watchdog"}})");
    auto const alert = f.alert("a", true);
    CHECK_FALSE(f.all_of({alert, alert}).at(0).repeated);
    f.pass(5min);
    auto living = f.alert("w", true);
    living.labels["alertname"] = "Watchdog";
    for (auto const& said : {alert, living}) {
        auto const again = f.all_of({said});
        REQUIRE(again.size() == 1);
        CHECK(again[0].repeated);
        CHECK_FALSE(ok(again[0]));
        CHECK(again[0].at == f.now.boot);
        CHECK(std::get<StateValue>(again[0].value).reason == "alert: Down (page): nobody answers");
    }
    auto over = alert;
    over.firing = false;
    over.ends_at = f.now.wall;
    CHECK(f.all_of({over}).size() == 1);
    CHECK(f.all_of({over}).empty());
    CHECK(f.all_of({alert}).empty());
    CHECK_FALSE(f.all_of({living}).at(0).repeated);
}

TEST_CASE("an alert whose beginning was joined with another's is over with it") {
    Fixture f;
    CHECK(f.take({f.alert("a", true, 10s)}).size() == 1);
    auto over = f.alert("a", false, 60s);
    over.ends_at = f.now.wall;
    CHECK(f.take({over}).size() == 1);
    CHECK(f.table.firing() == 0);
}

TEST_CASE("other alerts are nobody's business, and an alert that was never seen to fire is over") {
    Fixture f;
    auto other = f.alert("x", true);
    other.labels["service"] = "blog";
    CHECK(f.take({other}).empty());
    CHECK_FALSE(f.table.means(other));
    other.labels.erase("service");
    CHECK_FALSE(f.table.means(other));
    auto over = f.alert("a", false);
    CHECK(ok(f.take({over}).at(0)));
}

TEST_CASE("past its end an alert is over, unless a repeat has put the end off") {
    Fixture f;
    auto alert = f.alert("a", true);
    alert.ends_at = f.now.wall + 5min;
    CHECK(f.take({alert}).size() == 1);
    CHECK(f.table.next_end() == alert.ends_at);
    f.pass(4min);
    alert.ends_at = f.now.wall + 5min;
    CHECK(f.take({alert}).empty());
    f.pass(2min);
    CHECK(f.table.expire(f.now).empty());
    f.pass(4min);
    auto const good = f.table.expire(f.now);
    REQUIRE(good.size() == 1);
    CHECK(ok(good[0]));
    CHECK(good[0].at == f.now.boot - 1min);
    CHECK(f.table.expire(f.now).empty());
    CHECK_FALSE(f.table.next_end());
    CHECK(f.take({alert}).empty());  // its end has passed
}

TEST_CASE("samples have the time of their alert, come in order, and are never of the future") {
    Fixture f;
    auto over = f.alert("a", false, 60s);
    over.ends_at = f.now.wall;
    auto const good = f.take({over});
    auto const late = f.take({f.alert("b", true, 30s)});  // began earlier, told later
    CHECK(good.at(0).at == f.now.boot);
    CHECK(late.at(0).at == f.now.boot - 30s);
    CHECK(good[0].in_order);
    CHECK(late[0].in_order);
    f.pass(1s);
    auto early = f.alert("c", true, -1h);
    CHECK(f.take({early}).at(0).at == f.now.boot);
}

TEST_CASE("an alert that always fires keeps the signal ok, while none of the others does") {
    Fixture f(R"({"match":{"alertname":"Down"},"alive":{"alertname":"Watchdog"}})");
    auto living = f.alert("w", true);
    living.labels["alertname"] = "Watchdog";
    CHECK(ok(f.take({living}).at(0)));
    f.pass(1min);
    CHECK(ok(f.take({living}).at(0)));
    CHECK_FALSE(ok(f.take({f.alert("a", true)}).at(0)));
    CHECK(f.take({living}).empty());
    living.firing = false;
    CHECK(f.take({living}).empty());
}

TEST_CASE("what fires is known over a restart; torn or foreign state is not") {
    Fixture f;
    auto const alert = f.alert("a", true);
    (void)f.take({alert}, false);
    auto over = f.alert("b", false);
    over.ends_at = f.now.wall;
    CHECK(f.take({over}).empty());
    auto const saved = f.table.save();
    Fixture after;
    after.table.load(saved, f.now);
    CHECK(after.table.firing() == 1);
    CHECK(after.take({alert, f.alert("b", true)}).empty());
    over = alert;
    over.firing = false;
    CHECK(after.take({over}).size() == 1);
    Fixture other(R"({"match":{"alertname":"Other"}})");
    other.table.load(saved, f.now);
    CHECK(other.table.firing() == 0);
    for (auto const* const torn : {"null", "[]", R"({"firing":7})", R"({"match":1})"}) {
        other.table.load(*parse_json(torn), f.now);
        CHECK(other.table.firing() == 0);
    }
}

TEST_CASE("a new match keeps what fires and is still meant, and says so anew") {
    Fixture f;
    auto other = f.alert("b", true, 5s);
    other.labels["service"] = "shipping";
    CHECK(f.take({f.alert("a", true), other}, false).size() == 2);
    auto narrower = Fixture::make(R"({"match":{"service":"shop"}})");
    auto const told = narrower.load(f.table.save(), f.now);
    REQUIRE(told.size() == 1);
    CHECK_FALSE(ok(told[0]));
    CHECK_FALSE(told[0].trusted);
    CHECK(told[0].at == f.now.boot - 10s);
    CHECK(narrower.firing() == 1);
    // The same notification again is a repeat.
    AlertNotice again;
    again.alerts = {f.alert("a", true)};
    CHECK(narrower.take(again, true, f.now)->at(0).repeated);
    auto elsewhere = Fixture::make(R"({"match":{"service":"billing"}})");
    CHECK(elsewhere.load(f.table.save(), f.now).empty());
    CHECK(elsewhere.firing() == 0);
}

TEST_CASE("an alert of a sender without a token says so, and its end does") {
    Fixture f;
    auto alert = f.alert("a", true);
    alert.ends_at = f.now.wall + 1s;
    CHECK_FALSE(f.take({alert}, false).at(0).trusted);
    f.pass(2s);
    CHECK_FALSE(f.table.expire(f.now).at(0).trusted);
}

TEST_CASE("more alerts at once than a table holds are refused") {
    Fixture f;
    AlertNotice notice;
    for (std::size_t i = 0; i <= AlertTable::firing_max; ++i) {
        notice.alerts.push_back(f.alert(std::to_string(i), true));
    }
    auto tried = f.table;
    CHECK(tried.take(notice, true, f.now).error().code == Errc::unavailable);
}

TEST_CASE("a match that means nothing or is no expression is found at load") {
    SignalPolicy signal;
    signal.params = parse_json(R"({"match":{}})")->get_object();
    CHECK(AlertTable::make("shop", signal).error().where == "match");
    signal.params = parse_json(R"({"match":{"alertname":"~("}})")->get_object();
    CHECK(AlertTable::make("shop", signal).error().where == "match.alertname");
}
