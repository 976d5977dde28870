// The only reader of clocks. The shell asks it once per event and hands the Now down to pure code;
// tests settle on a time and move it.
#pragma once

#include "core/time.hpp"

namespace rollbackd {

class Clock {
public:
    virtual ~Clock() = default;
    virtual Now now() const = 0;
    /// Of the kernel that counts `Now::boot`; another value after every reboot.
    virtual std::string boot_id() const = 0;
};

/// CLOCK_BOOTTIME, the system clock and /proc/sys/kernel/random/boot_id.
class RealClock final : public Clock {
public:
    RealClock();
    Now now() const override;
    std::string boot_id() const override { return boot_id_; }

private:
    std::string boot_id_;
};

/// CLOCK_MONOTONIC in microseconds: only systemd's notify protocol asks for it.
std::int64_t monotonic_micros();

/// Stands still until told otherwise. For tests, backtests and simulation.
class SettableClock final : public Clock {
public:
    explicit SettableClock(Now now, std::string boot_id = "settable-boot");
    Now now() const override { return now_; }
    std::string boot_id() const override { return boot_id_; }

    void set(Now now) { now_ = now; }
    /// Both clocks together, as time really passes.
    void advance(Duration by);
    /// Only the wall clock, as when somebody sets it.
    void step_wall(Duration by);

private:
    Now now_;
    std::string boot_id_;
};

}  // namespace rollbackd
