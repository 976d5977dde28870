// The composition root: builds the rooms, runs the loop, stops them in order. Implements what the
// API needs from the daemon.
#pragma once

#include "core/io/clock.hpp"
#include "engine/policy.hpp"

#include <memory>
#include <string>

namespace rollbackd {

struct AppOptions {
    std::string config_path;
};

/// Runs the daemon until SIGTERM or SIGINT; returns the process's exit status. Errors of the start
/// (configuration, store, addresses) go to stderr, one line each, and nothing is left behind.
int run_daemon(AppOptions const& options);

/// --check: every problem on stderr; 0 with warnings only, else 1.
int check_configuration(std::string const& path);
/// --selftest: configuration, store, supervisor, clocks; one line each; 0 when all are well.
int self_test(std::string const& path);

}  // namespace rollbackd
