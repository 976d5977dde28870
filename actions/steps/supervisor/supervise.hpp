// Watches one step to its end: drains its output, keeps its time, hears the abort.
#pragma once

#include "actions/steps/supervisor/step_dir.hpp"

namespace rollbackd {

/// Runs the claimed step. Returns the exit record to write; see README.md for its keys.
/// `signals` is a signalfd of SIGTERM and SIGCHLD, `watcher` an inotify descriptor or -1.
step_files::Pairs supervise(StepDir const& dir, StepSpec const& spec, int signals, int watcher);

}  // namespace rollbackd
