// The only place that starts programs: argv lists, never a shell. A child gets a clean environment,
// an empty signal mask, default dispositions, no descriptor of ours, and its own process group or
// session, which is what timeouts and cancellation end as a whole. The program ignores SIGPIPE
// (main).
#pragma once

#include "core/error.hpp"
#include "core/time.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rollbackd {

struct ProcessSpec {
    std::vector<std::string> argv;           // [0]: a path, or a name looked up in child_path
    std::string cwd;                         // empty: /
    std::map<std::string, std::string> env;  // on top of clean_environment()
    std::string input;                       // stdin; empty: /dev/null
    Duration timeout = std::chrono::seconds(60);
    Duration grace = std::chrono::seconds(5);  // between SIGTERM and SIGKILL
    std::size_t output_max = 64 * 1024;        // tail kept of each stream
    bool keep_head = false;     // of stdout the first output_max bytes; more ends in a closed pipe
    bool merge_errors = false;  // stderr into output, in the order written
    bool new_session = false;   // setsid instead of only a process group
};

struct ProcessResult {
    std::optional<int> exit;  // none: ended by `signal`
    int signal = 0;
    bool timed_out = false;
    /// A process that took no SIGKILL: it hangs in the kernel, or runs as somebody we may not end.
    /// Below 0: it hangs before it even runs.
    int stray = 0;
    std::string output;       // tail of stdout
    std::string errors;       // tail of stderr
    bool output_cut = false;  // more was written than output_max
    bool errors_cut = false;
    Duration took{};

    bool ok() const { return exit == 0; }
    /// "exit 3", "ended by signal 9", "no end within 2s: stopped": for people.
    std::string describe() const;
    Duration limit{};  // the spec's timeout, for describe()
};

inline constexpr char const* child_path =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a child may inherit: child_path, LANG, HOME, USER, TZ and the like, and `extra` on top.
/// Everything else, secrets and NOTIFY_SOCKET first, stays behind. Entries are "NAME=value".
std::vector<std::string> clean_environment(std::map<std::string, std::string> const& extra);

/// Runs a program to its end. An Error means it was never started (not_found, io), or that the
/// waiting coroutine was cancelled: then its group has been ended and reaped. Who cannot be ended
/// is waited for no longer than kill_wait and left behind as a stray. A program or a folder on a
/// mount that hangs holds nothing else up.
boost::asio::awaitable<Result<ProcessResult>> run_process(ProcessSpec spec);

inline constexpr Duration kill_wait = std::chrono::seconds(1);

/// Whether a stray of this thread still lives; ends that came late are taken note of.
bool is_stray(int pid);

/// A program that is started and not waited for at once: a supervisor, a server in a test.
/// Destroying it does not end the program; wait() or forget it.
class Child {
public:
    /// Output goes to /dev/null. timeout, grace and output_max are not used.
    static Result<Child> start(boost::asio::any_io_executor executor, ProcessSpec const& spec);
    Child(Child&&) noexcept;
    Child& operator=(Child&&) noexcept;
    ~Child();

    int pid() const;
    /// Its end, or Errc::timeout / cancelled while it goes on running.
    boost::asio::awaitable<Result<ProcessResult>> wait(Duration limit);
    void signal_group(int signal) const;

private:
    struct State;
    explicit Child(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

/// Waits until process `pid`, which need not be a child of ours, is gone. Errc::timeout, cancelled.
boost::asio::awaitable<Result<bool>> wait_for_exit(int pid, Duration limit);

}  // namespace rollbackd
