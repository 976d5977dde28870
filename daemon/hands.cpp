#include "daemon/hands.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

/// Of a step to start, and of one to find again: the runner does what is left to do.
template <class Command>
StepRequest request_of(Command& command) {
    StepRequest request;
    request.run = std::move(command.run);
    request.n = command.n;
    request.attempt = command.attempt;
    request.step = std::move(command.step);
    if constexpr (requires { command.spent; }) request.spent = command.spent;
    return request;
}

}  // namespace

Hands::Hands(
    asio::any_io_executor executor, Decider& decider, StepRunner& runner, Asker& asker,
    Clock const& clock, TaskGroup::Report report
)
    : decider_(decider),
      runner_(runner),
      asker_(asker),
      clock_(clock),
      group_(executor, std::move(report)) {}

void Hands::carry_out(Command command) {
    struct Visitor {
        Hands& hands;
        void operator()(AskFresh& c) { hands.group_.spawn("ask", hands.ask(std::move(c))); }
        void operator()(StartStep& c) { hands.group_.spawn("step", hands.step(request_of(c))); }
        void operator()(AdoptStep& c) { hands.group_.spawn("step", hands.step(request_of(c))); }
        void operator()(SettleStep& c) { hands.group_.spawn("settle", hands.settle(std::move(c))); }
        void operator()(AbortStep& c) { hands.runner_.abort(c.run, c.n); }
        void operator()(RunCheck& c) { hands.group_.spawn("check", hands.check(std::move(c))); }
    };
    std::visit(Visitor{*this}, command);
}

asio::awaitable<void> Hands::ask(AskFresh command) {
    Answered event;
    event.incident = command.incident;
    event.ask = command.ask;
    event.answer = co_await asker_.ask(std::move(command));
    if (co_await is_cancelled()) co_return;
    decider_.post(std::move(event));
}

asio::awaitable<void> Hands::step(StepRequest request) {
    if (!co_await decider_.may_act()) co_return;
    ++steps_;
    StepEnded event;
    event.run = request.run;
    event.n = request.n;
    event.attempt = request.attempt;
    event.outcome = co_await runner_.run(std::move(request));
    --steps_;
    if (co_await is_cancelled()) co_return;
    decider_.post(std::move(event));
}

asio::awaitable<void> Hands::settle(SettleStep command) {
    for (auto now = clock_.now().boot; now < command.not_before; now = clock_.now().boot) {
        if (!co_await sleep_for(command.not_before - now)) co_return;
    }
    StepSettled event;
    event.run = command.run;
    event.n = command.n;
    event.outcome = co_await runner_.settle(command.run, command.n, std::move(command.step));
    if (co_await is_cancelled()) co_return;
    decider_.post(std::move(event));
}

asio::awaitable<void> Hands::check(RunCheck command) {
    CheckEnded event;
    event.run = command.run;
    event.n = command.n;
    event.success_list = command.success_list;
    CheckRequest request;
    request.run = command.run;
    request.argv = std::move(command.argv);
    request.from = std::move(command.from);
    request.limit = command.limit;
    auto result = co_await runner_.check(std::move(request));
    if (co_await is_cancelled()) co_return;
    event.passed = result.passed;
    event.text = std::move(result.text);
    decider_.post(std::move(event));
}

asio::awaitable<void> Hands::stop() {
    group_.cancel();
    co_await group_.join();
}

}  // namespace rollbackd
