// The hands: carries steps and checks out, on this machine or over ssh, and says how they ended.
// The daemon calls it with the engine's Commands, after their records are durable.
// A step's processes live under supervisors of their own (supervisor/README.md): they outlive the
// daemon, and run() of a step that was started before finds it again instead of starting it twice.
#pragma once

#include "actions/host.hpp"
#include "actions/outcome.hpp"
#include "actions/playbook.hpp"
#include "actions/preflight.hpp"
#include "actions/steps/step_folder.hpp"
#include "core/descriptor.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <set>

namespace rollbackd {

class Clock;
class HttpClient;
class Secrets;

/// One attempt at one step of a run: what StartStep and AdoptStep carry.
struct StepRequest {
    std::string run;
    std::uint32_t n = 0;
    std::uint32_t attempt = 0;
    Step step;         // rendered; "${NAME}" is filled in here, from the daemon's environment
    Duration spent{};  // in an earlier life of the daemon, since it began
};

/// A `run:` entry of verify or success.
struct CheckRequest {
    std::string run;
    std::vector<std::string> argv;
    std::string from;  // host; empty: here
    Duration limit{};
};

struct CheckResult {
    bool passed = false;
    std::string text;
};

struct RunnerOptions {
    std::string run_dir;  // claims, exits and outputs; created 0700 where missing
    /// Opened already; run_dir is not looked at then.
    std::shared_ptr<StepFolder const> folder = nullptr;
    std::string supervisor;  // path of rollbackd-step; empty: found beside this program
    std::vector<HostPolicy> hosts;
    /// false: never through systemd, even where the daemon is a unit.
    bool use_systemd = true;
    /// How long an `http` step may still wait for its answer once the daemon is told to stop.
    Duration stop_patience = std::chrono::seconds(5);
};

class StepRunner {
public:
    virtual ~StepRunner() = default;

    /// Starts the step, or finds the one this request started before (also in an earlier life of
    /// the daemon: a missing claim means never started, so it is started), and answers when it has
    /// ended. Being cancelled leaves the step running, and
    /// what it answers then means nothing.
    virtual boost::asio::awaitable<StepOutcome> run(StepRequest request) = 0;
    /// Did it take effect? By the step's check, else its type's own way. done, failed (not done,
    /// so starting it again is safe) or unknown.
    virtual boost::asio::awaitable<StepOutcome> settle(
        std::string run, std::uint32_t n, Step step
    ) = 0;
    /// Ends every process of the step; its run() then answers `aborted`. Also between two of them,
    /// and for steps adopted from an earlier life.
    virtual void abort(std::string const& run, std::uint32_t n) = 0;
    virtual boost::asio::awaitable<CheckResult> check(CheckRequest request) = 0;

    /// Why this step could not work if it began now, if anything is known against it. Changes
    /// nothing. Bounded by 2 s.
    virtual boost::asio::awaitable<Look> preflight(Step step) = 0;
    /// What it would do, in one or two sentences, secrets left out.
    virtual std::string dry_run(Step const& step) const = 0;

    /// How processes are started here, and what cannot work; asked once at start-up.
    virtual boost::asio::awaitable<std::string> where_steps_run() = 0;
    /// What a step that runs has written so far: its newest whole lines, secrets left out. Empty:
    /// nothing yet.
    virtual std::string output(std::string const& run, std::uint32_t n) const = 0;
    /// After a reload. Steps under way keep the host they were started with.
    virtual void set_hosts(std::vector<HostPolicy> hosts) = 0;
    /// The step's outcome is known and durable: removes its claims and outputs, which are as the
    /// programs wrote them, secrets included.
    virtual void forget_step(std::string const& run, std::uint32_t n) = 0;
    /// The run has ended and its outcomes are durable: removes what is left of it.
    virtual void forget(std::string const& run) = 0;
    /// At start: removes what is left of all runs but these.
    virtual void forget_all_but(std::set<std::string> const& runs) = 0;
};

/// What the runner works with; all of it outlives the runner. `secrets` fills "${NAME}" in and
/// takes every secret out of outcomes again.
struct RunnerParts {
    boost::asio::any_io_executor executor;
    HttpClient& http;
    Secrets& secrets;
    Clock const& clock;
};

/// Makes `run_dir` where missing; an Error where it cannot be used or the supervisor is not found.
Result<std::unique_ptr<StepRunner>> create_step_runner(RunnerParts parts, RunnerOptions options);

}  // namespace rollbackd
