#include "engine/state.hpp"

namespace rollbackd {

std::string letter_of(Guard guard) {
    switch (guard) {
        case Guard::no_deployment:
            return "a";
        case Guard::bad_before:
            return "b";
        case Guard::dependency_failing:
        case Guard::blind:
            return "c";
        case Guard::no_target:
        case Guard::quarantined:
            return "d";
        case Guard::schema_moved:
            return "e";
        case Guard::autonomy:
        case Guard::approval:
        case Guard::paused:
        case Guard::silenced:
        case Guard::cooldown:
        case Guard::limit:
        case Guard::locked:
        case Guard::frozen:
        case Guard::unstable:
            return "f";
    }
    return "";
}

Deployment const* ServiceState::deployment(std::uint64_t id) const {
    for (auto const& candidate : deployments) {
        if (candidate.id == id) return &candidate;
    }
    return nullptr;
}

Deployment const* ServiceState::current_deployment() const {
    for (auto at = deployments.rbegin(); at != deployments.rend(); ++at) {
        if (at->version == current) return &*at;
    }
    return nullptr;
}

bool ServiceState::baked() const {
    auto const version = versions.find(current);
    return version != versions.end() && version->second.standing == Standing::known_good;
}

std::string ServiceState::mode() const {
    std::string out;
    for (auto const& [name, by] : modes) out += (out.empty() ? "" : "+") + name;
    return out.empty() ? "normal" : out;
}

std::string ServiceState::frozen_text() const {
    std::string out;
    for (auto const& id : frozen_by) out += (out.empty() ? "" : ", ") + id;
    return out;
}

std::optional<Instant> ServiceState::floor(std::string const& trigger) const {
    auto const found = floors.find(trigger);
    return found == floors.end() ? std::nullopt : std::optional(found->second);
}

Incident const* State::incident(std::string_view id) const {
    auto const found = incidents.find(std::string(id));
    return found == incidents.end() ? nullptr : found->second.get();
}

std::pair<Incident const*, Run const*> State::run(std::string_view id) const {
    for (auto const& [incident_id, incident] : incidents) {
        for (auto const& run : incident->runs) {
            if (run.id == id) return {incident.get(), &run};
        }
    }
    return {nullptr, nullptr};
}

ServiceState const& State::service(std::string_view name) const {
    static ServiceState const none;
    auto const found = services.find(std::string(name));
    return found == services.end() ? none : found->second;
}

}  // namespace rollbackd
