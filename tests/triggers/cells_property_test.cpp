// However busy a signal is: a range never counts what lies outside of it, and is short by no more
// than cells.hpp says. Against a model that remembers every sample.
#include "tests/triggers/support.hpp"
#include "triggers/window.hpp"

#include <algorithm>
#include <cmath>
#include <random>

using namespace rollbackd;
using namespace rollbackd::test;

namespace {

/// Every sample, and sums up to each.
class Exact {
public:
    void add(Instant at, Counts const& counts) {
        samples_.push_back({at, counts});
        sorted_ = false;
    }
    Counts counts(Range range) {
        sort();
        auto const sum = [&](Instant to) {
            auto const after = std::upper_bound(
                samples_.begin(), samples_.end(), to,
                [](Instant at, auto const& sample) { return at < sample.first; }
            );
            return sums_[static_cast<std::size_t>(after - samples_.begin())];
        };
        if (range.from >= range.to) return {};
        auto const to = sum(range.to);
        auto const from = sum(range.from);
        return {to.success - from.success, to.failure - from.failure, to.neutral - from.neutral};
    }

private:
    void sort() {
        if (sorted_) return;
        std::stable_sort(samples_.begin(), samples_.end(), [](auto const& a, auto const& b) {
            return a.first < b.first;
        });
        sums_.assign(1, {});
        for (auto const& [at, counts] : samples_) {
            auto const& last = sums_.back();
            sums_.push_back(
                {last.success + counts.success, last.failure + counts.failure,
                 last.neutral + counts.neutral}
            );
        }
        sorted_ = true;
    }

    std::vector<std::pair<Instant, Counts>> samples_;
    std::vector<Counts> sums_;
    bool sorted_ = false;
};

bool within(Counts const& least, Counts const& counts, Counts const& most) {
    return least.success <= counts.success && counts.success <= most.success &&
           least.failure <= counts.failure && counts.failure <= most.failure &&
           least.neutral <= counts.neutral && counts.neutral <= most.neutral;
}

Duration short_by(Instant edge, Instant newest) {
    return std::max<Duration>((newest - edge) / 64, 1049us);
}

/// A stream of samples as a busy signal brings them.
struct Stream {
    char const* name;
    double per_second;
    Duration retention;
    Duration whole;    // event times are multiples of it
    int late_percent;  // of the samples, by up to `late_max`
    Duration late_max;
    int burst_percent;   // bring a hundred more at the same pace ×1000
    int silent_percent;  // could not say
    int count;
};

void same_within(
    SignalWindow const& window, Exact& exact, Instant newest, Duration retention,
    std::mt19937_64& random
) {
    auto const uniform = [&] { return std::uniform_real_distribution<double>(0, 1)(random); };
    for (int question = 0; question < 60; ++question) {
        // Lengths from milliseconds to the retention, as likely at each size.
        auto const any_length = [&] {
            auto const size = std::log(std::chrono::duration<double>(retention).count() * 1e3);
            return std::chrono::duration_cast<Duration>(
                std::chrono::duration<double>(std::exp(uniform() * size) / 1e3)
            );
        };
        auto const to = question % 3 == 0 ? newest - any_length() / 2 : newest;
        Range const range{std::max(to - any_length(), newest - retention), to};
        auto const counts = window.counts(range);
        auto const end = to == newest ? to : to - short_by(to, newest);
        auto const least = exact.counts({range.from + short_by(range.from, newest), end});
        auto const most = exact.counts(range);
        CAPTURE((range.to - range.from).count(), (newest - range.to).count());
        CAPTURE(least.total(), counts.total(), most.total());
        REQUIRE(within(least, counts, most));
    }
}

void run(Stream const& stream, unsigned seed) {
    CAPTURE(stream.name, seed);
    std::mt19937_64 random(seed);
    auto const chance = [&](int percent) {
        return std::uniform_int_distribution<int>(0, 99)(random) < percent;
    };
    SignalWindow window({SignalKind::outcomes, stream.retention, std::nullopt, false});
    Exact exact;
    std::exponential_distribution<double> pace(stream.per_second);
    double clock = 0;
    Instant newest{};
    int burst = 0;
    for (int i = 0; i < stream.count; ++i) {
        if (burst == 0 && chance(stream.burst_percent)) burst = 100;
        auto const gap = pace(random);
        clock += burst > 0 ? gap / 1000 : gap;
        if (burst > 0) --burst;
        Duration when(static_cast<std::int64_t>(clock * 1e9));
        if (chance(stream.late_percent)) {
            when -= Duration(static_cast<std::int64_t>(
                std::uniform_real_distribution<double>(0, 1)(random) *
                static_cast<double>(stream.late_max.count())
            ));
        }
        when = std::max<Duration>(when - when % stream.whole, 0ns);
        if (chance(stream.silent_percent)) {
            window.observe(sample(when, silent()));
            continue;
        }
        OutcomesValue const value{
            std::uint64_t(chance(90)), std::uint64_t(chance(10)), std::uint64_t(chance(5)), {}
        };
        if (window.observe(sample(when, value))) {
            exact.add(at(when), {value.success, value.failure, value.neutral});
        }
        newest = std::max(newest, at(when));
        if (i % (stream.count / 7) == 0) {
            same_within(window, exact, newest, stream.retention, random);
        }
    }
    same_within(window, exact, newest, stream.retention, random);
    auto loaded = SignalWindow::load(window.rules(), window.save());
    REQUIRE(loaded);
    same_within(*loaded, exact, newest, stream.retention, random);
}

}  // namespace

TEST_CASE("a busy window never holds more than its range, and is short by 1/64 at most") {
    constexpr Stream streams[] = {
        {"one a second", 1, 90min, 1ns, 0, 0s, 0, 0, 9'000},
        {"a busy site", 200, 90min, 1ns, 0, 0s, 0, 0, 40'000},
        {"a very busy site", 10'000, 90min, 1ns, 0, 0s, 0, 0, 60'000},
        {"a log of whole seconds", 300, 90min, 1s, 0, 0s, 0, 0, 60'000},
        {"a log of milliseconds", 5'000, 90min, 1ms, 0, 0s, 0, 0, 40'000},
        {"late ones", 100, 90min, 1ms, 20, 5min, 0, 0, 40'000},
        {"late ones in whole seconds", 50, 30min, 1s, 30, 10min, 0, 0, 40'000},
        {"bursts", 5, 2h, 1us, 0, 0s, 2, 0, 40'000},
        {"bursts, late, silent", 20, 2h, 1us, 10, 1min, 2, 40, 40'000},
        {"half of it silent", 100, 90min, 1ms, 5, 20s, 0, 50, 40'000},
        {"a month", 0.05, 745h, 1s, 1, 1h, 0, 0, 60'000},
    };
    unsigned seed = 0;
    for (auto const& stream : streams) run(stream, ++seed);
}

TEST_CASE("numbers of a busy gauge are summed up over the whole window, not its newest part") {
    for (double const per_second : {20.0, 1000.0}) {
        CAPTURE(per_second);
        std::mt19937_64 random(5);
        SignalWindow window({SignalKind::gauge, 90min, std::nullopt});
        std::vector<TimedNumber> all;
        Instant now = at(0s);
        for (int i = 0; i < 60'000; ++i) {
            now += Duration(static_cast<std::int64_t>(1e9 / per_second));
            auto const value = std::uniform_real_distribution<double>(0, 100)(random);
            window.observe(sample(now.time_since_epoch(), gauge(value)));
            all.push_back({now, value});
        }
        auto const loaded = SignalWindow::load(window.rules(), window.save());
        REQUIRE(loaded);
        CHECK(loaded->save() == window.save());
        for (auto length : {Duration(1s), Duration(50s), Duration(5min), Duration(40min)}) {
            CAPTURE(length.count());
            Range const range{now - length, now};
            auto const sum = loaded->sum(range);
            auto const after = [&](Instant from) {
                return std::find_if(all.begin(), all.end(), [&](TimedNumber const& number) {
                    return number.at > from;
                });
            };
            auto const exact = all.end() - after(range.from);
            CHECK(sum.count <= std::uint64_t(exact));
            CHECK(sum.count >= std::uint64_t(all.end() - after(range.from + length / 64)));
            // It is what the newest `count` amount to.
            double low = 100;
            double high = 0;
            double total = 0;
            for (auto number = all.end() - std::ptrdiff_t(sum.count); number != all.end();
                 ++number) {
                low = std::min(low, number->value);
                high = std::max(high, number->value);
                total += number->value;
            }
            CHECK(sum.low == low);
            CHECK(sum.high == high);
            CHECK(sum.mean == Approx(total / double(sum.count)));
            CHECK(sum.newest == all.back());
            auto const* const before = loaded->number_at(range.from);
            if (std::size_t(exact) < all.size()) {
                REQUIRE(before != nullptr);
                CHECK(before->at <= range.from);
                CHECK(before->at >= range.from - length / 32);
            }
        }
    }
}

TEST_CASE("a rate is that of what was counted, however much was merged") {
    World world;
    auto& requests = world.signal("requests", SignalKind::outcomes);
    for (int i = 0; i < 80'000; ++i) requests.observe(sample(i * 5ms, good()));
    for (int ms = 399'000; ms < 400'000; ms += 37) {
        auto const found = world.judge("rate(requests, 5m) < 199.5", std::chrono::milliseconds(ms));
        CHECK(found.verdict == Verdict::false_);
        CHECK(*found.count <= 200.5);
    }
}

TEST_CASE("a mean and a difference reach back their whole window, however busy the gauge") {
    World world;
    auto& level = world.signal("level", SignalKind::gauge);
    // 100 a second for ten minutes: half of it at 100, then at 0.
    for (int i = 0; i < 60'000; ++i) level.observe(sample(i * 10ms, gauge(i < 30'000 ? 100 : 0)));
    auto const mean = world.judge("avg(level, 10m) < 10", 600s);
    CHECK(mean.verdict == Verdict::false_);
    CHECK(*mean.count == Approx(50).margin(1));
    CHECK(world.verdict("max(level, 10m) >= 100", 600s) == Verdict::true_);
    CHECK(world.verdict("delta(level, 9m) == -100", 600s) == Verdict::true_);
    CHECK(world.verdict("changed(level, 9m)", 600s) == Verdict::true_);
    CHECK(
        world.judge("p95(level, 10m) > 0", 600s).why.find("the newest 4096 of 59") !=
        std::string::npos
    );
    CHECK(world.verdict("value(level) > 90", 250s) == Verdict::true_);  // as of the past
    CHECK(world.verdict("avg(level, 1m) > 90", 250s) == Verdict::true_);
}

TEST_CASE("a probe that answered is not stale as of the past, however much was merged") {
    World world;
    auto& health = world.signal("health", SignalKind::state, 8s);
    for (int i = 0; i < 6'000; ++i) health.observe(sample(i * 1s, up()));
    for (int second = 2'500; second < 6'000; second += 7) {
        CHECK(world.verdict("ok(health)", second * 1s) == Verdict::true_);
    }
}
