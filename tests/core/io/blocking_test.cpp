#include "core/io/blocking.hpp"

#include "tests/catch.hpp"
#include "tests/core/io/support/loop.hpp"

#include <atomic>
#include <future>

using namespace rollbackd;
using namespace std::chrono_literals;
using rollbackd::testing::Loop;
namespace asio = boost::asio;

namespace {

Result<int> seven() { return 7; }
Result<int> surprise() { throw std::runtime_error("driver bug"); }

/// A job that hangs until it is let go.
struct Gate {
    std::promise<void> open;
    std::shared_future<void> opened{open.get_future()};
    auto job() const {
        return [wait = opened]() -> Result<int> {
            wait.wait();
            return 1;
        };
    }
};

}  // namespace

TEST_CASE("a blocking job's result comes back to the coroutine") {
    Loop loop;
    BlockingPool pool(2);
    CHECK(loop.run(run_blocking(pool, &seven)) == 7);
}

TEST_CASE("an exception of a job becomes an error") {
    Loop loop;
    BlockingPool pool(1);
    auto const result = loop.run(run_blocking(pool, &surprise));
    REQUIRE_FALSE(result);
    CHECK(result.error() == Error{Errc::internal, "driver bug", ""});
}

TEST_CASE("a hanging job is left at its limit and holds up nobody else") {
    Loop loop;
    Gate gate;
    BlockingPool pool(2);
    auto const late = loop.run(run_blocking(pool, gate.job(), 5ms));
    REQUIRE_FALSE(late);
    CHECK(late.error().code == Errc::timeout);
    CHECK(loop.run(run_blocking(pool, &seven)) == 7);
    gate.open.set_value();
}

TEST_CASE("jobs beyond the queue's limit are refused at once") {
    Loop loop;
    Gate gate;
    BlockingPool pool(1, 1);
    (void)loop.run(run_blocking(pool, gate.job(), 5ms));  // occupies the thread
    (void)loop.run(run_blocking(pool, gate.job(), 1ms));  // occupies the queue
    auto const refused = loop.run(run_blocking(pool, &seven, 1h));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::unavailable);
    gate.open.set_value();
}

TEST_CASE("stopping drops what waits and does not wait for a job that hangs") {
    Loop loop;
    Gate gate;
    auto pool = std::make_unique<BlockingPool>(1);
    (void)loop.run(run_blocking(*pool, gate.job(), 5ms));
    loop.soon([&] { pool->stop(1ms); });
    auto const dropped = loop.run(run_blocking(*pool, &seven, 1h));
    REQUIRE_FALSE(dropped);
    CHECK((dropped.error().code == Errc::cancelled || dropped.error().code == Errc::unavailable));
    auto const refused = loop.run(run_blocking(*pool, &seven, 1h));
    CHECK(refused.error().code == Errc::unavailable);
    pool.reset();
    gate.open.set_value();
}

TEST_CASE("a waiting coroutine that is cancelled does not wait for its job") {
    Loop loop;
    Gate gate;
    BlockingPool pool(1);
    loop.soon([&] { loop.group.cancel(); });
    auto const result = loop.run(run_blocking(pool, gate.job(), 1h));
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Errc::cancelled);
    gate.open.set_value();
}

TEST_CASE("who leaves waits for nobody, and the last job is still done after what hangs") {
    Loop loop;
    Gate gate;
    std::promise<int> done;
    auto pool = std::make_unique<BlockingPool>(1);
    (void)loop.run(run_blocking(*pool, gate.job(), 1ms));
    pool->leave([&] { done.set_value(7); });
    auto const refused = loop.run(run_blocking(*pool, &seven, 1h));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::unavailable);
    pool.reset();
    auto last = done.get_future();
    CHECK(last.wait_for(0s) == std::future_status::timeout);
    gate.open.set_value();
    CHECK(last.get() == 7);
}

TEST_CASE("the last job of a pool that never had one is done too") {
    std::promise<int> done;
    {
        BlockingPool pool(1);
        pool.leave([&] { done.set_value(7); });
    }
    CHECK(done.get_future().get() == 7);
}
