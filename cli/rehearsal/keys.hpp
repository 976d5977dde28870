// The keys of a file of tests, one table a place, as config/keys.hpp has those of a policy.
#pragma once

#include "config/yaml_cursor.hpp"

namespace rollbackd::cli::keys {

Section const& file();
Section const& test();
Section const& series();
Section const& event();
Section const& trigger_expectation();
Section const& incident_expectation();
Section const& version_expectation();
Section const& incident();
Section const& run();
Section const& refusal();

/// Keys of an event that say what happens; each has exactly one.
std::vector<std::string> const& event_kinds();

std::vector<Section const*> all();

}  // namespace rollbackd::cli::keys
