#include "api/feed.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace rollbackd::api {

namespace {

constexpr auto to_tuple = boost::asio::as_tuple(boost::asio::use_awaitable);

}  // namespace

void Feed::notify() {
    for (auto& waiter : waiters_) waiter.cancel();
}

void Feed::close() {
    closed_ = true;
    notify();
}

boost::asio::awaitable<void> Feed::wait(std::chrono::nanoseconds limit) {
    if (closed_) co_return;
    auto const mine = waiters_.emplace(waiters_.end(), executor_);
    mine->expires_after(limit);
    (void)co_await mine->async_wait(to_tuple);  // woken or late: the caller looks
    waiters_.erase(mine);
}

}  // namespace rollbackd::api
