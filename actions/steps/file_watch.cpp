#include "actions/steps/file_watch.hpp"

#include "core/io/deadline.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace rollbackd {

namespace asio = boost::asio;

asio::awaitable<Result<bool>> wait_for_file(
    std::string directory, std::string name, Duration limit
) {
    auto const path = directory + "/" + name;
    int const watcher = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watcher < 0) co_return fail(Errc::io, std::strerror(errno), "inotify");
    asio::posix::stream_descriptor events(co_await asio::this_coro::executor, watcher);
    if (::inotify_add_watch(watcher, directory.c_str(), IN_CREATE | IN_MOVED_TO) < 0) {
        co_return fail(Errc::io, std::string("cannot watch: ") + std::strerror(errno), directory);
    }
    Deadline const deadline(events.get_executor(), limit, [&events] { events.cancel(); });
    constexpr auto token = asio::as_tuple(asio::use_awaitable);
    std::array<char, 4096> buffer{};
    // Looked for after the watch was set: what appears in between is seen by one of the two.
    while (::access(path.c_str(), F_OK) != 0) {
        auto const [code, length] = co_await events.async_read_some(asio::buffer(buffer), token);
        if (code && deadline.expired()) {
            co_return fail(Errc::timeout, "not there within " + format_duration(limit), path);
        }
        if (code) co_return fail(Errc::cancelled, "cancelled", path);
    }
    co_return true;
}

}  // namespace rollbackd
