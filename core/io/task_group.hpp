// The only place where a coroutine starts. Whoever owns a group can stop everything in it and wait
// until the last task is gone; an exception that escapes a task is reported and ends only that
// task. One thread: the group is used on the executor's own thread alone.
//
// In a task, `throw_if_cancelled` is off: after cancel() the pending wait returns
// operation_aborted, later waits work as before (so cleanup can await), and loops ask
// `is_cancelled()` at their head.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace rollbackd {

/// Whether the group of the calling coroutine was told to stop.
boost::asio::awaitable<bool> is_cancelled();

class TaskGroup {
public:
    /// Told of every exception that ended a task: the task's name and what() of the exception.
    using Report = std::function<void(std::string_view name, std::string_view what)>;

    explicit TaskGroup(boost::asio::any_io_executor executor, Report report = {});
    /// Waits for nothing: cancel() and join() first, or end the io_context before the group.
    ~TaskGroup();
    TaskGroup(TaskGroup const&) = delete;
    TaskGroup& operator=(TaskGroup const&) = delete;

    /// Starts `task` soon, from the executor. After cancel() nothing starts any more; a task that
    /// is cancelled before it started never does.
    void spawn(std::string name, boost::asio::awaitable<void> task);
    /// Ends every task's present wait (terminal cancellation). May be called again.
    void cancel();
    /// Returns when no task is left, also when the caller is cancelled: what was started must end.
    boost::asio::awaitable<void> join();

    std::size_t size() const;
    boost::asio::any_io_executor executor() const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace rollbackd
