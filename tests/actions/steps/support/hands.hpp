// The runner on a loop of its own, without coroutines in the tests.
#pragma once

#include "actions/steps/runner.hpp"
#include "actions/steps/supervised.hpp"
#include "tests/actions/steps/support/temp_dir.hpp"

namespace rollbackd::test {

class Hands {
public:
    /// `run_dir` outlives it, and another Hands on the same folder is the daemon's next life.
    explicit Hands(
        std::string run_dir, std::vector<HostPolicy> hosts = {},
        Duration stop_patience = std::chrono::seconds(5)
    );
    ~Hands();

    StepOutcome run(
        Step step, std::string run = "r1", std::uint32_t n = 1, Duration spent = Duration::zero()
    );
    StepOutcome settle(Step step);
    CheckResult check(CheckRequest request);
    /// What speaks against it; nothing where that could not be found out.
    std::optional<std::string> preflight(Step step);
    std::optional<Objection> look(Step step);
    StepRunner& runner();

    /// Starts the step and goes on; `finish()` waits for its outcome.
    void begin(Step step, std::string run = "r1", std::uint32_t n = 1);
    /// Lets the loop run until `holds`; fails the test after ten seconds.
    void loop_until(std::function<bool()> holds);
    StepOutcome finish();
    bool is_finished() const;
    /// Cancels what begin() started, as a stop of the daemon does.
    void stop();

private:
    struct Life;
    std::unique_ptr<Life> life_;
};

/// One supervised process, by itself.
SupervisedEnd supervise(std::string directory, SupervisedSpec spec);
SupervisedSpec shell(std::string const& line);

Step exec(std::vector<std::string> const& argv);
Step shell_step(std::string const& line);
Step step(std::string type, JsonObject params);
std::string supervisor_path();

}  // namespace rollbackd::test
