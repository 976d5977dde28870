#include "actions/steps/supervisor/supervise.hpp"

#include "actions/steps/supervisor/child.hpp"
#include "actions/steps/supervisor/output.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <ctime>

namespace rollbackd {

namespace {

/// Boot time: a suspended machine does not stretch a step's time.
long long now_ms() {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1'000'000;
}

class Supervision {
public:
    Supervision(StepDir const& dir, StepSpec const& spec, int signals, int watcher)
        : dir_(dir),
          spec_(spec),
          signals_(signals),
          watcher_(watcher),
          timer_(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK)),
          stdout_(spec.output_max),
          all_(spec.output_max) {}
    ~Supervision() {
        for (int const fd : {timer_, live_, child_.output, child_.errors}) {
            if (fd >= 0) close(fd);
        }
    }
    Supervision(Supervision const&) = delete;
    Supervision& operator=(Supervision const&) = delete;

    step_files::Pairs run();

private:
    enum class Phase { running, asked_to_end, killing };

    void wait_for_something();
    void drain(int& fd, bool is_stdout, std::size_t bytes_max);
    void show_output();
    int wait_ms() const;
    void reap();
    void ask_to_end(char const* why);
    void on_time();
    void set_timer(long long ms) const;
    bool is_over() const;
    step_files::Pairs record();

    static constexpr std::size_t read_max = 256 * 1024;   // of one stream between two looks around
    static constexpr std::size_t rest_max = 1024 * 1024;  // after the end: what the pipe still held
    static constexpr std::size_t live_max = 16 * 1024;    // of the output, for onlookers
    static constexpr long long live_every_ms = 250;
    static constexpr long long kill_again_ms = 20;
    static constexpr int kill_rounds_max = 250;

    StepDir const& dir_;
    StepSpec const& spec_;
    int signals_;
    int watcher_;
    int timer_;
    int live_ = -1;
    BoundedOutput stdout_;
    BoundedOutput all_;  // both streams, in the order they were read
    StartedChild child_;
    Phase phase_ = Phase::running;
    char const* ended_by_us_ = "";  // "timeout", "aborted" or "terminated"
    bool child_ended_ = false;
    bool childless_ = false;
    int status_ = 0;
    int kill_rounds_ = 0;
    long long started_ms_ = 0;
    unsigned long long shown_ = 0;  // bytes of output when it was shown last
    long long shown_ms_ = 0;
};

step_files::Pairs Supervision::run() {
    started_ms_ = now_ms();
    if (dir_.is_abort_asked()) return {{"end", "aborted"}, {"why", "asked before it was started"}};
    child_ = start_child(spec_, dir_.open_input(spec_), [&](pid_t pid) {
        dir_.write_child(spec_, pid);
        dir_.remove_spec();
    });
    if (!child_.problem.empty()) return {{"end", "not_started"}, {"why", child_.problem}};
    if (spec_.timeout_ms > 0) set_timer(spec_.timeout_ms);
    while (!is_over()) wait_for_something();
    drain(child_.output, true, rest_max);
    drain(child_.errors, false, rest_max);
    return record();
}

bool Supervision::is_over() const {
    // A step that ends by itself may leave a daemon behind; one that is ended may not.
    if (phase_ == Phase::running) return child_ended_;
    return childless_ || kill_rounds_ >= kill_rounds_max;
}

void Supervision::wait_for_something() {
    std::array<pollfd, 5> wanted{{
        {child_.output, POLLIN, 0},
        {child_.errors, POLLIN, 0},
        {signals_, POLLIN, 0},
        {watcher_, POLLIN, 0},
        {timer_, POLLIN, 0},
    }};
    if (poll(wanted.data(), wanted.size(), wait_ms()) < 0) return;
    if (wanted[0].revents != 0) drain(child_.output, true, read_max);
    if (wanted[1].revents != 0) drain(child_.errors, false, read_max);
    if (wanted[2].revents != 0) {
        signalfd_siginfo info{};
        while (read(signals_, &info, sizeof info) == sizeof info) {
            if (info.ssi_signo != SIGTERM) continue;
            bool const asked =
                (info.ssi_code == SI_QUEUE && info.ssi_int == step_files::abort_value) ||
                dir_.is_abort_asked();
            ask_to_end(asked ? "aborted" : "terminated");
        }
        reap();
    }
    if (wanted[3].revents != 0) {
        std::array<char, 4096> ignored{};
        while (read(watcher_, ignored.data(), ignored.size()) > 0) continue;
        if (dir_.is_abort_asked()) ask_to_end("aborted");
    }
    if (wanted[4].revents != 0) on_time();
    if (wait_ms() == 0) show_output();
}

/// Until the output is to be shown again; -1: nothing new to show.
int Supervision::wait_ms() const {
    if (shown_ == all_.total()) return -1;
    return static_cast<int>(std::clamp(shown_ms_ + live_every_ms - now_ms(), 0LL, live_every_ms));
}

void Supervision::show_output() {
    shown_ = all_.total();
    shown_ms_ = now_ms();
    auto const total = std::to_string(shown_);
    dir_.write_live(live_, {{"total", total}, {"tail", all_.newest(live_max)}, {"again", total}});
}

void Supervision::drain(int& fd, bool is_stdout, std::size_t bytes_max) {
    std::array<char, 16 * 1024> buffer{};
    for (std::size_t total = 0; fd >= 0 && total < bytes_max;) {
        auto const count = read(fd, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno == EAGAIN) return;
        if (count <= 0) {
            close(fd);
            fd = -1;
            return;
        }
        std::string_view const bytes(buffer.data(), static_cast<std::size_t>(count));
        if (is_stdout) stdout_.append(bytes);
        all_.append(bytes);
        total += bytes.size();
    }
}

void Supervision::reap() {
    for (;;) {
        int status = 0;
        auto const pid = waitpid(-1, &status, WNOHANG);
        if (pid < 0 && errno == EINTR) continue;
        if (pid < 0) childless_ = true;
        if (pid <= 0) return;
        if (pid == child_.pid) {
            child_ended_ = true;
            status_ = status;
        }
    }
}

void Supervision::ask_to_end(char const* why) {
    if (phase_ != Phase::running || child_ended_) return;
    phase_ = Phase::asked_to_end;
    ended_by_us_ = why;
    signal_descendants(SIGTERM);
    set_timer(spec_.grace_ms);
}

void Supervision::on_time() {
    unsigned long long expirations = 0;
    (void)!read(timer_, &expirations, sizeof expirations);
    reap();
    if (phase_ == Phase::running) {
        ask_to_end("timeout");
        return;
    }
    // Again and again: a process that was just forked has not been seen by the last round.
    phase_ = Phase::killing;
    ++kill_rounds_;
    signal_descendants(SIGKILL);
    reap();
    set_timer(kill_again_ms);
}

void Supervision::set_timer(long long ms) const {
    auto const at_least = ms > 0 ? ms : 1;  // zero would switch it off
    itimerspec spec{};
    spec.it_value.tv_sec = at_least / 1000;
    spec.it_value.tv_nsec = (at_least % 1000) * 1'000'000;
    timerfd_settime(timer_, 0, &spec, nullptr);
}

step_files::Pairs Supervision::record() {
    step_files::Pairs out;
    bool const by_us = phase_ != Phase::running;
    bool const signalled = child_ended_ && WIFSIGNALED(status_);
    out.emplace_back("end", by_us ? ended_by_us_ : signalled ? "signalled" : "exited");
    if (child_ended_ && !signalled) {
        out.emplace_back("code", std::to_string(WEXITSTATUS(status_)));
    }
    if (signalled) out.emplace_back("signal", std::to_string(WTERMSIG(status_)));
    if (by_us && !childless_) out.emplace_back("left", "1");
    out.emplace_back("took_ms", std::to_string(now_ms() - started_ms_));
    out.emplace_back("cut", all_.is_cut() || stdout_.is_cut() ? "1" : "0");
    out.emplace_back("stdout", std::move(stdout_).take());
    out.emplace_back("output", std::move(all_).take());
    return out;
}

}  // namespace

step_files::Pairs supervise(StepDir const& dir, StepSpec const& spec, int signals, int watcher) {
    return Supervision(dir, spec, signals, watcher).run();
}

}  // namespace rollbackd
