// Runs one coroutine to its end on a loop of its own, as the daemon would: inside a TaskGroup.
#pragma once

#include "core/io/deadline.hpp"
#include "core/io/task_group.hpp"

#include <boost/asio/io_context.hpp>
#include <csignal>
#include <optional>

namespace rollbackd::testing {

class Loop {
public:
    Loop()
        : group(context.get_executor(), [this](auto name, auto what) {
              surprises.append(name).append(": ").append(what).append("\n");
          }) {
        std::signal(SIGPIPE, SIG_IGN);  // as main does
    }

    /// What `task` returned. The loop ends when nothing is left to do on it.
    template <class T>
    T run(boost::asio::awaitable<T> task) {
        std::optional<T> result;
        group.spawn("test", keep(std::move(task), result));
        context.run();
        context.restart();
        if (!surprises.empty()) throw std::runtime_error(surprises);
        return std::move(*result);
    }

    /// Calls `act` once what is started now has had time to begin waiting.
    void soon(std::function<void()> act) { later.spawn("soon", call_soon(std::move(act))); }

    boost::asio::any_io_executor executor() { return context.get_executor(); }

    boost::asio::io_context context{1};
    TaskGroup group;
    TaskGroup later{context.get_executor()};
    std::string surprises;

private:
    static boost::asio::awaitable<void> call_soon(std::function<void()> act) {
        co_await sleep_for(std::chrono::milliseconds(2));
        act();
    }
    template <class T>
    static boost::asio::awaitable<void> keep(
        boost::asio::awaitable<T> task, std::optional<T>& result
    ) {
        result.emplace(co_await std::move(task));
    }
};

}  // namespace rollbackd::testing
