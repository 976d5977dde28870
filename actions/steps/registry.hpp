// Every step type by name: what configuration reads, and what the runner looks up.
#pragma once

#include "core/descriptor.hpp"

namespace rollbackd {

struct StepType;

/// For Catalogue::steps, in the order of the reference documentation.
std::vector<TypeInfo> step_catalogue();
/// For Catalogue::later_steps: names of DESIGN and RUNBOOKS this version does not have yet.
std::vector<std::string> later_step_types();
/// nullptr: no such type.
StepType const* find_step_type(std::string_view name);

}  // namespace rollbackd
