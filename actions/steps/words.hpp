// Small things several step types say alike.
#pragma once

#include "actions/steps/job.hpp"

namespace rollbackd {

/// argv as a person would type it, quoted only where it must be.
std::string command_line(std::vector<std::string> const& argv);

/// What a settling script's end means: exit 0 done, 1 not done, anything else unknown.
StepOutcome settled(SupervisedEnd const& end);

}  // namespace rollbackd
