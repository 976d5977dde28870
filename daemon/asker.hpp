// Asks the world afresh for a judgement: references, the probes of dependencies, the schema, and
// whether a plan could be carried out; all at once, and within two seconds. No answer = failing.
#pragma once

#include "actions/steps/runner.hpp"
#include "core/io/task_group.hpp"
#include "daemon/decider.hpp"
#include "daemon/plan_look.hpp"
#include "triggers/probes/registry.hpp"

namespace rollbackd {

class Asker {
public:
    Asker(
        boost::asio::any_io_executor executor, ProbeContext context, Engine const& engine,
        Decider& decider, StepRunner& runner, TaskGroup::Report report
    );

    boost::asio::awaitable<Answer> ask(AskFresh question);
    /// What the service's release consists of now.
    boost::asio::awaitable<ReleaseFacts> facts(std::string service);
    /// Whether any reference answers; true where there is none to ask.
    boost::asio::awaitable<bool> sees(std::string service);

    static constexpr Duration limit = std::chrono::seconds(2);

private:
    struct Round;
    boost::asio::awaitable<void> ask_reference(
        std::shared_ptr<Round> round, SignalPolicy reference
    );
    boost::asio::awaitable<void> ask_dependency(
        std::shared_ptr<Round> round, std::string service, SignalPolicy signal
    );
    boost::asio::awaitable<void> ask_schema(std::shared_ptr<Round> round, ReleasePolicy release);
    boost::asio::awaitable<void> ask_step(
        std::shared_ptr<Round> round, PlanLook& plan, std::size_t place, Step step
    );
    std::vector<SignalPolicy> references_of(std::string const& service) const;

    boost::asio::any_io_executor executor_;
    ProbeContext context_;
    Engine const& engine_;
    Decider& decider_;
    StepRunner& runner_;
    TaskGroup::Report report_;
};

}  // namespace rollbackd
