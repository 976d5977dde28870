// A policy's playbooks as a runbook for people: what would be done, by hand if it must be. Pure.
#pragma once

#include "engine/policy.hpp"

namespace rollbackd::cli {

std::string runbook_markdown(Policy const& policy);

}  // namespace rollbackd::cli
