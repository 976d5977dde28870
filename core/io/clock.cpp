#include "core/io/clock.hpp"

#include "core/ensure.hpp"

#include <atomic>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <limits>

namespace rollbackd {

namespace {

Duration read_clock(clockid_t id) {
    timespec spec{};
    ensure(clock_gettime(id, &spec) == 0, "the kernel has this clock");
    return std::chrono::seconds(spec.tv_sec) + std::chrono::nanoseconds(spec.tv_nsec);
}

std::chrono::microseconds to_micros(Duration duration) {
    return std::chrono::duration_cast<std::chrono::microseconds>(duration);
}

constexpr std::int64_t unknown = std::numeric_limits<std::int64_t>::min();
// Wall time less boot time. The two clocks cannot be read at once, so their distance seems to
// jitter; taken anew at every look, one wall time would be many instants, and of two log lines of
// one second the later one could look older. It is kept until it is really another: somebody set
// the wall clock, or it was slewed that far.
constexpr std::int64_t distance_change_min_us = 10'000;
std::atomic<std::int64_t> distance_us = unknown;  // the kernel's clocks are the process's

// A look at both clocks during which nobody took the processor away, as far as ten tries find one.
std::int64_t measured_distance() {
    std::int64_t best = 0;
    std::int64_t shortest = unknown;
    for (int i = 0; i < 10 && (shortest == unknown || shortest > 1'000); ++i) {
        auto const before = to_micros(read_clock(CLOCK_BOOTTIME)).count();
        auto const wall = to_micros(read_clock(CLOCK_REALTIME)).count();
        auto const took = to_micros(read_clock(CLOCK_BOOTTIME)).count() - before;
        if (shortest != unknown && took >= shortest) continue;
        shortest = took;
        best = wall - before - took / 2;
    }
    return best;
}

std::int64_t distance(std::int64_t seen_us) {
    auto const kept = distance_us.load();
    if (kept != unknown && std::abs(seen_us - kept) < distance_change_min_us) return kept;
    auto const measured = measured_distance();
    if (kept != unknown && std::abs(measured - kept) < distance_change_min_us) return kept;
    distance_us.store(measured);
    return measured;
}

}  // namespace

RealClock::RealClock() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::getline(file, boot_id_);
    // Without /proc nothing ties an Instant to this boot; a name of its own makes every restart
    // look like a reboot, which only ever counts against acting.
    if (boot_id_.empty()) boot_id_ = "unknown-" + format_rfc3339(now().wall);
}

std::int64_t monotonic_micros() { return to_micros(read_clock(CLOCK_MONOTONIC)).count(); }

Now RealClock::now() const {
    auto const wall = to_micros(read_clock(CLOCK_REALTIME)).count();
    auto const boot = to_micros(read_clock(CLOCK_BOOTTIME)).count();
    std::chrono::microseconds const since_boot(boot);
    return Now{
        Instant(since_boot), WallTime(since_boot + std::chrono::microseconds(distance(wall - boot)))
    };
}

SettableClock::SettableClock(Now now, std::string boot_id)
    : now_(now), boot_id_(std::move(boot_id)) {}

void SettableClock::advance(Duration by) {
    now_.boot += by;
    now_.wall += to_micros(by);
}

void SettableClock::step_wall(Duration by) { now_.wall += to_micros(by); }

}  // namespace rollbackd
