// A random policy, and what its conditions mean in plain terms: the model judges by these terms,
// the engine by the text.
#pragma once

#include "core/record.hpp"
#include "engine/policy.hpp"
#include "tests/simulation/random.hpp"

namespace rollbackd::simulation {

/// One comparison over one signal.
struct Meaning {
    enum class Kind { streak, ratio, count, failed, absent };
    Kind kind = Kind::streak;
    std::string signal;
    double limit = 0;   // streak, count: at least; ratio: more than
    Duration window{};  // ratio, count, absent
    std::uint64_t min_count = 1;
};

/// Any of them is enough.
using Meanings = std::vector<Meaning>;

struct Scenario {
    std::shared_ptr<Policy const> policy;
    std::map<std::string, Meanings> meanings;  // by the condition's text
    std::vector<std::string> untrusted;        // services with a signal anybody may push to
};

Scenario make_scenario(Random& random);
/// The same services, some of their rules changed: what a reload may bring.
void change_policy(Scenario& scenario, Random& random);

}  // namespace rollbackd::simulation
