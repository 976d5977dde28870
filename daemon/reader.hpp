// Runs every source (logs) and keeps their offsets, so that they can be checkpointed
// together with the windows their samples went into.
#pragma once

#include "core/io/task_group.hpp"
#include "daemon/decider.hpp"
#include "triggers/sources/registry.hpp"

namespace rollbackd {

class Reader {
public:
    /// Told when a log cannot be read, with the reason, and when it can again, without one.
    using Trouble = std::function<void(std::string const& key, std::string const& why)>;

    Reader(SourceContext context, Decider& decider, TaskGroup::Report report, Trouble trouble);
    ~Reader();

    /// `saved`: offsets by "service/signal" as save() returned them; used for sources that start.
    boost::asio::awaitable<void> follow(std::shared_ptr<Policy const> policy, Json const& saved);
    /// Looks after the sources: one that cannot be read is told, and its signal is unknown, for
    /// what was read before is no health.
    boost::asio::awaitable<void> watch();
    boost::asio::awaitable<void> stop();
    /// Offsets exactly after the samples observed so far.
    Json save() const;
    std::vector<std::pair<std::string, SourceStatus>> status() const;

    static constexpr Duration look_every = std::chrono::seconds(1);
    /// A rotation may leave no file for a moment.
    static constexpr Duration trouble_after = std::chrono::seconds(5);

private:
    struct Task;
    boost::asio::awaitable<void> read(std::shared_ptr<Task> task);
    void look(std::string const& key, Task& task);

    SourceContext context_;
    Decider& decider_;
    TaskGroup::Report report_;
    Trouble trouble_;
    std::map<std::string, std::shared_ptr<Task>> tasks_;
};

}  // namespace rollbackd
