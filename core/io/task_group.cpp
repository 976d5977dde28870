#include "core/io/task_group.hpp"

#include "core/io/deadline.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <vector>

namespace rollbackd {

namespace asio = boost::asio;

asio::awaitable<bool> is_cancelled() {
    auto const state = co_await asio::this_coro::cancellation_state;
    co_return state.cancelled() != asio::cancellation_type::none;
}

struct TaskGroup::State {
    struct Child {
        asio::cancellation_signal signal;
    };

    State(asio::any_io_executor ex, Report to) : executor(ex), report(std::move(to)), gone(ex) {}

    asio::any_io_executor executor;
    Report report;
    std::list<Child> children;
    WakeUp gone;
    bool cancelled = false;
};

namespace {

asio::awaitable<void> run_child(asio::awaitable<void> task) {
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await std::move(task);
}

/// Empty for the one exception that is none: Asio's way to end a task cancelled before its start.
std::string what_of(std::exception_ptr const& exception) {
    try {
        std::rethrow_exception(exception);
    } catch (boost::system::system_error const& problem) {
        return problem.code() == asio::error::operation_aborted ? "" : problem.what();
    } catch (std::exception const& problem) {
        return problem.what();
    } catch (...) {
        return "an exception of unknown type";
    }
}

}  // namespace

TaskGroup::TaskGroup(asio::any_io_executor executor, Report report)
    : state_(std::make_shared<State>(executor, std::move(report))) {}

TaskGroup::~TaskGroup() = default;

void TaskGroup::spawn(std::string name, asio::awaitable<void> task) {
    if (state_->cancelled) return;
    auto const child = state_->children.emplace(state_->children.end());
    // The completion keeps the state, so that a group destroyed too early is no dangling pointer.
    auto done = [state = state_, child, name = std::move(name)](std::exception_ptr exception) {
        state->children.erase(child);
        auto const what = exception ? what_of(exception) : std::string();
        if (!what.empty() && state->report) state->report(name, what);
        if (state->children.empty()) state->gone.notify();
    };
    asio::co_spawn(
        state_->executor, run_child(std::move(task)),
        asio::bind_cancellation_slot(child->signal.slot(), std::move(done))
    );
}

void TaskGroup::cancel() {
    state_->cancelled = true;
    // A task may end, and leave the list, while it is being told: tell by a copy of the addresses.
    std::vector<asio::cancellation_signal*> signals;
    for (auto& child : state_->children) signals.push_back(&child.signal);
    for (auto* signal : signals) signal->emit(asio::cancellation_type::terminal);
}

asio::awaitable<void> TaskGroup::join() {
    co_await asio::this_coro::throw_if_cancelled(false);
    auto const state = state_;
    while (!state->children.empty()) co_await state->gone.wait();
}

std::size_t TaskGroup::size() const { return state_->children.size(); }

asio::any_io_executor TaskGroup::executor() const { return state_->executor; }

}  // namespace rollbackd
