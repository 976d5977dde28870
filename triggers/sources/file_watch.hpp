// Wakes up when one of some files may have changed: through inotify where the kernel gives one, and
// by looking again after a while in any case (network file systems tell nothing). Never says what
// changed.
#pragma once

#include "core/io/fd.hpp"
#include "core/time.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <map>

namespace rollbackd {

inline constexpr Duration watch_poll = std::chrono::milliseconds(250);

/// What is watched. Blocking: naming a file to the kernel asks the mount it lies on. Used in
/// another thread than the FileWatch that waits for it, with a descriptor of its own of the same.
class WatchedFiles {
public:
    explicit WatchedFiles(Fd events) : events_(std::move(events)) {}

    /// Watches the files that are there now, and their folders for the next ones. Call before
    /// reading: a change after that ends the next wait.
    void arm(std::vector<std::string> const& paths);

private:
    Fd events_;
    std::map<std::string, int> files_;
    std::map<std::string, int> folders_;
};

class FileWatch {
public:
    explicit FileWatch(boost::asio::any_io_executor executor);
    /// For WatchedFiles; below 0 where the kernel gives none.
    int descriptor() const { return descriptor_; }

    /// Until something changed, or watch_poll has passed, or cancelled.
    boost::asio::awaitable<void> wait();

private:
    boost::asio::posix::stream_descriptor events_;
    int descriptor_ = -1;
};

}  // namespace rollbackd
