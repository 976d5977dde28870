// A random policy, and what its conditions mean in plain terms: the model judges by these terms,
// the engine by the text.
#pragma once

#include "core/record.hpp"
#include "engine/policy.hpp"
#include "tests/simulation/random.hpp"

namespace rollbackd::simulation {

/// One comparison over one signal.
struct Meaning {
    // clang-format off
    enum class Kind {
        streak, ratio, count, failed, absent, stale,
        value, days, max, min, avg, delta, changed, version
    };
    // clang-format on
    Kind kind = Kind::streak;
    std::string signal;
    double limit = 0;       // streak, count: at least; days: less than; others: more than
    Duration window{};      // ratio, count, absent, max to changed
    std::string text = {};  // version
    std::uint64_t min_count = 1;

    /// Of a number or a text, which is neither good nor bad in itself.
    bool measures() const { return kind >= Kind::value; }
    /// True by silence alone.
    bool is_quiet() const { return kind == Kind::absent || kind == Kind::stale; }
};

/// Any of them is enough.
using Meanings = std::vector<Meaning>;

struct Scenario {
    std::shared_ptr<Policy const> policy;
    std::map<std::string, Meanings> meanings;  // by the condition's text
    std::vector<std::string> untrusted;        // services with a signal anybody may push to
};

/// Beside health and requests, of which every service has one.
inline constexpr char const* gauge_signal = "load";  // asked
inline constexpr char const* days_signal = "cert";   // pushed
inline constexpr char const* mode_signal = "mode";   // a text that is pushed
inline constexpr char const* release_signal = "running";
inline constexpr char const* alerts_signal = "rules";
inline constexpr char const* beat_signal = "beat";

/// `further`: the share of stories with signals of further kinds.
Scenario make_scenario(Random& random, double further);
/// Signals of these kinds, and triggers that read them; drawn aside, so that they move nothing else
/// of a seed's story but by what they do (scenario_sources.cpp).
void add_sources(Scenario& scenario, ServicePolicy& service, Random random);
std::string condition_text(Meaning const& meaning);
Condition parsed(std::string const& text);
/// The same services, some of their rules changed: what a reload may bring.
void change_policy(Scenario& scenario, Random& random);

}  // namespace rollbackd::simulation
