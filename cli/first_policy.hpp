// The policy `init` writes: small, commented, in observe mode, and free of errors. Pure; what was
// found on the machine comes in as Findings.
#pragma once

#include <string>

namespace rollbackd::cli {

struct Findings {
    std::string service = "app";
    std::string repo;        // git work tree; empty: none found
    std::string unit;        // systemd unit that runs from it; empty: none found
    std::string access_log;  // nginx's; empty: none found
};

std::string first_policy(Findings const& found);

/// Letters, digits, '_' and '-' of a directory's name; "app" where nothing is left.
std::string service_name_from(std::string const& directory);

}  // namespace rollbackd::cli
