// The pool for what can only block: libpqxx, getaddrinfo, big files. Jobs are plain functions that
// touch nothing of the loop thread; their result comes back to the waiting coroutine.
#pragma once

#include "core/error.hpp"
#include "core/time.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>

namespace rollbackd {

class BlockingPool {
public:
    /// Threads start when there is work for them. Jobs beyond `queue_max` waiting ones are refused.
    explicit BlockingPool(std::size_t threads_max = 4, std::size_t queue_max = 256);
    /// stop(), with the default grace. Must happen before the io_context of its callers is gone.
    ~BlockingPool();
    BlockingPool(BlockingPool const&) = delete;
    BlockingPool& operator=(BlockingPool const&) = delete;

    /// Takes no more jobs, drops the queued ones, waits at most `grace` for the running ones.
    /// A job that still hangs then (a dead name server) is left behind; its result goes nowhere.
    void stop(Duration grace = std::chrono::seconds(5));

    /// Takes no more jobs and waits for nobody: what was asked for already is still done, then
    /// `last`, and their results go nowhere.
    void leave(std::function<void()> last);

    struct State;

    std::shared_ptr<State> const& state() const { return state_; }

private:
    std::shared_ptr<State> state_;
};

inline constexpr Duration no_limit = Duration::max();

namespace blocking_detail {
/// Runs `job` in the pool and waits for it; an Error when it did not come to its end in time.
/// `job` owns what it needs: it may outlive the wait.
boost::asio::awaitable<std::optional<Error>> run(
    std::shared_ptr<BlockingPool::State> pool, std::shared_ptr<std::function<void()>> job,
    Duration limit
);
}  // namespace blocking_detail

/// Runs `job`, which returns some Result<T>, in the pool. Errc::unavailable: pool full or stopped;
/// Errc::timeout: not done within `limit` (it goes on, its result is dropped); Errc::internal: it
/// threw. `job` is copied or moved into the pool and must own all it uses.
template <class Fn>
boost::asio::awaitable<std::invoke_result_t<Fn>> run_blocking(
    BlockingPool& pool, Fn job, Duration limit = no_limit
) {
    using R = std::invoke_result_t<Fn>;
    auto const result = std::make_shared<std::optional<R>>();
    auto work = [result, shared = std::make_shared<Fn>(std::move(job))] {
        result->emplace((*shared)());
    };
    auto boxed = std::make_shared<std::function<void()>>(std::move(work));
    auto problem = co_await blocking_detail::run(pool.state(), std::move(boxed), limit);
    if (problem) co_return tl::unexpected<Error>(std::move(*problem));
    co_return std::move(**result);
}

}  // namespace rollbackd
