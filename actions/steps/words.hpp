// Small things several step types say alike.
#pragma once

#include "actions/steps/job.hpp"

namespace rollbackd {

/// argv as a person would type it, quoted only where it must be.
std::string command_line(std::vector<std::string> const& argv);

/// A shell function that puts what it is given behind `argv`; with none it does nothing.
std::string shell_function(std::string const& name, std::vector<std::string> const& argv);

/// The lines of what a program has printed, without empty ones.
std::vector<std::string> lines_in(std::string_view printed);

/// What a preflight's end says against the step; nullopt: nothing. A question that found no time
/// or whose process was killed, as on a machine that is going down under load, must not keep the
/// rollback from being tried.
std::optional<std::string> objection(StepJob const& job, SupervisedEnd const& end);

/// What a settling script's end means: exit 0 done, 1 not done, anything else unknown.
StepOutcome settled(SupervisedEnd const& end);

}  // namespace rollbackd
