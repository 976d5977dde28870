#include "engine/storm.hpp"

#include "engine/guards.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

/// Ten thousand may break at once: no more of them are named, or asked what they depend on.
constexpr std::size_t names_max = 8;
constexpr std::size_t compared_max = 64;

// Whether the incident has a breach that began together with one at `at`.
bool broke_with(Incident const& incident, Instant at) {
    if (incident.alert_only) return false;
    return std::any_of(
        incident.triggers.begin(), incident.triggers.end(),
        [&](Firing const& firing) {
            auto const apart = firing.fired_at.boot - at;
            return !firing.raised && apart <= storm_window && -apart <= storm_window;
        }
    );
}

std::string shared_by(Draft const& draft, std::vector<std::string> const& services) {
    std::map<std::string, std::size_t> dependents;
    for (auto const& name : services) {
        auto const* const service = draft.policy.service(name);
        if (service == nullptr) continue;
        for (auto const& dependency : service->depends_on) {
            if (++dependents[dependency] >= storm_services_min) return dependency;
        }
    }
    return {};
}

}  // namespace

bool Storm::is_suspected() const {
    return broken >= storm_services_min && (2 * broken >= watched || !shared.empty());
}

std::string Storm::text() const {
    std::string names;
    for (std::size_t i = 0; i < std::min(services.size(), names_max); ++i) {
        names += (names.empty() ? "" : ", ") + services[i];
    }
    if (broken > names_max) names += " and " + std::to_string(broken - names_max) + " more";
    return std::to_string(broken) + " of " + std::to_string(watched) + " services broke within " +
           format_duration(storm_window) + ": " + names +
           (shared.empty() ? "" : "; they depend on " + shared);
}

Storm storm_around(Draft const& draft, Incident const& incident, Firing const& firing) {
    Storm storm;
    auto const at = firing.fired_at.boot;
    // A service has at most one open incident that acts.
    for (auto const& [id, other] : draft.state.incidents) {
        if (id != incident.id && !broke_with(*other, at)) continue;
        for (auto const& run : other->runs) {
            // Who approved before this one broke, or without being told, has not let it go.
            bool const approved = run.storm && run.started_at && run.started_at->boot >= at;
            if (approved) storm.lifted_by = run.by + " approved " + run.id;
        }
        if (other->state == IncidentState::resolved) continue;
        ++storm.broken;
        storm.incidents.push_back(id);
        if (storm.services.size() < compared_max) storm.services.push_back(other->service);
    }
    if (storm.broken < storm_services_min) return storm;
    std::sort(storm.services.begin(), storm.services.end());
    storm.watched = std::size_t(std::count_if(
        draft.policy.services.begin(), draft.policy.services.end(),
        [](ServicePolicy const& service) { return !service.playbooks.empty(); }
    ));
    if (2 * storm.broken < storm.watched) storm.shared = shared_by(draft, storm.services);
    return storm;
}

void let_storm_go(Draft& draft, std::string const& run_id) {
    if (!draft.run(run_id).storm) return;
    auto const approved = draft.run(run_id).incident;
    for (auto const& service : draft.policy.services) {
        auto const id = draft.state.service(service.name).incident;
        auto const* const incident = draft.state.incident(id);
        auto const* const waiting = incident == nullptr ? nullptr : waiting_run(*incident);
        if (id == approved || waiting == nullptr || !waiting->storm) continue;
        auto const* const firing = answered_firing(*incident, *waiting);
        if (firing == nullptr) continue;
        auto const storm = storm_around(draft, *incident, *firing);
        if (storm.lifted_by.empty()) continue;
        reconsider(draft, service.name, storm.lifted_by + ", of the same storm");
    }
}

}  // namespace rollbackd
