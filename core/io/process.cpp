#include "core/io/process.hpp"

#include "core/io/deadline.hpp"
#include "core/io/start_aside.hpp"
#include "core/io/task_group.hpp"

#include <poll.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <csignal>
#include <map>
extern "C" {  // glibc 2.36's header forgets it
#include <sys/pidfd.h>
}

namespace rollbackd {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;

namespace {

constexpr auto token = asio::as_tuple(asio::use_awaitable);
/// What a program's background children may still write after it has ended, before we hang up.
constexpr Duration drain_max = std::chrono::milliseconds(250);
constexpr std::size_t read_bytes = 16 * 1024;

enum class Waited { exited, late, cancelled };

// Asked of the kernel itself: the reactor may wake us for what it heard of the descriptor that had
// this number before.
bool has_ended(int pidfd) {
    pollfd asked{pidfd, POLLIN, 0};
    return ::poll(&asked, 1, 0) == 1 && (asked.revents & POLLIN) != 0;
}

asio::awaitable<Waited> wait_readable(Descriptor& pidfd, Duration limit) {
    Deadline const deadline(pidfd.get_executor(), limit, [&pidfd] { pidfd.cancel(); });
    bool cancelled = false;
    while (!cancelled && !deadline.expired()) {
        auto const [code] = co_await pidfd.async_wait(Descriptor::wait_read, token);
        if (has_ended(pidfd.native_handle())) co_return Waited::exited;
        cancelled = bool(code);
    }
    co_return deadline.expired() ? Waited::late : Waited::cancelled;
}

/// Keeps the last `max` bytes; cuts rarely, so that a flood costs little.
void append_tail(std::string& tail, std::string_view piece, std::size_t max, bool& cut) {
    tail.append(piece);
    if (tail.size() <= 2 * max) return;
    tail.erase(0, tail.size() - max);
    cut = true;
}

void trim_tail(std::string& tail, std::size_t max, bool& cut) {
    if (tail.size() <= max) return;
    tail.erase(0, tail.size() - max);
    cut = true;
}

asio::awaitable<void> drain(Descriptor& from, std::string& tail, std::size_t max, bool& cut) {
    std::string piece(read_bytes, '\0');
    while (true) {
        auto const [code, length] = co_await from.async_read_some(asio::buffer(piece), token);
        append_tail(tail, std::string_view(piece).substr(0, length), max, cut);
        if (code) co_return;
    }
}

/// Only the first `max` bytes; what goes on writing is told by a closed pipe, and ends.
asio::awaitable<void> take_head(Descriptor& from, std::string& head, std::size_t max, bool& cut) {
    std::string piece(read_bytes, '\0');
    while (!cut) {
        auto const [code, length] = co_await from.async_read_some(asio::buffer(piece), token);
        auto const room = std::min(length, max - head.size());
        head.append(piece, 0, room);
        cut = room < length;
        if (code) co_return;
    }
    from.close();
}

asio::awaitable<void> feed(Descriptor& to, std::string const& input) {
    // A program that does not read its input is no failure: what it does decides.
    (void)co_await asio::async_write(to, asio::buffer(input), token);
    to.close();
}

/// Programs that took no SIGKILL, by their number, which is theirs until they are reaped.
std::map<int, Fd>& strays() {
    thread_local std::map<int, Fd> all;
    return all;
}

void sweep_strays() {
    std::erase_if(strays(), [](auto const& stray) {
        ProcessResult ended;
        reap(stray.second.get(), ended);
        return ended.exit || ended.signal != 0;
    });
}

/// A leader that has left its group is still meant.
void signal_all(int pidfd, int pid, int signal) {
    ::kill(-pid, signal);
    if (::getpgid(pid) != pid) (void)pidfd_send_signal(pidfd, signal, nullptr, 0);
}

/// Ends the whole group, politely first; true once the leader has ended (not yet reaped).
asio::awaitable<bool> end_group(Descriptor& pidfd, int pid, Duration grace) {
    signal_all(pidfd.native_handle(), pid, SIGTERM);
    auto waited = co_await wait_readable(pidfd, grace);
    // The unreaped leader still holds the group's number: this cannot hit a stranger.
    signal_all(pidfd.native_handle(), pid, SIGKILL);
    auto const until = std::chrono::steady_clock::now() + kill_wait;
    while (waited != Waited::exited) {
        auto const left = until - std::chrono::steady_clock::now();
        if (left <= Duration::zero()) co_return false;
        waited = co_await wait_readable(pidfd, left);
    }
    co_return true;
}

}  // namespace

std::string ProcessResult::describe() const {
    if (stray < 0) {
        return "not started within " + format_duration(limit) +
               ": its program or its folder does not answer (a mount that hangs?)";
    }
    if (stray != 0) {
        return "no end within " + format_duration(limit) + ", nor by SIGKILL: process " +
               std::to_string(stray) + " hangs in the kernel, or is not ours to end";
    }
    if (timed_out) return "no end within " + format_duration(limit) + ": stopped";
    if (exit) return "exit " + std::to_string(*exit);
    return "ended by signal " + std::to_string(signal);
}

bool is_stray(int pid) {
    sweep_strays();
    return pid < 0 ? is_start_hanging(pid) : strays().contains(pid);
}

asio::awaitable<Result<ProcessResult>> run_process(ProcessSpec spec) {
    auto const begun = std::chrono::steady_clock::now();
    sweep_strays();
    ProcessResult result;
    result.limit = spec.timeout;
    auto started = co_await start_aside(spec, spec.timeout);
    result.took = std::chrono::steady_clock::now() - begun;
    if (started.hung != 0) {
        result.timed_out = true;
        result.stray = started.hung;
        co_return result;
    }
    auto& spawned = started.spawned;
    if (!spawned) co_return tl::unexpected<Error>(spawned.error());
    auto const left = std::max<Duration>(spec.timeout - result.took, std::chrono::milliseconds(1));
    auto const executor = co_await asio::this_coro::executor;
    Descriptor pidfd(executor, spawned->pidfd.release());
    Descriptor output(executor, spawned->output.release());
    Descriptor errors(executor);
    Descriptor input(executor);
    if (spawned->errors.is_open()) errors.assign(spawned->errors.release());
    if (spawned->input.is_open()) input.assign(spawned->input.release());

    TaskGroup pumps(executor);  // joined below: they write into this frame
    auto const take = spec.keep_head ? &take_head : &drain;
    pumps.spawn("stdout", take(output, result.output, spec.output_max, result.output_cut));
    if (errors.is_open()) {
        pumps.spawn("stderr", drain(errors, result.errors, spec.output_max, result.errors_cut));
    }
    if (input.is_open()) pumps.spawn("stdin", feed(input, spec.input));

    auto const waited = co_await wait_readable(pidfd, left);
    bool ended = waited == Waited::exited;
    if (!ended) ended = co_await end_group(pidfd, spawned->pid, spec.grace);
    reap(pidfd.native_handle(), result);
    if (!ended) {
        result.stray = spawned->pid;
        strays()[spawned->pid].reset(pidfd.release());
    }
    result.timed_out = waited == Waited::late;
    {
        Deadline const hang_up(executor, drain_max, [&pumps] { pumps.cancel(); });
        co_await pumps.join();
    }
    trim_tail(result.output, spec.output_max, result.output_cut);
    trim_tail(result.errors, spec.output_max, result.errors_cut);
    result.took = std::chrono::steady_clock::now() - begun;
    if (waited == Waited::cancelled) co_return fail(Errc::cancelled, "cancelled", spec.argv[0]);
    co_return result;
}

struct Child::State {
    Descriptor pidfd;
    int pid = 0;
    bool reaped = false;
};

Child::Child(std::unique_ptr<State> state) : state_(std::move(state)) {}
Child::Child(Child&&) noexcept = default;
Child& Child::operator=(Child&&) noexcept = default;

Child::~Child() {
    ProcessResult ignored;  // only so that a child that ended already leaves no zombie
    if (state_ && !state_->reaped) reap(state_->pidfd.native_handle(), ignored);
}

Result<Child> Child::start(asio::any_io_executor executor, ProcessSpec const& spec) {
    auto spawned = spawn(spec, SpawnOutput::none);
    if (!spawned) return tl::unexpected<Error>(spawned.error());
    Descriptor pidfd(executor, spawned->pidfd.release());
    return Child(std::make_unique<State>(State{std::move(pidfd), spawned->pid}));
}

int Child::pid() const { return state_->pid; }

asio::awaitable<Result<ProcessResult>> Child::wait(Duration limit) {
    auto const waited = co_await wait_readable(state_->pidfd, limit);
    if (waited == Waited::late) co_return fail(Errc::timeout, "still running");
    if (waited == Waited::cancelled) co_return fail(Errc::cancelled, "cancelled");
    ProcessResult result;
    result.limit = limit;
    reap(state_->pidfd.native_handle(), result);
    state_->reaped = true;
    co_return result;
}

void Child::signal_group(int signal) const {
    if (!state_->reaped) ::kill(-state_->pid, signal);
}

asio::awaitable<Result<bool>> wait_for_exit(int pid, Duration limit) {
    int const fd = pidfd_open(pid, 0);
    if (fd < 0 && errno == ESRCH) co_return true;
    if (fd < 0) co_return fail(Errc::io, "cannot watch the process", "pid " + std::to_string(pid));
    Descriptor pidfd(co_await asio::this_coro::executor, fd);
    auto const waited = co_await wait_readable(pidfd, limit);
    if (waited == Waited::late) co_return fail(Errc::timeout, "still running");
    if (waited == Waited::cancelled) co_return fail(Errc::cancelled, "cancelled");
    co_return true;
}

}  // namespace rollbackd
