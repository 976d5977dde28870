#include "core/io/start_aside.hpp"

#include "core/io/deadline.hpp"
#include "core/io/task_group.hpp"

#include <sys/wait.h>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <csignal>
#include <functional>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

/// What the waiting coroutine and the thread that starts share.
struct Ticket {
    Ticket(asio::any_io_executor ex, ProcessSpec what)
        : spec(std::move(what)), executor(ex), finished(ex) {}

    ProcessSpec const spec;
    asio::any_io_executor const executor;
    WakeUp finished;  // used on the coroutine's thread alone
    std::mutex mutex;
    bool abandoned = false;                 // with the mutex: nobody waits any more
    std::optional<Result<Spawned>> result;  // with the mutex
};

/// In a thread: what hangs in the kernel takes its time even to die.
void end(Spawned const& spawned) {
    ::kill(-spawned.pid, SIGKILL);
    ::waitpid(spawned.pid, nullptr, 0);
}

std::optional<Error> in_thread(std::function<void()> job) {
    try {
        std::thread(std::move(job)).detach();
    } catch (std::system_error const& problem) {
        return Error{Errc::io, std::string("cannot start a thread: ") + problem.what(), {}};
    }
    return std::nullopt;
}

/// What nobody waits for any more.
void discard(std::optional<Result<Spawned>>&& started) {
    if (!started || !*started) return;
    auto const spawned = std::make_shared<Spawned>(std::move(**started));
    if (in_thread([spawned] { end(*spawned); })) ::kill(-spawned->pid, SIGKILL);
}

void start(std::shared_ptr<Ticket> ticket) {
    auto spawned = spawn(ticket->spec, SpawnOutput::pipes);
    std::unique_lock lock(ticket->mutex);
    if (ticket->abandoned) {
        lock.unlock();
        if (spawned) end(*spawned);
        return;
    }
    ticket->result.emplace(std::move(spawned));
    auto const executor = ticket->executor;
    asio::post(executor, [ticket = std::move(ticket)] { ticket->finished.notify(); });
}

/// Takes what was started, however the wait for it ended; without it the thread ends what it will
/// have started.
std::optional<Result<Spawned>> take(Ticket& ticket) {
    std::lock_guard const lock(ticket.mutex);
    ticket.abandoned = true;
    return std::exchange(ticket.result, std::nullopt);
}

/// A frame that is destroyed in mid-wait leaves no program behind.
struct Leave {
    std::shared_ptr<Ticket> ticket;

    ~Leave() { discard(take(*ticket)); }
};

std::map<int, std::weak_ptr<Ticket>>& hanging() {
    thread_local std::map<int, std::weak_ptr<Ticket>> all;
    return all;
}

int remember(std::shared_ptr<Ticket> const& ticket) {
    thread_local int last = 0;
    hanging()[--last] = ticket;
    return last;
}

}  // namespace

bool is_start_hanging(int hung) {
    std::erase_if(hanging(), [](auto const& start) { return start.second.expired(); });
    return hanging().contains(hung);
}

asio::awaitable<AsideStart> start_aside(ProcessSpec spec, Duration limit) {
    auto const name = spec.argv.empty() ? std::string() : spec.argv.front();
    (void)is_start_hanging(0);
    if (hanging().size() >= hanging_starts_max) {
        auto what = std::to_string(hanging_starts_max) + " programs hang in being started already";
        co_return AsideStart{fail(Errc::unavailable, std::move(what), name)};
    }
    auto const executor = co_await asio::this_coro::executor;
    auto const ticket = std::make_shared<Ticket>(executor, std::move(spec));
    Leave const leave{ticket};
    // Who cleans up after being cancelled may still run programs.
    bool const cleaning = co_await is_cancelled();
    if (auto problem = in_thread([ticket] { start(ticket); })) {
        co_return AsideStart{tl::unexpected<Error>(std::move(*problem))};
    }
    (void)co_await ticket->finished.wait_for(limit);  // take() knows how it went
    bool const cancelled = !cleaning && co_await is_cancelled();
    auto started = take(*ticket);
    AsideStart none{fail(Errc::cancelled, "cancelled", name)};
    if (cancelled) {
        discard(std::move(started));
        co_return none;
    }
    if (started) co_return AsideStart{std::move(*started)};
    none.hung = remember(ticket);
    co_return none;
}

}  // namespace rollbackd
