#include "core/io/deadline.hpp"

#include "tests/catch.hpp"
#include "tests/core/io/support/loop.hpp"

using namespace rollbackd;
using namespace std::chrono_literals;
using rollbackd::testing::Loop;
namespace asio = boost::asio;

namespace {

asio::awaitable<Result<int>> answer_after(Duration pause, bool& gone) {
    bool const slept = co_await sleep_for(pause);
    gone = true;
    if (!slept) co_return fail(Errc::cancelled, "cancelled");
    co_return 7;
}

asio::awaitable<void> notify_twice(WakeUp& wake_up) {
    wake_up.notify();
    wake_up.notify();
    co_return;
}

asio::awaitable<int> count_wake_ups(WakeUp& wake_up) {
    int count = 0;
    while (true) {
        bool const notified = co_await wake_up.wait_for(20ms);
        if (!notified) co_return count;
        ++count;
    }
}

asio::awaitable<bool> wait_for_notify(WakeUp& wake_up) { co_return co_await wake_up.wait(); }

asio::awaitable<bool> expire(asio::any_io_executor executor, Duration limit, int& calls) {
    Deadline const deadline(executor, limit, [&calls] { ++calls; });
    co_await sleep_for(20ms);
    co_return deadline.expired();
}

}  // namespace

TEST_CASE("an operation that answers in time keeps its answer") {
    Loop loop;
    bool gone = false;
    auto const result = loop.run(within(10s, answer_after(1ms, gone), "late"));
    CHECK(result == 7);
}

TEST_CASE("an operation past its limit is cancelled, gone, and answered as a timeout") {
    Loop loop;
    bool gone = false;
    auto const result = loop.run(within(5ms, answer_after(1h, gone), "no answer in time"));
    REQUIRE_FALSE(result);
    CHECK(result.error() == Error{Errc::timeout, "no answer in time", ""});
    CHECK(gone);
}

TEST_CASE("an operation under a limit is cancelled with its caller") {
    Loop loop;
    bool gone = false;
    loop.soon([&] { loop.group.cancel(); });
    auto const result = loop.run(within(1h, answer_after(1h, gone), "late"));
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Errc::cancelled);
    CHECK(gone);
}

TEST_CASE("notifies before a wait count as one, and a wait ends at its limit") {
    Loop loop;
    WakeUp wake_up(loop.executor());
    loop.group.spawn("notify", notify_twice(wake_up));
    CHECK(loop.run(count_wake_ups(wake_up)) == 1);
}

TEST_CASE("one notify wakes everybody who waits") {
    Loop loop;
    WakeUp wake_up(loop.executor());
    bool other = false;
    auto second = [](WakeUp& from, bool& woken) -> asio::awaitable<void> {
        woken = co_await from.wait();
    };
    loop.group.spawn("second", second(wake_up, other));
    loop.soon([&] { wake_up.notify(); });
    CHECK(loop.run(wait_for_notify(wake_up)));
    CHECK(other);
}

TEST_CASE("a deadline calls once when it passes, and never after it was destroyed") {
    Loop loop;
    int calls = 0;
    CHECK(loop.run(expire(loop.executor(), 1ms, calls)));
    CHECK(calls == 1);
    CHECK_FALSE(loop.run(expire(loop.executor(), 1h, calls)));
    CHECK(calls == 1);
}

TEST_CASE("sleep_until follows the clock it is given") {
    Loop loop;
    SettableClock clock(Now{Instant(100s), WallTime{}});
    CHECK(loop.run(sleep_until(clock, Instant(99s))));
    loop.soon([&] { loop.group.cancel(); });
    CHECK_FALSE(loop.run(sleep_until(clock, Instant(200s))));
}

TEST_CASE("the real clock counts on, knows its boot and agrees with the system's time") {
    RealClock const clock;
    auto const first = clock.now();
    auto const second = clock.now();
    CHECK(second.boot >= first.boot);
    CHECK(clock.boot_id().size() == 36);
    auto const system = std::chrono::system_clock::now();
    CHECK(system - first.wall < 10s);
    CHECK(first.wall - system < 10s);
}

TEST_CASE("a settable clock moves both times together, or only the wall") {
    SettableClock clock(Now{Instant(1s), WallTime(1s)});
    clock.advance(2s);
    CHECK(clock.now() == Now{Instant(3s), WallTime(3s)});
    clock.step_wall(-1h);
    CHECK(clock.now() == Now{Instant(3s), WallTime(3s) - 1h});
}
