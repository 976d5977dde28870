// What happens when: the simulation's own time, which never jumps, and the clocks of the machine
// the daemon runs on, which do.
#pragma once

#include "core/time.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace rollbackd::simulation {

/// True time since the simulation began.
using Time = Duration;

class Timeline {
public:
    Time now() const { return now_; }
    void at(Time when, std::function<void()> what) {
        entries_.push_back({std::max(when, now_), order_++, std::move(what)});
        std::push_heap(entries_.begin(), entries_.end(), later);
    }
    void after(Duration delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }
    /// Carries out the next thing, where it is due by `end`; false where nothing is.
    bool step(Time end) {
        if (entries_.empty() || entries_.front().when > end) return false;
        std::pop_heap(entries_.begin(), entries_.end(), later);
        auto entry = std::move(entries_.back());
        entries_.pop_back();
        now_ = entry.when;
        entry.what();
        return true;
    }

private:
    struct Entry {
        Time when;
        std::uint64_t order;
        std::function<void()> what;
    };
    static bool later(Entry const& a, Entry const& b) {
        return a.when != b.when ? a.when > b.when : a.order > b.order;
    }

    std::vector<Entry> entries_;
    Time now_{};
    std::uint64_t order_ = 0;
};

/// The machine's clocks and its boot.
class Machine {
public:
    explicit Machine(Timeline const& timeline) : timeline_(timeline) {}

    Now now() const {
        auto const boot = Instant(timeline_.now() - booted_at_);
        auto const wall = timeline_.now() + wall_offset_;
        return {boot, first_wall + std::chrono::duration_cast<WallTime::duration>(wall)};
    }
    std::string boot_id() const {
        return "00000000-0000-4000-8000-00000000000" + std::to_string(boots_ % 10);
    }
    int boots() const { return boots_; }
    /// True time of an instant of the present boot.
    Time time_of(Instant instant) const { return instant.time_since_epoch() + booted_at_; }
    Instant instant_of(Time time) const { return Instant(time - booted_at_); }
    void step_wall_clock(Duration by) { wall_offset_ += by; }
    void reboot(Duration up_since) {
        ++boots_;
        booted_at_ = timeline_.now() - up_since;
    }
    Duration wall_offset() const { return wall_offset_; }

    static constexpr WallTime first_wall{std::chrono::sys_days(std::chrono::year(2026) / 1 / 31)};

private:
    Timeline const& timeline_;
    Time booted_at_ = -std::chrono::hours(200);
    Duration wall_offset_{};
    int boots_ = 1;
};

}  // namespace rollbackd::simulation
