#include "actions/steps/supervisor/child.hpp"

#include <dirent.h>
#include <linux/close_range.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>

namespace rollbackd {

namespace {

/// What a child that cannot exec tells its parent through the report pipe.
struct ExecProblem {
    int code;
    char at;  // 'd': chdir, 'x': exec
};

void reset_signals() {
    struct sigaction standard{};
    standard.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) (void)sigaction(number, &standard, nullptr);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (auto& text : texts) out.push_back(text.data());
    out.push_back(nullptr);
    return out;
}

[[noreturn]] void become(StepSpec spec, int input, int output, int errors, int gate, int report) {
    setsid();
    reset_signals();
    char go = 0;
    if (read(gate, &go, 1) != 1) _exit(127);  // the supervisor is gone: never begun
    umask(022);
    dup2(input, 0);
    dup2(output, 1);
    dup2(errors, 2);
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    ExecProblem problem{0, 'd'};
    if (chdir(spec.cwd.c_str()) == 0) {
        auto arguments = pointers_to(spec.argv);
        auto variables = pointers_to(spec.env);
        environ = variables.data();  // before exec: execvpe looks PATH up in our own environment
        execvpe(arguments[0], arguments.data(), variables.data());
        problem.at = 'x';
    }
    problem.code = errno;
    (void)!write(report, &problem, sizeof problem);
    _exit(127);
}

std::string sentence(StepSpec const& spec, ExecProblem const& problem) {
    auto const subject = problem.at == 'd' ? "folder " + spec.cwd : spec.argv[0];
    return subject + ": " + std::strerror(problem.code);
}

}  // namespace

StartedChild start_child(
    StepSpec const& spec, int input, std::function<void(pid_t)> const& before_exec
) {
    StartedChild child;
    int output[2], errors[2], gate[2], report[2];
    if (input < 0 || pipe2(output, O_CLOEXEC) != 0 || pipe2(errors, O_CLOEXEC) != 0 ||
        pipe2(gate, O_CLOEXEC) != 0 || pipe2(report, O_CLOEXEC) != 0) {
        child.problem = std::string("no input or no pipes: ") + std::strerror(errno);
        return child;
    }
    child.pid = fork();
    if (child.pid == 0) {
        close(gate[1]);
        become(spec, input, output[1], errors[1], gate[0], report[1]);
    }
    int const fork_code = errno;
    for (int const fd : {input, output[1], errors[1], gate[0], report[1]}) close(fd);
    child.output = output[0];
    child.errors = errors[0];
    if (child.pid < 0) {
        child.problem = std::string("cannot fork: ") + std::strerror(fork_code);
        return child;
    }
    before_exec(child.pid);
    (void)!write(gate[1], "g", 1);
    close(gate[1]);
    ExecProblem problem{};
    if (read(report[0], &problem, sizeof problem) == sizeof problem) {
        child.problem = sentence(spec, problem);
        waitpid(child.pid, nullptr, 0);
    }
    close(report[0]);
    for (int const fd : {child.output, child.errors}) fcntl(fd, F_SETFL, O_NONBLOCK);
    return child;
}

void signal_descendants(int signal) {
    // Parent of every process, read from /proc; a process that forks meanwhile is seen next time.
    std::map<pid_t, pid_t> parents;
    auto* const proc = opendir("/proc");
    if (proc == nullptr) return;
    while (auto const* const entry = readdir(proc)) {
        auto const pid = static_cast<pid_t>(std::atoi(entry->d_name));
        if (pid <= 0) continue;
        auto const path = std::string("/proc/") + entry->d_name + "/stat";
        auto const stat = step_files::read_at(AT_FDCWD, path.c_str());
        auto const close_at = stat ? stat->rfind(')') : std::string::npos;
        if (close_at == std::string::npos || stat->size() < close_at + 4) continue;
        parents[pid] = static_cast<pid_t>(std::atoi(stat->c_str() + close_at + 4));
    }
    closedir(proc);
    for (auto const& [pid, parent] : parents) {
        auto ancestor = parent;
        // Bounded by the number of processes: parents never form a ring, but /proc was read while
        // it moved.
        for (std::size_t i = 0; i <= parents.size() && ancestor > 1; ++i) {
            if (ancestor == getpid()) {
                (void)kill(pid, signal);
                break;
            }
            auto const found = parents.find(ancestor);
            ancestor = found == parents.end() ? 0 : found->second;
        }
    }
}

}  // namespace rollbackd
