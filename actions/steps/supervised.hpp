// Processes that outlive the daemon: each has a directory and a supervisor of its own. Asked to run
// one, this starts it, or finds the one that an earlier life of the daemon started, or says that
// nobody can know. The directory's files are described in supervisor/README.md.
#pragma once

#include "actions/steps/launcher.hpp"

#include <map>

namespace rollbackd {

struct SupervisedSpec {
    std::vector<std::string> argv;
    std::string cwd;
    std::map<std::string, std::string> env;  // on top of clean_environment()
    std::optional<std::string> input;        // stdin; none: /dev/null
    Duration timeout = std::chrono::seconds(60);
    Duration grace = std::chrono::seconds(5);
    std::size_t output_max = 64 * 1024;
};

enum class EndKind {
    exited,
    signalled,   // by somebody else's signal
    terminated,  // its supervisor was told to end, but not by us: the machine goes down
    timed_out,
    aborted,      // by abort_supervised()
    not_started,  // known never to have begun
    lost,         // begun, and nobody can say how it ended
    cancelled,    // we stopped waiting; it goes on
};

struct SupervisedEnd {
    EndKind kind = EndKind::lost;
    std::optional<int> exit;
    int signal = 0;
    std::string why;     // for not_started and lost
    std::string output;  // both streams, in order; not redacted yet
    std::string stdout_text;
    bool cut = false;
    Duration limit{};  // the timeout it had

    bool ok() const { return kind == EndKind::exited && exit == 0; }
    /// "exit 3", "no end within 1m: stopped": for people.
    std::string describe() const;
};

/// Makes `directory` and what is missing above it, 0700. Whoever claims makes the names durable
/// with the claim: the directory's own and its job's, in the runner's folder.
Result<void> make_step_directory(std::string const& directory);

/// Runs the process of `directory` (made where missing, 0700) to its end. Started at most once per
/// directory, whatever is killed when.
boost::asio::awaitable<SupervisedEnd> run_supervised(
    Launcher& launcher, std::string directory, SupervisedSpec spec
);

/// Asks whatever runs in `directory`, or will, to end. Also works without a live supervisor.
void abort_supervised(std::string const& directory);

/// For what this process does itself (an HTTP request): claims the directory durably and answers
/// nullopt, or what an earlier claim came to. Only the claimer calls end_inline().
boost::asio::awaitable<std::optional<SupervisedEnd>> begin_inline(
    Launcher& launcher, std::string directory
);
/// `stopping`: at once, though it holds the loop: nobody will wait for it any more.
boost::asio::awaitable<Result<void>> end_inline(
    Launcher& launcher, std::string directory, SupervisedEnd end, bool stopping
);

}  // namespace rollbackd
