// Random samples, fixed seeds: every answer equals the naive implementation's, before and after a
// save and a load.
#include "tests/triggers/reference.hpp"
#include "triggers/window.hpp"

using namespace rollbackd;
using namespace rollbackd::test;

namespace {

void same_answers(SignalWindow const& window, Reference const& reference, std::mt19937& random) {
    auto const pick = [&](int max) { return std::uniform_int_distribution<int>(0, max)(random); };
    for (int question = 0; question < 40; ++question) {
        auto const to = at(std::chrono::milliseconds(pick(700'000)));
        auto const from = to - std::chrono::milliseconds(pick(400'000));
        Range const range{from, to};
        CAPTURE(from.time_since_epoch().count(), to.time_since_epoch().count());
        REQUIRE(window.counts(range) == reference.counts(range));
        REQUIRE(window.clients(range) == reference.clients(range));
        auto const expected = reference.in(range);
        REQUIRE(window.samples(range) == expected.size());

        auto const streaks = window.streaks(to, from);
        auto const naive = reference.streaks(to, from);
        REQUIRE(streaks.size() == naive.size());
        for (std::size_t i = 0; i < streaks.size(); ++i) {
            REQUIRE(streaks[i].length == naive.at(streaks[i].by).first);
            REQUIRE(streaks[i].since == naive.at(streaks[i].by).second);
            if (i > 0) REQUIRE(streaks[i].length <= streaks[i - 1].length);
        }
        auto const longest = window.longest_streak(to, from, true);
        REQUIRE(longest.has_value() == !streaks.empty());
        if (longest) REQUIRE(*longest == streaks.front());

        auto const before = reference.in({Instant::min(), to});
        auto const newest = window.sample_at(to);
        REQUIRE(newest.has_value() == !before.empty());
        if (newest) {
            REQUIRE(newest->at == before.back().at);
            REQUIRE(Reference::counts_of(*newest) == Reference::counts_of(before.back()));
        }
        auto const recent = window.recent(2000, range);
        REQUIRE(recent.size() == expected.size());
        for (std::size_t i = 0; i < recent.size(); ++i) {
            REQUIRE(recent[i].at == expected[i].at);
            REQUIRE(Reference::counts_of(recent[i]) == Reference::counts_of(expected[i]));
        }
    }
}

}  // namespace

TEST_CASE("windows, streaks, ids and clients answer as a naive implementation does") {
    for (unsigned seed = 1; seed <= 12; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        SignalWindow window({SignalKind::outcomes, 1h, std::nullopt});
        Reference reference;
        for (int i = 0; i < 600; ++i) {
            auto const one = random_outcome(random, i * 1s);
            window.observe(one);
            reference.observe(one);
            if (i % 150 == 149) same_answers(window, reference, random);
        }
        auto const loaded = SignalWindow::load(window.rules(), *parse_json(to_text(window.save())));
        REQUIRE(loaded);
        same_answers(*loaded, reference, random);
        CHECK(loaded->save() == window.save());
        CHECK(loaded->newest() == window.newest());
        CHECK(loaded->covered_from() == window.covered_from());
    }
}

TEST_CASE("a loaded window goes on as the saved one would have") {
    std::mt19937 random(7);
    SignalWindow window({SignalKind::outcomes, 10min, 1min});
    window.listen_from(at(5s));
    for (int i = 0; i < 3000; ++i) window.observe(random_outcome(random, i * 300ms));
    auto loaded = SignalWindow::load(window.rules(), window.save());
    REQUIRE(loaded);
    for (int i = 3000; i < 6000; ++i) {
        auto const one = random_outcome(random, i * 300ms);
        CHECK(window.observe(one) == loaded->observe(one));
        if (i % 500 == 0) {
            window.expire(one.at);
            loaded->expire(one.at);
        }
    }
    CHECK(loaded->save() == window.save());
}

TEST_CASE("a shifted window gives the same answers at shifted times") {
    std::mt19937 random(11);
    SignalWindow window({SignalKind::outcomes, 1h, 1min});
    for (int i = 0; i < 500; ++i) window.observe(random_outcome(random, i * 1s));
    auto moved = window;
    auto const by = -Duration(3h);
    moved.shift(by);
    Range const range{at(100s), at(400s)};
    Range const there{range.from + by, range.to + by};
    CHECK(moved.counts(there) == window.counts(range));
    CHECK(moved.clients(there) == window.clients(range));
    CHECK(
        moved.longest_streak(there.to, there.from, true)->length ==
        window.longest_streak(range.to, range.from, true)->length
    );
    CHECK(*moved.covered_from() == *window.covered_from() + by);
    CHECK(moved.stale(at(600s) + by) == window.stale(at(600s)));
    moved.shift(-by);
    CHECK(moved.save() == window.save());
}

TEST_CASE("failures before the beginning of a range never count, however much was merged") {
    SignalWindow window({SignalKind::outcomes, 1h, std::nullopt});
    // Bad until 60 s, good from then on, on a site so busy that seconds are merged.
    for (int i = 0; i < 20'000; ++i) window.observe(sample(i * 10ms, i < 6'000 ? bad() : good()));
    for (int ms = 60'000; ms < 75'000; ms += 250) {
        CHECK(window.counts({at(std::chrono::milliseconds(ms)), at(200s)}).failure == 0);
    }
}

TEST_CASE("whatever comes, a window stays within its limits") {
    SignalWindow window({SignalKind::outcomes, 1h, std::nullopt});
    std::mt19937 random(5);
    auto const pick = [&](int max) { return std::uniform_int_distribution<int>(0, max)(random); };
    for (int i = 0; i < 150'000; ++i) {
        auto one = sample(i * 7ms, pick(1) == 0 ? bad(std::string(9000, 'x')) : good());
        one.by = "name" + std::to_string(pick(2000));
        one.client = "client" + std::to_string(i);
        one.id = "evt_" + std::to_string(i);
        window.observe(one);
    }
    auto const now = at(150'000 * 7ms);
    CHECK(window.streaks(now, Instant::min()).size() <= SignalWindow::streaks_max);
    CHECK(window.clients({at(-1s), now}).seen <= ClientBook::limit);
    CHECK(window.counts({at(-1s), now}).total() == 150'000);
    CHECK(
        window.recent(1'000'000, {at(-1s), now}).size() <=
        SignalWindow::cells_max + 2 * SignalWindow::tail_max
    );
    CHECK(to_text(window.save()).size() < 3'000'000);
}

TEST_CASE("damaged checkpoints are refused, never believed and never fatal") {
    std::mt19937 random(13);
    SignalWindow window({SignalKind::outcomes, 1h, std::nullopt});
    for (int i = 0; i < 200; ++i) window.observe(random_outcome(random, i * 1s));
    auto const saved = window.save();
    std::string const data(saved.at("data").as_string());
    CHECK_FALSE(SignalWindow::load(window.rules(), JsonObject{}));
    CHECK_FALSE(SignalWindow::load(window.rules(), JsonObject{{"format", 3}, {"data", data}}));
    CHECK_FALSE(SignalWindow::load(window.rules(), JsonObject{{"format", 2}, {"data", "%"}}));
    for (std::size_t length = 0; length < data.size(); length += 7) {
        CHECK_FALSE(SignalWindow::load(
            window.rules(), JsonObject{{"format", 2}, {"data", data.substr(0, length)}}
        ));
    }
    for (int round = 0; round < 500; ++round) {
        auto wrong = data;
        auto const place = std::uniform_int_distribution<std::size_t>(0, wrong.size() - 1)(random);
        wrong[place] = "ABCDwxyz0189+/"[round % 14];
        // Some damage makes another window; it must still answer without harm.
        auto const loaded =
            SignalWindow::load(window.rules(), JsonObject{{"format", 2}, {"data", wrong}});
        if (!loaded) continue;
        (void)loaded->counts({at(0s), at(300s)});
        (void)loaded->streaks(at(300s), Instant::min());
        (void)loaded->recent(100, {at(0s), at(300s)});
    }
}
