#include "core/io/clock.hpp"

#include "core/ensure.hpp"

#include <ctime>
#include <fstream>

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
    auto const wall = to_micros(read_clock(CLOCK_REALTIME));
    return Now{Instant(read_clock(CLOCK_BOOTTIME)), WallTime(wall)};
}

SettableClock::SettableClock(Now now, std::string boot_id)
    : now_(now), boot_id_(std::move(boot_id)) {}

void SettableClock::advance(Duration by) {
    now_.boot += by;
    now_.wall += to_micros(by);
}

void SettableClock::step_wall(Duration by) { now_.wall += to_micros(by); }

}  // namespace rollbackd
