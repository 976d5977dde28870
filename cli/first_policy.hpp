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
    std::string compose;     // folder with a compose file; empty: none found
    std::string pm2_app;     // of the ecosystem file; empty: none found
    std::string postgres;    // its systemd unit; empty: none found
};

std::string first_policy(Findings const& found);

/// What needs root on this machine, as rules for an administrator to install; empty: nothing does.
std::string root_rules(Findings const& found);

/// Letters, digits, '_' and '-' of a directory's name; "app" where nothing is left.
std::string service_name_from(std::string const& directory);

}  // namespace rollbackd::cli
