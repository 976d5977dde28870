// Runs every source (logs) and keeps their offsets, so that they can be checkpointed
// together with the windows their samples went into.
#pragma once

#include "core/io/deadline.hpp"
#include "core/io/task_group.hpp"
#include "daemon/decider.hpp"
#include "triggers/sources/alert_table.hpp"
#include "triggers/sources/registry.hpp"

namespace rollbackd {

/// What became of a notification's alerts.
struct AlertCounts {
    std::uint64_t matched = 0;    // meant by at least one signal
    std::uint64_t unmatched = 0;  // meant by none
};

class Reader {
public:
    /// Told when a log cannot be read, with the reason, and when it can again, without one.
    using Trouble = std::function<void(std::string const& key, std::string const& why)>;

    Reader(SourceContext context, Decider& decider, TaskGroup::Report report, Trouble trouble);
    ~Reader();

    /// `saved`: offsets by "service/signal" as save() returned them; used for sources that start.
    /// Returns once these have looked for the first time, so that what comes from then on is new;
    /// one that hangs in it is waited for no longer than first_look_max.
    boost::asio::awaitable<void> follow(std::shared_ptr<Policy const> policy, Json const& saved);
    /// Looks after the sources: one that cannot be read is told, and its signal is unknown, for
    /// what was read before is no health.
    boost::asio::awaitable<void> watch();
    boost::asio::awaitable<void> stop();
    /// A notification for every `alerts` signal. Errc::unavailable: not all could be taken; what
    /// was not is taken when it is sent again.
    Result<AlertCounts> take(AlertNotice const& notice, bool trusted);
    /// Offsets exactly after the samples observed so far.
    Json save() const;
    /// Told once a checkpoint with these offsets is durable.
    void saved(Json const& offsets);
    std::vector<std::pair<std::string, SourceStatus>> status() const;
    /// Alerts that no signal means, since the start.
    std::uint64_t alerts_unmatched() const { return alerts_unmatched_; }

    static constexpr Duration look_every = std::chrono::seconds(1);
    static constexpr Duration first_look_max = std::chrono::seconds(2);
    /// A rotation may leave no file for a moment.
    static constexpr Duration trouble_after = std::chrono::seconds(5);

private:
    struct Task;
    boost::asio::awaitable<void> read(std::shared_ptr<Task> task);
    boost::asio::awaitable<void> first_looks(std::vector<std::shared_ptr<Task>> fresh);
    void look(std::string const& key, Task& task);
    void say(Task const& task, Instant at, SampleValue value);

    SourceContext context_;
    Decider& decider_;
    TaskGroup::Report report_;
    Trouble trouble_;
    std::map<std::string, std::shared_ptr<Task>> tasks_;
    WakeUp begun_;
    std::uint64_t alerts_unmatched_ = 0;
};

}  // namespace rollbackd
