#include "tests/actions/steps/support/hands.hpp"

#include "core/io/clock.hpp"
#include "core/io/http_client.hpp"
#include "core/io/secrets.hpp"
#include "core/io/stream.hpp"
#include "core/io/task_group.hpp"
#include "tests/catch.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>

namespace rollbackd::test {

namespace asio = boost::asio;

namespace {

constexpr auto slice = std::chrono::milliseconds(5);
constexpr int slices_max = 6000;

template <class T>
asio::awaitable<void> store(asio::awaitable<T> task, std::optional<T>& into) {
    into.emplace(co_await std::move(task));
}

void turn(asio::io_context& loop) {
    loop.restart();
    loop.run_for(slice);
}

template <class T>
T complete(asio::io_context& loop, asio::awaitable<T> task) {
    std::optional<T> result;
    std::exception_ptr thrown;
    // A slice may end between the result and the handler, which refers to what stands here.
    bool over = false;
    asio::co_spawn(loop, store(std::move(task), result), [&](std::exception_ptr problem) {
        thrown = problem;
        over = true;
    });
    for (int i = 0; i < slices_max && !over; ++i) turn(loop);
    REQUIRE(over);
    if (thrown) std::rethrow_exception(thrown);
    return std::move(*result);
}

Step with_defaults(Step made) {
    made.timeout = std::chrono::seconds(20);
    return made;
}

}  // namespace

struct Hands::Life {
    explicit Life(std::string run_dir, std::vector<HostPolicy> hosts, Duration stop_patience)
        : dialer(loop.get_executor()), http(dialer), begun(loop.get_executor()) {
        RunnerOptions options;
        options.run_dir = std::move(run_dir);
        options.supervisor = supervisor_path();
        options.hosts = std::move(hosts);
        options.stop_patience = stop_patience;
        auto made = create_step_runner({loop.get_executor(), http, secrets, clock}, options);
        if (!made) throw std::runtime_error(to_string(made.error()));
        runner = std::move(*made);
    }

    asio::io_context loop;
    RealClock clock;
    Secrets secrets;
    Dialer dialer;
    HttpClient http;
    std::unique_ptr<StepRunner> runner;
    std::optional<StepOutcome> outcome;
    TaskGroup begun;
};

Hands::Hands(std::string run_dir, std::vector<HostPolicy> hosts, Duration stop_patience)
    : life_(std::make_unique<Life>(std::move(run_dir), std::move(hosts), stop_patience)) {}
Hands::~Hands() = default;

StepRunner& Hands::runner() { return *life_->runner; }

StepOutcome Hands::run(Step made, std::string run, std::uint32_t n, Duration spent) {
    StepRequest request{std::move(run), n, 0, std::move(made), spent};
    return complete(life_->loop, life_->runner->run(std::move(request)));
}

StepOutcome Hands::settle(Step made) {
    return complete(life_->loop, life_->runner->settle("r1", 1, std::move(made)));
}

CheckResult Hands::check(CheckRequest request) {
    return complete(life_->loop, life_->runner->check(std::move(request)));
}

std::optional<std::string> Hands::preflight(Step made) {
    auto const found = look(std::move(made));
    if (!found || found->unanswered) return std::nullopt;
    return found->text;
}

std::optional<Objection> Hands::look(Step made) {
    return complete(life_->loop, life_->runner->preflight(std::move(made))).objection;
}

void Hands::begin(Step made, std::string run, std::uint32_t n) {
    StepRequest request{std::move(run), n, 0, std::move(made)};
    life_->outcome.reset();
    auto task = life_->runner->run(std::move(request));
    life_->begun.spawn("step", store(std::move(task), life_->outcome));
}

void Hands::stop() { life_->begun.cancel(); }

void Hands::loop_until(std::function<bool()> holds) {
    for (int i = 0; i < 2000 && !holds(); ++i) turn(life_->loop);
    REQUIRE(holds());
}

StepOutcome Hands::finish() {
    loop_until([&] { return life_->outcome.has_value(); });
    return *life_->outcome;
}

bool Hands::is_finished() const { return life_->outcome.has_value(); }

SupervisedEnd supervise(std::string directory, SupervisedSpec spec) {
    asio::io_context loop;
    Launcher launcher(loop.get_executor(), supervisor_path(), false);
    return complete(loop, run_supervised(launcher, std::move(directory), std::move(spec)));
}

SupervisedSpec shell(std::string const& line) {
    SupervisedSpec spec;
    spec.argv = {"/bin/sh", "-c", line};
    spec.timeout = std::chrono::seconds(20);
    spec.grace = std::chrono::milliseconds(300);
    return spec;
}

Step step(std::string type, JsonObject params) {
    Step made;
    made.type = std::move(type);
    made.params = std::move(params);
    return with_defaults(std::move(made));
}

Step exec(std::vector<std::string> const& argv) {
    return step("exec", JsonObject{{"argv", to_json(argv)}});
}

Step shell_step(std::string const& line) { return exec({"/bin/sh", "-c", line}); }

std::string supervisor_path() { return std::string(ROLLBACKD_BIN_DIR) + "/rollbackd-step"; }

}  // namespace rollbackd::test
