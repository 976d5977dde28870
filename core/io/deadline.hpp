// Time limits and waiting. The only place that races an operation against a timer.
#pragma once

#include "core/io/clock.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <list>
#include <memory>

namespace rollbackd {

/// Calls `on_expiry` once when `limit` has passed, unless destroyed before. `on_expiry` cancels
/// what is being waited for (closes a socket); the waiter then sees expired().
class Deadline {
public:
    Deadline(
        boost::asio::any_io_executor executor, Duration limit, std::function<void()> on_expiry
    );
    ~Deadline();
    Deadline(Deadline const&) = delete;
    Deadline& operator=(Deadline const&) = delete;

    bool expired() const;
    /// What is left, never negative.
    Duration left() const;
    /// Starts again with a new limit.
    void restart(Duration limit);

private:
    struct State;
    std::shared_ptr<State> state_;
};

/// False: cancelled meanwhile.
boost::asio::awaitable<bool> sleep_for(Duration duration);
/// Until `clock` shows `at` on the boot timeline (suspend counts). False: cancelled meanwhile.
boost::asio::awaitable<bool> sleep_until(Clock const& clock, Instant at);

/// A wake-up for coroutines of one thread. notify() wakes everyone who waits; when nobody waits,
/// the next wait returns at once. Several notifies before a wait count as one.
class WakeUp {
public:
    explicit WakeUp(boost::asio::any_io_executor executor);
    ~WakeUp();
    WakeUp(WakeUp const&) = delete;
    WakeUp& operator=(WakeUp const&) = delete;

    void notify();
    /// False: cancelled.
    boost::asio::awaitable<bool> wait();
    /// False: not notified within `limit`, or cancelled (ask is_cancelled()).
    boost::asio::awaitable<bool> wait_for(Duration limit);

private:
    struct Waiter;
    boost::asio::any_io_executor executor_;
    std::list<Waiter*> waiters_;
    bool notified_ = false;
};

namespace deadline_detail {
/// Runs `task` in a coroutine of its own, cancels it after `limit` or with the caller, and returns
/// when it is gone. True: the limit came first.
boost::asio::awaitable<bool> run_limited(Duration limit, boost::asio::awaitable<void> task);

template <class T>
boost::asio::awaitable<void> store(boost::asio::awaitable<Result<T>> task, Result<T>& result) {
    result = co_await std::move(task);
}
}  // namespace deadline_detail

/// Runs `operation` for at most `limit`, then cancels it, waits until it is gone, and answers
/// Errc::timeout with the sentence `late`. What it returned in time is returned as it is.
template <class T>
boost::asio::awaitable<Result<T>> within(
    Duration limit, boost::asio::awaitable<Result<T>> operation, std::string late
) {
    Result<T> result = fail(Errc::cancelled, "cancelled");
    bool const expired = co_await deadline_detail::run_limited(
        limit, deadline_detail::store<T>(std::move(operation), result)
    );
    if (expired && !result) result = fail(Errc::timeout, std::move(late));
    co_return result;
}

}  // namespace rollbackd
