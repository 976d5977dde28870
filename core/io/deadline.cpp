#include "core/io/deadline.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/io/task_group.hpp"

namespace rollbackd {

namespace asio = boost::asio;
using Timer = asio::steady_timer;

namespace {

constexpr auto token = asio::as_tuple(asio::use_awaitable);
/// Longest single sleep: afterwards the clock is asked again, so that suspend is noticed.
constexpr Duration nap_max = std::chrono::minutes(1);

/// Durations near the end of the type's range would wrap around inside the timer.
Timer::duration bounded(Duration duration) {
    constexpr Duration year = std::chrono::hours(24 * 365);
    return std::chrono::duration_cast<Timer::duration>(std::min(duration, year));
}

}  // namespace

struct Deadline::State : std::enable_shared_from_this<State> {
    State(asio::any_io_executor executor, std::function<void()> call)
        : timer(executor), on_expiry(std::move(call)) {}

    void arm(Duration limit) {
        timer.expires_after(bounded(limit));
        timer.async_wait([self = shared_from_this(), round = ++round](auto const& code) {
            if (code || !self->on_expiry || round != self->round) return;
            self->expired = true;
            auto const call = std::exchange(self->on_expiry, nullptr);
            call();
        });
    }

    Timer timer;
    std::function<void()> on_expiry;
    unsigned round = 0;  // a timer already due when restarted still calls back: it is ignored
    bool expired = false;
};

Deadline::Deadline(asio::any_io_executor executor, Duration limit, std::function<void()> on_expiry)
    : state_(std::make_shared<State>(executor, std::move(on_expiry))) {
    state_->arm(limit);
}

Deadline::~Deadline() {
    state_->on_expiry = nullptr;
    state_->timer.cancel();
}

bool Deadline::expired() const { return state_->expired; }

Duration Deadline::left() const {
    Duration const left = state_->timer.expiry() - Timer::clock_type::now();
    return std::max(left, Duration::zero());
}

void Deadline::restart(Duration limit) {
    if (!state_->expired) state_->arm(limit);
}

asio::awaitable<bool> sleep_for(Duration duration) {
    Timer timer(co_await asio::this_coro::executor, bounded(duration));
    auto const [code] = co_await timer.async_wait(token);
    co_return !code;
}

asio::awaitable<bool> sleep_until(Clock const& clock, Instant at) {
    while (true) {
        Duration const left = at - clock.now().boot;
        if (left <= Duration::zero()) co_return true;
        bool const slept = co_await sleep_for(std::min(left, nap_max));
        if (!slept) co_return false;
    }
}

struct WakeUp::Waiter {
    Timer timer;
    bool notified = false;
};

WakeUp::WakeUp(asio::any_io_executor executor) : executor_(std::move(executor)) {}

WakeUp::~WakeUp() = default;

void WakeUp::notify() {
    notified_ = waiters_.empty();
    for (auto* waiter : waiters_) {
        waiter->notified = true;
        waiter->timer.cancel();
    }
    waiters_.clear();
}

asio::awaitable<bool> WakeUp::wait() { return wait_for(Duration::max()); }

asio::awaitable<bool> WakeUp::wait_for(Duration limit) {
    if (std::exchange(notified_, false)) co_return true;
    Waiter waiter{Timer(executor_, bounded(limit))};
    waiters_.push_back(&waiter);
    (void)co_await waiter.timer.async_wait(token);  // its code says less than `notified`
    if (!waiter.notified) waiters_.remove(&waiter);
    co_return waiter.notified;
}

namespace deadline_detail {

namespace {

asio::awaitable<bool> run_quietly(asio::awaitable<void> task) {
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await std::move(task);
    co_return true;
}

asio::awaitable<bool> wait_out(Duration limit) {
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await sleep_for(limit);
    co_return true;
}

}  // namespace

asio::awaitable<bool> run_limited(Duration limit, asio::awaitable<void> task) {
    using namespace asio::experimental::awaitable_operators;
    // Whoever ends first cancels the other; both return values instead of throwing, so the race is
    // decided by time and never by an exception (asio #900).
    auto const winner = co_await (run_quietly(std::move(task)) || wait_out(limit));
    co_return winner.index() == 1;
}

}  // namespace deadline_detail

}  // namespace rollbackd
