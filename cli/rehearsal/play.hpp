// One test of a policy, played: the story happens on a stage, and each expectation is held against
// what has come of it at its moment.
#pragma once

#include "cli/rehearsal/policy_test.hpp"
#include "engine/records.hpp"

namespace rollbackd::cli {

struct Failure {
    int line = 0;
    Duration at{};
    std::string what;  // "verdict of shop/down"
    std::string expected;
    std::string came;
};

struct Played {
    std::vector<Failure> failures;
    /// What happened, a line each: "+5m12s incident.opened …".
    std::vector<std::string> story;
};

Played play(PolicyTest const& test, std::shared_ptr<Policy const> policy);

}  // namespace rollbackd::cli
