// Carries the engine's commands out, each in a task of its own, and brings the outcome back as an
// event. No `if` of its own beyond the switch.
#pragma once

#include "daemon/asker.hpp"

namespace rollbackd {

class Hands {
public:
    Hands(
        boost::asio::any_io_executor executor, Decider& decider, StepRunner& runner, Asker& asker,
        Clock const& clock, TaskGroup::Report report
    );

    void carry_out(Command command);
    /// Steps under way are left to their supervisors; the next start finds them.
    boost::asio::awaitable<void> stop();
    std::size_t under_way() const { return steps_; }

private:
    boost::asio::awaitable<void> ask(AskFresh command);
    boost::asio::awaitable<void> step(StepRequest request);
    boost::asio::awaitable<void> settle(SettleStep command);
    boost::asio::awaitable<void> check(RunCheck command);

    Decider& decider_;
    StepRunner& runner_;
    Asker& asker_;
    Clock const& clock_;
    TaskGroup group_;
    std::size_t steps_ = 0;
};

}  // namespace rollbackd
