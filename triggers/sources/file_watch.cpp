#include "triggers/sources/file_watch.hpp"

#include "core/io/deadline.hpp"

#include <sys/inotify.h>
#include <unistd.h>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>

namespace rollbackd {

namespace asio = boost::asio;

FileWatch::FileWatch(asio::any_io_executor executor, std::string path)
    : path_(std::move(path)), events_(executor) {
    int const descriptor = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    // None left (fs.inotify.max_user_instances): polling alone does.
    if (descriptor >= 0) events_.assign(descriptor);
}

void FileWatch::arm() {
    if (!events_.is_open()) return;
    int const descriptor = events_.native_handle();
    if (folder_watch_ < 0) {
        auto const folder = std::filesystem::path(path_).parent_path().string();
        folder_watch_ = inotify_add_watch(descriptor, folder.c_str(), IN_CREATE | IN_MOVED_TO);
    }
    // The same file gives the same watch again; after a rotation it is another file's.
    int const watch = inotify_add_watch(descriptor, path_.c_str(), IN_MODIFY | IN_ATTRIB);
    if (watch != file_watch_ && file_watch_ >= 0) inotify_rm_watch(descriptor, file_watch_);
    file_watch_ = watch;
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
