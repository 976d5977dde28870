// Starting the step's process and ending everything that came of it.
#pragma once

#include "actions/steps/supervisor/step_dir.hpp"

#include <functional>

namespace rollbackd {

struct StartedChild {
    pid_t pid = -1;
    int output = -1;  // read ends, non-blocking
    int errors = -1;
    std::string problem;  // why it was not started; empty: it runs
};

/// In a session of its own. `before_exec` is called with the pid while the child is still held
/// back, so that what it writes down is there before the program's first instruction.
StartedChild start_child(
    StepSpec const& spec, int input, std::function<void(pid_t)> const& before_exec
);

/// Sends `signal` to every descendant of this process, also those that left their group, session
/// or parent: it is their subreaper.
void signal_descendants(int signal);

}  // namespace rollbackd
