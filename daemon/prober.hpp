// Asks every probe in time: spread out at start, without drift, faster while a failure waits for
// confirmation or a run is being verified. One task a probe.
#pragma once

#include "core/io/task_group.hpp"
#include "daemon/decider.hpp"
#include "triggers/probes/registry.hpp"

namespace rollbackd {

class Prober {
public:
    using Seen = std::function<void(SignalPolicy const&, Duration took, Duration late)>;

    Prober(
        boost::asio::any_io_executor executor, ProbeContext context, Engine const& engine,
        Decider& decider, TaskGroup::Report report
    );
    ~Prober();

    /// Starts what is new, ends what is gone or changed, leaves the rest alone. Also called first.
    /// `saved`: what save() returned; for probes that start.
    boost::asio::awaitable<void> follow(std::shared_ptr<Policy const> policy, Json const& saved);
    /// What probes go on from, by "service/signal": exactly what has been observed.
    JsonObject save() const;
    /// The pace may have changed: everybody of that service looks again.
    void hurry(std::string const& service);
    /// Nobody asks any more; save() still tells where they were.
    boost::asio::awaitable<void> stop();
    void on_seen(Seen seen) { seen_ = std::move(seen); }

private:
    struct Task;
    boost::asio::awaitable<void> probe(std::shared_ptr<Task> task);
    boost::asio::awaitable<void> hand_in(Task& task, ProbeAnswer answer, Instant begun);

    boost::asio::any_io_executor executor_;
    ProbeContext context_;
    Engine const& engine_;
    Decider& decider_;
    TaskGroup::Report report_;
    Seen seen_;
    std::map<std::string, std::shared_ptr<Task>> tasks_;  // "service/signal"
};

}  // namespace rollbackd
