// Wakes up when a file may have changed: through inotify where the kernel gives one, and by looking
// again after a while in any case (network file systems tell nothing). Never says what changed.
#pragma once

#include "core/time.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

namespace rollbackd {

inline constexpr Duration watch_poll = std::chrono::milliseconds(250);

class FileWatch {
public:
    FileWatch(boost::asio::any_io_executor executor, std::string path);

    /// Watches the file that is there now, and its folder for the next one. Call before reading:
    /// a change after that ends the next wait.
    void arm();
    /// Until something changed, or watch_poll has passed, or cancelled.
    boost::asio::awaitable<void> wait();

private:
    std::string path_;
    boost::asio::posix::stream_descriptor events_;
    int file_watch_ = -1;
    int folder_watch_ = -1;
};

}  // namespace rollbackd
