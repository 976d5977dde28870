#include "daemon/schedule.hpp"

#include "tests/catch.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

using namespace rollbackd;
using namespace std::chrono_literals;

namespace {

constexpr Instant start{1000s};

std::string name_of(int number) {
    return "service-" + std::to_string(number / 50) + "/s" + std::to_string(number);
}

/// How many of these moments lie in the fullest slot of that length.
std::size_t fullest(std::vector<Instant> const& moments, Duration slot) {
    std::map<Duration::rep, std::size_t> slots;
    for (auto const moment : moments) ++slots[(moment - start) / slot];
    std::size_t most = 0;
    for (auto const& [at, count] : slots) most = std::max(most, count);
    return most;
}

}  // namespace

TEST_CASE("ten thousand probes are spread over their interval, from the second question on") {
    std::vector<Instant> first;
    std::vector<Instant> second;
    std::vector<Instant> tenth;
    for (int number = 0; number < 10'000; ++number) {
        Schedule const schedule(start, 10s, name_of(number), 10'000);
        auto due = schedule.first();
        first.push_back(due);
        for (int question = 2; question <= 10; ++question) {
            auto const before = due;
            due = schedule.next(before, before + 2ms, 10s);
            REQUIRE(due - before <= 11s);
            REQUIRE(due - before >= 1s);
            if (question == 2) second.push_back(due);
        }
        tenth.push_back(due);
    }
    // On average a hundred in a tenth of a second; the first ones come within five seconds.
    CHECK(*std::max_element(first.begin(), first.end()) <= start + 5s);
    CHECK(fullest(first, 100ms) <= 300);
    CHECK(fullest(second, 100ms) <= 300);
    CHECK(fullest(tenth, 100ms) <= 200);
}

TEST_CASE("a few are asked at once, however long their interval is") {
    for (int number = 0; number < 10; ++number) {
        CHECK(Schedule(start, 24h, name_of(number), 10).first() <= start + 50ms);
    }
    CHECK(Schedule(start, 24h, "shop/cert", 500).first() <= start + 1s);
    CHECK(Schedule(start, 100ms, "shop/fast", 10'000).first() <= start + 100ms);
}

TEST_CASE("questions do not drift, however late one was begun or long it took") {
    Schedule const schedule(start, 10s, "shop/health", 1);
    auto const second = schedule.next(schedule.first(), schedule.first() + 1ms, 10s);
    auto due = second;
    for (int n = 1; n <= 1000; ++n) {
        due = schedule.next(due + 7ms, due + 3s, 10s);
        CHECK(due == second + n * 10s);
    }
}

TEST_CASE("after a time at a faster pace a probe is back at its own moments") {
    Schedule const schedule(start, 10s, "shop/health", 1);
    auto const own = schedule.next(schedule.first(), schedule.first() + 1ms, 10s);
    auto fast = own;
    for (int n = 0; n < 7; ++n) {
        auto const next = schedule.next(fast, fast + 2ms, 500ms);
        CHECK(next == fast + 500ms);
        fast = next;
    }
    auto const back = schedule.next(fast, fast + 2ms, 10s);
    CHECK((back - own) % 10s == Duration::zero());
    CHECK(back > fast + 1s);
}

TEST_CASE("a question longer than its interval is followed at once, and makes up for none") {
    Schedule const schedule(start, 1s, "shop/health", 1);
    auto const own = schedule.next(schedule.first(), schedule.first(), 1s);
    CHECK(schedule.next(own, own + 5s, 1s) == own + 5s + 1ms);
    auto const after = schedule.next(own + 5s + 1ms, own + 5s + 2ms, 1s);
    CHECK(after > own + 5s + 2ms);
    CHECK((after - own) % 1s == Duration::zero());
}
