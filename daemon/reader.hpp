// Runs every source (access logs) and keeps their offsets, so that they can be checkpointed
// together with the windows their samples went into.
#pragma once

#include "core/io/task_group.hpp"
#include "daemon/decider.hpp"
#include "triggers/sources/registry.hpp"

namespace rollbackd {

class Reader {
public:
    Reader(
        boost::asio::any_io_executor executor, Decider& decider, Clock const& clock,
        TaskGroup::Report report
    );
    ~Reader();

    /// `saved`: offsets by "service/signal" as save() returned them; used for sources that start.
    boost::asio::awaitable<void> follow(std::shared_ptr<Policy const> policy, Json const& saved);
    boost::asio::awaitable<void> stop();
    /// Offsets exactly after the samples observed so far.
    Json save() const;
    std::vector<std::pair<std::string, SourceStatus>> status() const;

private:
    struct Task;
    boost::asio::awaitable<void> read(std::shared_ptr<Task> task);

    boost::asio::any_io_executor executor_;
    Decider& decider_;
    Clock const& clock_;
    TaskGroup::Report report_;
    std::map<std::string, std::shared_ptr<Task>> tasks_;
};

}  // namespace rollbackd
