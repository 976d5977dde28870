// Checkpoints: windows, streaks, ids and source offsets together every few seconds; the state now
// and then. A cache: without it the journal is replayed and the windows fill anew.
#pragma once

#include "daemon/decider.hpp"

#include <limits>

namespace rollbackd {

class Checkpoints {
public:
    Checkpoints(
        Engine& engine, Decider& decider, Journal& journal, BlockingPool& journal_thread,
        std::function<Json()> offsets, std::function<void(Json const&)> saved, Clock const& clock
    );

    boost::asio::awaitable<void> run();
    /// At the next look, also where no sample came: a source may have begun.
    void soon() { samples_saved_ = none_saved; }
    /// Windows and offsets, now: at start, so that after a crash in the first seconds a log is read
    /// on from where it was found, not from its end again.
    boost::asio::awaitable<void> save_perceived();
    /// Everything, now: at stop.
    boost::asio::awaitable<void> save_all();

    static constexpr Duration every = std::chrono::seconds(5);
    static constexpr std::uint64_t state_after_records = 500;

private:
    static constexpr std::uint64_t none_saved = std::numeric_limits<std::uint64_t>::max();

    boost::asio::awaitable<void> save(bool with_state);

    Engine& engine_;
    Decider& decider_;
    Journal& journal_;
    BlockingPool& journal_thread_;
    std::function<Json()> offsets_;           // where sources and probes go on from, as observed
    std::function<void(Json const&)> saved_;  // told that these are durable now
    Clock const& clock_;
    std::uint64_t samples_saved_ = none_saved;
    std::uint64_t state_saved_ = 0;  // what a long replay has rebuilt is worth keeping too
};

}  // namespace rollbackd
