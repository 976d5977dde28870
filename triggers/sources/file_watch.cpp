#include "triggers/sources/file_watch.hpp"

#include "core/io/deadline.hpp"

#include <sys/inotify.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <utility>

namespace rollbackd {

namespace asio = boost::asio;

void WatchedFiles::arm(std::vector<std::string> const& paths) {
    if (!events_.is_open()) return;
    int const descriptor = events_.get();
    auto const gone = std::exchange(files_, {});
    for (auto const& path : paths) {
        auto const folder = std::filesystem::path(path).parent_path().string();
        auto& watched = folders_.try_emplace(folder, -1).first->second;
        if (watched < 0) {
            watched = inotify_add_watch(descriptor, folder.c_str(), IN_CREATE | IN_MOVED_TO);
        }
        // The same file gives the same watch again; after a rotation it is another file's.
        int const watch = inotify_add_watch(descriptor, path.c_str(), IN_MODIFY | IN_ATTRIB);
        if (watch >= 0) files_[path] = watch;
    }
    for (auto const& [path, watch] : gone) {
        bool const kept = std::any_of(files_.begin(), files_.end(), [&](auto const& file) {
            return file.second == watch;
        });
        if (!kept) inotify_rm_watch(descriptor, watch);
    }
}

FileWatch::FileWatch(asio::any_io_executor executor)
    : events_(std::move(executor)), descriptor_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    // None left (fs.inotify.max_user_instances): polling alone does.
    if (descriptor_ >= 0) events_.assign(descriptor_);
}

asio::awaitable<void> FileWatch::wait() {
    if (!events_.is_open()) {
        co_await sleep_for(watch_poll);
        co_return;
    }
    {
        Deadline const deadline(events_.get_executor(), watch_poll, [this] { events_.cancel(); });
        constexpr auto token = asio::as_tuple(asio::use_awaitable);
        co_await events_.async_wait(asio::posix::descriptor_base::wait_read, token);
    }
    // What happened does not matter, only that it is taken off the queue.
    std::array<char, 4096> bytes{};
    while (::read(events_.native_handle(), bytes.data(), bytes.size()) > 0) {
    }
}

}  // namespace rollbackd
