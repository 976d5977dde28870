#include "core/io/blocking.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "core/io/deadline.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

/// What a waiting coroutine and the thread that works for it share.
struct Ticket {
    explicit Ticket(asio::any_io_executor ex) : executor(ex), finished(ex) {}

    asio::any_io_executor executor;
    WakeUp finished;               // used on the coroutine's thread alone
    bool done = false;             // likewise
    std::optional<Error> problem;  // written before `done` is posted
};

struct Job {
    std::shared_ptr<std::function<void()>> work;
    std::shared_ptr<Ticket> ticket;
};

}  // namespace

struct BlockingPool::State : std::enable_shared_from_this<State> {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Job> queue;
    std::vector<std::thread> threads;
    std::size_t threads_max = 1;
    std::size_t queue_max = 1;
    std::size_t idle = 0;
    std::size_t alive = 0;
    bool stopped = false;

    std::optional<Error> submit(Job job);
    std::optional<Error> add(Job job);
    void work();
    void answer(Job& job, std::optional<Error> problem);
};

std::optional<Error> BlockingPool::State::submit(Job job) {
    std::lock_guard const lock(mutex);
    if (stopped) return Error{Errc::unavailable, "the daemon is stopping", {}};
    if (queue.size() >= queue_max) {
        auto what = "more than " + std::to_string(queue_max) + " blocking jobs are waiting already";
        return Error{Errc::unavailable, std::move(what), {}};
    }
    return add(std::move(job));
}

/// With the mutex held. A thread that there is works off what a new one would have.
std::optional<Error> BlockingPool::State::add(Job job) {
    queue.push_back(std::move(job));
    if (idle < queue.size() && threads.size() < threads_max) {
        try {
            threads.emplace_back([self = shared_from_this()] { self->work(); });
            ++alive;
        } catch (std::system_error const& problem) {
            if (threads.empty()) {
                queue.pop_back();
                auto what = std::string("cannot start a thread: ") + problem.what();
                return Error{Errc::unavailable, std::move(what), {}};
            }
        }
    }
    changed.notify_one();
    return std::nullopt;
}

void BlockingPool::State::work() {
    std::unique_lock lock(mutex);
    while (true) {
        ++idle;
        changed.wait(lock, [this] { return stopped || !queue.empty(); });
        --idle;
        if (queue.empty()) break;
        Job job = std::move(queue.front());
        queue.pop_front();
        lock.unlock();
        std::optional<Error> problem;
        try {
            (*job.work)();
        } catch (std::exception const& surprise) {
            problem = Error{Errc::internal, surprise.what(), {}};
        } catch (...) {
            problem = Error{Errc::internal, "an exception of unknown type in a blocking job", {}};
        }
        job.work.reset();
        lock.lock();
        answer(job, std::move(problem));
    }
    --alive;
    changed.notify_all();
}

/// Called with the mutex held: after stop() the executor may be gone, and stop() takes the mutex.
void BlockingPool::State::answer(Job& job, std::optional<Error> problem) {
    if (stopped) return;
    auto const executor = job.ticket->executor;
    asio::post(executor, [ticket = std::move(job.ticket), problem = std::move(problem)]() mutable {
        ticket->problem = std::move(problem);
        ticket->done = true;
        ticket->finished.notify();
    });
}

BlockingPool::BlockingPool(std::size_t threads_max, std::size_t queue_max)
    : state_(std::make_shared<State>()) {
    state_->threads_max = threads_max;
    state_->queue_max = queue_max;
}

BlockingPool::~BlockingPool() { stop(); }

void BlockingPool::stop(Duration grace) {
    std::unique_lock lock(state_->mutex);
    if (state_->stopped) return;  // joined, or left behind, already
    for (auto& job : state_->queue) {
        state_->answer(job, Error{Errc::cancelled, "the daemon is stopping", {}});
    }
    state_->queue.clear();
    state_->stopped = true;
    state_->changed.notify_all();
    auto const finished = [this] { return state_->alive == 0; };
    bool const all = state_->changed.wait_for(lock, grace, finished);
    auto threads = std::exchange(state_->threads, {});
    lock.unlock();
    for (auto& thread : threads) {
        if (all) {
            thread.join();
        } else {
            thread.detach(
            );  // hangs in a system call; it shares the state and touches nothing else
        }
    }
}

namespace {

/// Threads that nobody waits for. At the end of the program those that do not hang get a moment to
/// end: what a library keeps for each thread (OpenSSL its errors) is freed by that thread alone.
class LeftBehind {
public:
    ~LeftBehind() {
        for (auto& one : all_) {
            bool const ended = has_ended(one, grace_);
            if (!ended) grace_ = Duration::zero();
            for (auto& thread : one.threads) ended ? thread.join() : thread.detach();
        }
    }

    void add(std::shared_ptr<BlockingPool::State> pool, std::vector<std::thread> threads) {
        std::lock_guard const lock(mutex_);
        std::erase_if(all_, [](One& one) {
            if (!has_ended(one, Duration::zero())) return false;
            for (auto& thread : one.threads) thread.join();
            return true;
        });
        all_.push_back(One{.pool = std::move(pool), .threads = std::move(threads)});
    }

private:
    struct One {
        std::shared_ptr<BlockingPool::State> pool;
        std::vector<std::thread> threads;
    };

    static bool has_ended(One const& one, Duration limit) {
        std::unique_lock lock(one.pool->mutex);
        auto const ended = [&one] { return one.pool->alive == 0; };
        return one.pool->changed.wait_for(lock, limit, ended);
    }

    std::mutex mutex_;
    std::vector<One> all_;
    Duration grace_ = std::chrono::milliseconds(500);  // until the first that hangs
};

LeftBehind& left_behind() {
    static LeftBehind all;
    return all;
}

}  // namespace

void BlockingPool::leave(std::function<void()> last) {
    std::unique_lock lock(state_->mutex);
    if (state_->stopped) return;
    Job job{std::make_shared<std::function<void()>>(std::move(last)), nullptr};
    (void)state_->add(std::move(job));  // no thread to be had: then it is not done
    state_->stopped = true;
    state_->changed.notify_all();
    auto threads = std::exchange(state_->threads, {});
    lock.unlock();
    left_behind().add(state_, std::move(threads));
}

namespace blocking_detail {

asio::awaitable<std::optional<Error>> run(
    std::shared_ptr<BlockingPool::State> pool, std::shared_ptr<std::function<void()>> job,
    Duration limit
) {
    auto const ticket = std::make_shared<Ticket>(co_await asio::this_coro::executor);
    Job submitted{std::move(job), ticket};
    auto problem = pool->submit(std::move(submitted));
    if (problem) co_return problem;
    co_await ticket->finished.wait_for(limit);
    if (ticket->done) co_return std::move(ticket->problem);
    auto const state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
        co_return Error{Errc::cancelled, "cancelled", {}};
    }
    co_return Error{Errc::timeout, "no result within " + format_duration(limit), {}};
}

}  // namespace blocking_detail

}  // namespace rollbackd
