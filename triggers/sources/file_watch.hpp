// Wakes up when one of some files may have changed: through inotify where the kernel gives one, and
// by looking again after a while in any case (network file systems tell nothing). Never says what
// changed.
#pragma once

#include "core/time.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <map>

namespace rollbackd {

inline constexpr Duration watch_poll = std::chrono::milliseconds(250);

class FileWatch {
public:
    explicit FileWatch(boost::asio::any_io_executor executor);

    /// Watches the files that are there now, and their folders for the next ones. Call before
    /// reading: a change after that ends the next wait.
    void arm(std::vector<std::string> const& paths);
    /// Until something changed, or watch_poll has passed, or cancelled.
    boost::asio::awaitable<void> wait();

private:
    boost::asio::posix::stream_descriptor events_;
    std::map<std::string, int> files_;
    std::map<std::string, int> folders_;
};

}  // namespace rollbackd
