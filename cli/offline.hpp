// A policy from its file, for commands that need no daemon.
#pragma once

#include "cli/outcome.hpp"
#include "engine/policy.hpp"

namespace rollbackd::cli {

/// The policy, or the first of its errors as the one line.
Outcome<std::shared_ptr<Policy const>> load_for_use(std::string const& path);

}  // namespace rollbackd::cli
