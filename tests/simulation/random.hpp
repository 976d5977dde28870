// The one source of chance: everything a simulation does follows from its seed.
#pragma once

#include "core/ensure.hpp"
#include "core/time.hpp"

#include <vector>

namespace rollbackd::simulation {

class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {
        // Neighbours must not share their streams.
        state_ = next() ^ (seed << 32U);
    }

    /// splitmix64 (Steele, Lea, Flood 2014).
    std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15ULL;
        auto z = state_;
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31U);
    }
    std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
    /// Both ends included.
    int in(int low, int high) { return low + int(below(std::uint64_t(high - low + 1))); }
    bool chance(double share) { return double(next() >> 11U) * 0x1.0p-53 < share; }
    /// In whole milliseconds.
    Duration between(Duration low, Duration high) {
        auto const span = std::chrono::duration_cast<std::chrono::milliseconds>(high - low);
        return low + std::chrono::milliseconds(below(std::uint64_t(span.count()) + 1));
    }
    template <class T>
    T const& pick(std::vector<T> const& items) {
        ensure(!items.empty(), "there is something to pick");
        return items[below(items.size())];
    }

private:
    std::uint64_t state_;
};

}  // namespace rollbackd::simulation
