// One step on its way: its parameters with secrets filled in, the machine it runs on, and the ways
// it may act. A step type's body is written as a plain sequence of these calls and is simply run
// again after a restart: process() then finds what was started before.
#pragma once

#include "actions/host.hpp"
#include "actions/outcome.hpp"
#include "actions/playbook.hpp"
#include "actions/steps/supervised.hpp"

#include <functional>

namespace rollbackd {

class Clock;
class HttpClient;
class Secrets;

/// What every job works with; outlives it.
struct JobParts {
    boost::asio::any_io_executor executor;
    Launcher& launcher;
    HttpClient& http;
    Secrets& secrets;
    Clock const& clock;
    /// What this process does itself is given so long to end at a stop of the daemon.
    Duration stop_patience;
    /// All of `hosts`: for what must be looked at from another machine than the step's.
    std::vector<HostPolicy> hosts{};
};

struct Command {
    std::vector<std::string> argv;
    std::string cwd;
    std::map<std::string, std::string> env;
    std::optional<std::string> input;
    std::size_t output_max = 64 * 1024;
    std::optional<Duration> limit;  // besides what is left of the step's own timeout
};

/// A script of ours as argv: its values are positional parameters, never part of the text.
std::vector<std::string> script_argv(
    std::string const& name, char const* script, std::vector<std::string> const& values
);

/// Parts of a script one after the other.
std::string one_text(
    std::string_view first, std::string_view second, std::string_view third = {},
    std::string_view fourth = {}
);

/// Exit status by which our scripts say that nobody knows whether they took effect.
inline constexpr int unknown_exit = 75;

class StepJob {
public:
    /// An Error where a secret is missing: then nothing was done. `directory` is the job's own.
    static Result<StepJob> create(
        JobParts const& parts, Step step, std::optional<HostPolicy> host, std::string directory
    );

    Step const& step() const { return step_; }
    bool is_remote() const { return host_.has_value(); }
    JobParts const& parts() const { return parts_; }
    std::string const& directory() const { return directory_; }
    /// "RUN_3_1": the same in every life and attempt of this step of this run, and fit for a name.
    std::string id() const;
    /// What is left of the step's timeout, at least a moment.
    Duration left() const;
    /// Nothing is left of it, in all lives together: of one that waits for others.
    bool is_late() const;
    /// It began so long ago, in an earlier life. What a restart interrupted is given its time anew
    /// (left()); what only waits is not.
    void was_begun_before(Duration ago) { late_at_ -= ago; }
    bool is_aborted() const;
    /// process(name) was started, now or in an earlier life.
    bool has_begun(std::string const& name) const;
    /// What abort is to call while this process itself is at work; empty: nothing any more.
    void on_abort(std::function<void()> stop) { stop_ = std::move(stop); }
    void abort() {
        aborted_ = true;
        if (stop_) stop_();
    }

    /// Of the backup it restores, or would: by its name.
    void note_backup(std::optional<BackupTime> time) { as_of_ = time; }
    std::optional<BackupTime> const& as_of() const { return as_of_; }

    std::string text(std::string_view key) const;
    bool has(std::string_view key) const;
    std::vector<std::string> list(std::string_view key) const;
    std::map<std::string, std::string> map(std::string_view key) const;
    /// Variables a `shell:` line refers to and the daemon's environment has.
    std::map<std::string, std::string> const& shell_env() const { return shell_env_; }

    /// Started at most once for each `name` of this step; its end is remembered with the step.
    boost::asio::awaitable<SupervisedEnd> process(std::string name, Command command);
    /// A question: changes nothing, may be asked again, leaves nothing behind.
    boost::asio::awaitable<SupervisedEnd> ask(Command command);
    /// When settling: how process(name) of the newest attempt ended, or that it never began;
    /// nullopt: nothing is known of any attempt.
    boost::asio::awaitable<std::optional<SupervisedEnd>> recall(std::string name);
    /// The same on a machine of `hosts`, whatever the step's own is; empty: on this one.
    boost::asio::awaitable<SupervisedEnd> ask_from(std::string host, Command command);

    /// What `end` means for the step (A5.1); docs in README.md.
    StepOutcome outcome(SupervisedEnd const& end) const;
    /// For people: secrets removed, at most `bytes_max` from the end, printable.
    std::string shown(std::string_view text, std::size_t bytes_max) const;

    static constexpr std::size_t text_bytes_max = 4 * 1024;

private:
    StepJob(
        JobParts const& parts, Step step, std::optional<HostPolicy> host, std::string directory
    );
    SupervisedSpec spec(std::optional<HostPolicy> const& host, Command command) const;
    boost::asio::awaitable<SupervisedEnd> ask(SupervisedSpec spec);
    Result<Json> filled_in(Json const& value);
    void note_shell_variables(std::string_view line);

    JobParts parts_;
    Step step_;
    std::optional<HostPolicy> host_;
    std::string directory_;
    Instant deadline_{};
    Instant late_at_{};
    std::map<std::string, std::string> shell_env_;
    unsigned asked_ = 0;
    std::optional<BackupTime> as_of_;
    bool aborted_ = false;  // in this life; the mark in the directory outlives it
    std::function<void()> stop_;
};

StepOutcome outcome_of(OutcomeKind kind, std::string text);

}  // namespace rollbackd
