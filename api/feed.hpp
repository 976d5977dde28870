// Wakes the event streams when records were applied. Streams read the journal themselves, so a slow
// reader costs no memory and misses nothing; the feed only says "there is more now".
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <list>

namespace rollbackd::api {

class Feed {
public:
    explicit Feed(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

    /// Wakes everyone who waits.
    void notify();
    /// Wakes everyone, and nobody waits any more from here on.
    void close();
    bool closed() const { return closed_; }
    /// Until notify(), close() or `limit`. The caller looks for itself what there is.
    boost::asio::awaitable<void> wait(std::chrono::nanoseconds limit);
    std::size_t waiting() const { return waiters_.size(); }

private:
    boost::asio::any_io_executor executor_;
    std::list<boost::asio::steady_timer> waiters_;
    bool closed_ = false;
};

}  // namespace rollbackd::api
