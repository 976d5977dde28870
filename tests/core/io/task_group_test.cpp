#include "core/io/deadline.hpp"
#include "tests/catch.hpp"
#include "tests/core/io/support/loop.hpp"

using namespace rollbackd;
using namespace std::chrono_literals;
using rollbackd::testing::Loop;
namespace asio = boost::asio;

namespace {

asio::awaitable<void> run_until_cancelled(int& cleaned_up) {
    bool stopped = false;
    while (!stopped) {
        co_await sleep_for(1h);
        stopped = co_await is_cancelled();
    }
    // What a task awaits after the cancel still works: it can put things in order.
    bool const slept = co_await sleep_for(1ms);
    if (slept) ++cleaned_up;
}

asio::awaitable<void> throw_something() {
    co_await sleep_for(1ms);
    throw std::runtime_error("oops");
}

asio::awaitable<int> start_and_stop(asio::any_io_executor executor, std::string& report) {
    int cleaned_up = 0;
    auto tell = [&report](auto name, auto what) { report.append(name).append(" ").append(what); };
    TaskGroup group(executor, std::move(tell));
    for (int i = 0; i < 3; ++i) group.spawn("waiter", run_until_cancelled(cleaned_up));
    group.spawn("thrower", throw_something());
    while (group.size() > 3) co_await sleep_for(1ms);
    group.cancel();
    group.spawn("late", run_until_cancelled(cleaned_up));
    co_await group.join();
    co_return cleaned_up;
}

asio::awaitable<bool> join_while_cancelled(TaskGroup& inner) {
    co_await inner.join();
    co_return inner.size() == 0;
}

}  // namespace

TEST_CASE("cancel lets every task clean up, starts no more, and join waits for all") {
    Loop loop;
    std::string report;
    CHECK(loop.run(start_and_stop(loop.executor(), report)) == 3);
}

TEST_CASE("an exception ends only its own task and is reported with the task's name") {
    Loop loop;
    std::string report;
    loop.run(start_and_stop(loop.executor(), report));
    CHECK(report == "thrower oops");
}

TEST_CASE("join waits although the one who joins is cancelled") {
    Loop loop;
    int cleaned_up = 0;
    TaskGroup inner(loop.executor());
    inner.spawn("waiter", run_until_cancelled(cleaned_up));
    loop.soon([&] { loop.group.cancel(); });
    loop.soon([&] { inner.cancel(); });
    CHECK(loop.run(join_while_cancelled(inner)));
    CHECK(cleaned_up == 1);
}
