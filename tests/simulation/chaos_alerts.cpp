// An Alertmanager: what fires is told, told again, told by a twin, late, or for ever, where the
// word that it is over was lost.
#include "tests/simulation/simulation.hpp"

namespace rollbackd::simulation {

using namespace std::chrono_literals;

namespace {

constexpr Duration repeat_interval = 20s;
constexpr std::size_t firing_max = 3;

}  // namespace

void Simulation::ask_rules(std::string const& name) {
    auto& rules = rules_[name];
    auto const now = timeline_.now();
    bool const fails = chaos_ && !world_.services.at(name).serves(now);
    if (fails && rules.firing.size() < firing_max && other_.chance(0.4)) {
        Alert alert;
        alert.fingerprint = "f" + std::to_string(++rules.known % 4);
        alert.labels = {{"alertname", "Errors"}, {"service", name}};
        alert.firing = true;
        alert.starts_at = machine_.now().wall;
        rules.firing.push_back(alert);
        tell_alerts(name, {alert});
        rules.told = now;
    } else if (!fails && !rules.firing.empty()) {
        for (auto& alert : std::exchange(rules.firing, {})) {
            alert.firing = false;
            alert.ends_at = machine_.now().wall;
            rules.to_resolve.push_back(std::move(alert));
        }
    }
    if (!rules.to_resolve.empty()) {
        // Told until somebody takes it; that it was taken is no proof that it is remembered.
        bool const lost = chaos_ && other_.chance(0.1);
        if (lost) told(name + ": that its alerts are over gets lost");
        if (!lost) tell_alerts(name, rules.to_resolve);
        if (lost || shell().alive()) rules.to_resolve.clear();
    }
    if (rules.firing.empty() || now - rules.told < repeat_interval) return;
    rules.told = now;
    tell_alerts(name, rules.firing);
    if (other_.chance(0.3)) tell_alerts(name, rules.firing);
}

void Simulation::tell_alerts(std::string const& name, std::vector<Alert> alerts) {
    auto const delay = rules_[name].late ? other_.between(0s, 30s) : Duration(0s);
    if (rules_[name].silent) return;
    timeline_.after(delay, [this, name, alerts = std::move(alerts)] {
        if (!shell().hear_alerts(name, alerts)) return;
        alerts_[name].hear(alerts, machine_.now().wall);
    });
}

// Told again, by two, late, over kills and restarts: each alert is one failure, and no other is.
void Simulation::compare_with_alerts() {
    if (!shell().alive() || rebooted_) return;
    auto const at = machine_.now().boot;
    for (auto const& policy : scenario_.policy->services) {
        auto const* const seen = shell().engine().window(policy.name, alerts_signal);
        if (seen == nullptr || policy.start_period > 0s) continue;
        auto const streak = seen->longest_streak(at, Instant::min(), false);
        auto const length = streak ? streak->length : 0;
        auto const truth = alerts_[policy.name].streak();
        if (length == truth) continue;
        model_.fault(
            "A2", policy.name + "/" + alerts_signal + ": " + std::to_string(length) +
                      " alerts in a row, not " + std::to_string(truth)
        );
    }
}

}  // namespace rollbackd::simulation
