// Looks at every playbook before it is needed: whether its plan can be made, and what its steps'
// preflights say. One task, one playbook at a time; what it finds becomes ready(playbook).
#pragma once

#include "core/io/deadline.hpp"
#include "daemon/decider.hpp"

namespace rollbackd {

class ReadinessWatch {
public:
    using Ask = std::function<boost::asio::awaitable<Answer>(AskFresh question)>;

    ReadinessWatch(Engine const& engine, Decider& decider, Clock const& clock)
        : engine_(engine), decider_(decider), clock_(clock) {}

    /// Until cancelled: a round every daemon.readiness_every, the first soon after the start.
    boost::asio::awaitable<void> watch(Ask ask);

    /// The first round, and how long an objection waits to be seen a second time: a deployment
    /// that is just going on makes many things not so for a moment.
    static constexpr Duration soon = std::chrono::seconds(30);

private:
    struct Named {
        std::string service;
        std::string playbook;
    };
    boost::asio::awaitable<std::vector<Named>> round(Ask const& ask, std::vector<Named> names);
    std::vector<Named> everything() const;
    /// Why it cannot be run; empty: it can; nothing: there is no telling now.
    boost::asio::awaitable<std::optional<std::string>> look(Ask const& ask, Named named);
    void tell(Named const& named, std::string why);

    Engine const& engine_;
    Decider& decider_;
    Clock const& clock_;
};

}  // namespace rollbackd
