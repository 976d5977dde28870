// What is beside health and requests: gauges, texts, heartbeats and releases that nobody announces,
// each in its own trouble.
#include "tests/simulation/simulation.hpp"

namespace rollbackd::simulation {

using namespace std::chrono_literals;

namespace {

struct Trouble {
    char const* signal;
    SourceFault fault;
    char const* text;
};

std::vector<Trouble> const troubles{
    {gauge_signal, SourceFault::slow, "slow"},
    {gauge_signal, SourceFault::gone, "gone"},
    {gauge_signal, SourceFault::garbage, "talking nonsense"},
    {gauge_signal, SourceFault::hiccups, "talking nonsense now and then"},
    {gauge_signal, SourceFault::stuck, "stuck"},
    {release_signal, SourceFault::gone, "gone"},
    {release_signal, SourceFault::garbage, "talking nonsense"},
    {release_signal, SourceFault::hiccups, "talking nonsense now and then"},
    {release_signal, SourceFault::stuck, "stuck"},
    {days_signal, SourceFault::dammed, "silent, and tells all of it afterwards"},
    {days_signal, SourceFault::resets, "unreadable now and then"},
    {days_signal, SourceFault::twice, "told twice"},
    {days_signal, SourceFault::late, "late"},
    {days_signal, SourceFault::misdated, "dated by a wrong clock"},
    {mode_signal, SourceFault::dammed, "silent, and tells all of it afterwards"},
    {mode_signal, SourceFault::twice, "told twice"},
    {mode_signal, SourceFault::resets, "unreadable now and then"},
    {beat_signal, SourceFault::dammed, "silent, and tells all of it afterwards"},
    {beat_signal, SourceFault::twice, "told twice"},
    {beat_signal, SourceFault::late, "late"},
    {beat_signal, SourceFault::misdated, "dated by a wrong clock"},
};

}  // namespace

void Simulation::watch_elsewhere() {
    auto const& services = scenario_.policy->services;
    bool any = false;
    for (auto const& policy : services) {
        auto const has = [&](char const* signal) { return policy.signal(signal) != nullptr; };
        auto const name = policy.name;
        if (has(alerts_signal)) every(5s, [this, name] { ask_rules(name); });
        bool const reports = has(days_signal) || has(mode_signal) || has(beat_signal);
        if (reports) every(other_.between(8s, 15s), [this, name] { report_elsewhere(name); });
        any = any || reports || has(gauge_signal) || has(release_signal) || has(alerts_signal);
    }
    if (!any) return;
    every(other_.between(10s, 30s), [this] {
        if (chaos_) trouble_elsewhere();
    });
}

void Simulation::report_elsewhere(std::string const& name) {
    auto const* const policy = scenario_.policy->service(name);
    auto const& service = world_.services.at(name);
    auto const tell = [&](char const* signal, SampleValue value) {
        if (policy->signal(signal) == nullptr) return;
        Sample sample;
        sample.service = name;
        sample.signal = signal;
        sample.at = machine_.now().boot;
        sample.value = std::move(value);
        bring(std::move(sample));
    };
    tell(days_signal, GaugeValue{service.old_cert ? 20.5 : 60.5, "", {}});
    tell(mode_signal, TextValue{service.maintenance ? "maintenance" : "normal"});
    // What is late and fails may be held by a start_period or not: nobody can say which.
    bool const failed = chaos_ && policy->start_period == 0s && other_.chance(0.03);
    if (!service.job_dead) tell(beat_signal, StateValue{!failed, failed ? "exit 1" : "", {}});
}

// Somebody has deployed, and says nothing.
void Simulation::deploy_silently(std::string const& name) {
    auto& service = world_.services.at(name);
    bool const bad = other_.chance(0.5);
    bool const again = other_.chance(0.2);
    if (again) {
        auto at = service.versions.begin();
        std::advance(at, std::ptrdiff_t(other_.below(service.versions.size())));
        service.running = at->first;
        service.running_since = timeline_.now();
    } else {
        world_.deploy(name, bad);
    }
    told(name + ": " + service.running + " is deployed, and nobody says so");
    if (other_.chance(0.3)) timeline_.after(other_.between(0s, 40s), [this] { die_at_once(); });
}

void Simulation::trouble_elsewhere() {
    auto const& names = scenario_.policy->services;
    auto const& policy = names[other_.below(names.size())];
    auto const name = policy.name;
    auto const lasts = other_.between(15s, 3min);
    auto const off = [&](bool Service::* what, char const* text) {
        told(name + ": " + text);
        world_.services.at(name).*what = true;
        timeline_.after(lasts, [this, name, what] { world_.services.at(name).*what = false; });
    };
    switch (other_.below(8)) {
        case 0:
            off(&Service::hot, "its load is high");
            break;
        case 1:
            off(&Service::old_cert, "its certificate is old");
            break;
        case 2:
            off(&Service::maintenance, "in maintenance");
            break;
        case 3:
            off(&Service::job_dead, "its job is dead");
            break;
        case 4:
            if (policy.signal(release_signal) != nullptr) deploy_silently(name);
            break;
        case 5: {
            auto& rules = rules_[name];
            (other_.chance(0.3) ? rules.silent : rules.late) = true;
            timeline_.after(lasts, [this, name] {
                rules_[name].silent = rules_[name].late = false;
            });
            break;
        }
        default: {
            auto const& trouble = other_.pick(troubles);
            if (policy.signal(trouble.signal) == nullptr) break;
            told(name + ": what tells of " + trouble.signal + " is " + trouble.text);
            World::SourceKey const key{name, trouble.signal};
            mend_source(key);
            world_.sources[key].fault = trouble.fault;
            timeline_.after(lasts, [this, key] { mend_source(key); });
        }
    }
}

}  // namespace rollbackd::simulation
