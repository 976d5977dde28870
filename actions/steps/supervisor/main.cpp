// rollbackd-step DIRECTORY: supervises one step of a run, so that the step's life does not hang on
// the daemon's. Exit status: 0 the step's end is written down, whatever it was; 2 usage or no
// whole spec; 3 the step is already claimed; 4 nothing could be written.
#include "actions/steps/supervisor/supervise.hpp"

#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdio>

namespace rollbackd {

namespace {

/// SIGTERM means abort; everything else that might end us by accident is ignored.
int listen_to_signals() {
    for (int const ignored : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2}) {
        (void)signal(ignored, SIG_IGN);
    }
    sigset_t heard;
    sigemptyset(&heard);
    sigaddset(&heard, SIGTERM);
    sigaddset(&heard, SIGCHLD);
    sigprocmask(SIG_BLOCK, &heard, nullptr);
    return signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
}

int complain(char const* directory, char const* what, int status) {
    std::fprintf(stderr, "rollbackd-step: %s: %s\n", directory, what);
    return status;
}

}  // namespace

int supervise_directory(char const* path) {
    (void)setsid();  // fails where we already lead a session, which is as good
    (void)umask(077);
    int const signals = listen_to_signals();
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    StepDir const dir(path);
    if (!dir.is_open()) return complain(path, "cannot be opened", 2);
    auto const spec = dir.read_spec();
    if (dir.is_claimed()) return complain(path, "already claimed", 3);
    if (!spec) return complain(path, "no whole spec", 2);
    auto const claim = dir.claim(*spec);
    if (claim == Claim::taken) return complain(path, "already claimed", 3);
    if (claim == Claim::failed) return complain(path, "the claim cannot be written", 4);
    // Before the first look for an abort: one that comes in between is seen by both.
    int const watcher = dir.watch(path);
    step_files::Pairs record{{"end", "not_started"}, {"why", "the claim cannot be made durable"}};
    if (claim == Claim::ours) record = supervise(dir, *spec, signals, watcher);
    dir.remove_spec();
    if (!dir.write_exit(record)) return complain(path, "the end cannot be written", 4);
    return 0;
}

}  // namespace rollbackd

int main(int argc, char** argv) {
    if (argc != 2) return rollbackd::complain("usage", "rollbackd-step DIRECTORY", 2);
    return rollbackd::supervise_directory(argv[1]);
}
