// Records about services: deployments, versions, switches, and the small daemon-wide ones.
#include "engine/apply.hpp"
#include "engine/live_version.hpp"

#include <algorithm>

namespace rollbackd::applying {

namespace {

using namespace std::chrono_literals;

constexpr Duration answered_kept = 24h;
constexpr std::size_t answered_max = 10000;
constexpr std::size_t versions_max = 500;

// The oldest superseded or unknown versions go first; good and bad ones are what people ask about.
void bound_versions(ServiceState& service) {
    while (service.versions.size() > versions_max) {
        auto oldest = service.versions.end();
        for (auto at = service.versions.begin(); at != service.versions.end(); ++at) {
            bool const expendable = at->second.standing == Standing::superseded ||
                                    at->second.standing == Standing::unknown;
            if (!expendable) continue;
            if (oldest == service.versions.end() ||
                at->second.since.wall < oldest->second.since.wall) {
                oldest = at;
            }
        }
        if (oldest == service.versions.end()) return;
        service.versions.erase(oldest);
    }
}

void supersede_current(ServiceState& service, Stamp const& stamp) {
    auto const current = service.versions.find(service.current);
    if (current == service.versions.end()) return;
    if (current->second.standing != Standing::baking) return;
    current->second.standing = Standing::superseded;
    current->second.since = stamp.at;
}

}  // namespace

void apply(State& state, PolicyLoadedRecord const& body, Stamp const&) {
    state.policy_hash = body.hash;
}

void apply(State& state, RecoveredRecord const& body, Stamp const&) { state.node = body.node; }

void apply(State& state, DeploymentRecorded const& body, Stamp const& stamp) {
    auto& service = state.services[body.service];
    if (body.own) return;
    auto deployment = body.deployment;
    deployment.id = stamp.seq;
    auto& version = service.versions[deployment.version];
    if (body.repeated) {
        if (deployment.known_good && version.standing != Standing::bad) {
            version.standing = Standing::known_good;
            version.since = stamp.at;
        }
        for (auto& known : service.deployments) {
            if (known.version != deployment.version) continue;
            if (deployment.schema_compatible)
                known.schema_compatible = deployment.schema_compatible;
        }
        return;
    }
    version.facts = deployment.facts;
    if (deployment.in_effect) {
        note_in_effect(service, deployment.version, deployment.started_at, deployment.known_good);
    }
    if (body.becomes_current && service.current != deployment.version) {
        supersede_current(service, stamp);
        service.current = deployment.version;
    }
    if (version.standing != Standing::bad) {
        bool const good = deployment.known_good || version.standing == Standing::known_good;
        version.standing = good                   ? Standing::known_good
                           : body.becomes_current ? Standing::baking
                                                  : Standing::superseded;
        version.since = stamp.at;
    }
    // What waited for the end of a run is in effect no more where another is recorded after it.
    if (body.becomes_current) service.waiting_window.reset();
    if (body.opens_window) {
        service.window = deployment.id;
    } else if (!deployment.known_good) {
        if (body.becomes_current) service.waiting_window = deployment.id;
    } else if (body.becomes_current) {
        service.window.reset();
    }
    // Recorded after others that overtook it, it stands before them.
    auto place = service.deployments.end();
    while (!body.becomes_current && place != service.deployments.begin() &&
           std::prev(place)->started_at.boot > deployment.started_at.boot) {
        --place;
    }
    service.deployments.insert(place, std::move(deployment));
    if (service.deployments.size() > ServiceState::deployments_max) {
        service.deployments.erase(service.deployments.begin());
    }
    bound_versions(service);
}

void apply(State& state, KnownGood const& body, Stamp const& stamp) {
    auto& version = state.services[body.service].versions[body.version];
    version.standing = Standing::known_good;
    version.since = stamp.at;
}

void apply(State& state, Disturbed const& body, Stamp const&) {
    for (auto& deployment : state.services[body.service].deployments) {
        if (deployment.id == body.deployment) deployment.disturbed = true;
    }
}

void apply(State& state, WindowClosed const& body, Stamp const&) {
    state.services[body.service].window.reset();
}

void apply(State& state, Quarantined const& body, Stamp const& stamp) {
    auto& version = state.services[body.service].versions[body.version];
    version.standing = Standing::bad;
    version.since = stamp.at;
    version.incident = body.incident;
    version.rolled_back = true;
}

void apply(State& state, ReleasedRecord const& body, Stamp const& stamp) {
    auto& service = state.services[body.service];
    auto& version = service.versions[body.version];
    bool const in_effect = service.current == body.version;
    version.standing = in_effect ? Standing::baking : Standing::superseded;
    version.since = stamp.at;
    version.rolled_back = false;
    version.incident.clear();
}

void apply(State& state, PausedRecord const& body, Stamp const&) {
    if (body.service.empty()) {
        state.paused = true;
        state.paused_by = body.by;
    } else {
        auto& service = state.services[body.service];
        service.paused = true;
        service.paused_by = body.by;
    }
}

void apply(State& state, ResumedRecord const& body, Stamp const&) {
    if (body.service.empty()) {
        state.paused = false;
        state.paused_by.clear();
    } else {
        auto& service = state.services[body.service];
        service.paused = false;
        service.paused_by.clear();
        service.frozen_by.clear();
    }
}

void apply(State& state, ReadinessChanged const& body, Stamp const& stamp) {
    auto& known = state.services[body.service].readiness[body.playbook];
    known = {body.ready, body.why, stamp.at};
}

void apply(State& state, DrillRecorded const& body, Stamp const&) {
    auto& known = state.services[body.service].drills[body.playbook];
    auto const passed_before = known.passed_at;
    known = body.drill;
    if (!known.passed) known.passed_at = passed_before;
}

void apply(State& state, SilenceAddedRecord const& body, Stamp const&) {
    state.silences.push_back(body.silence);
    ++state.next_silence;
}

void apply(State& state, SilenceEnded const& body, Stamp const&) {
    std::erase_if(state.silences, [&](Silence const& silence) { return silence.id == body.id; });
}

void apply(State& state, MessageQueued const& body, Stamp const&) {
    for (auto const& merged : body.merges) state.outbox.erase(merged);
    state.outbox[body.message.id] = std::make_shared<Message const>(body.message);
    ++state.next_message;
}

void apply(State& state, MessageAttempted const& body, Stamp const&) {
    auto const found = state.outbox.find(body.id);
    if (found == state.outbox.end()) return;
    auto copy = std::make_shared<Message>(*found->second);
    ++copy->attempts;
    found->second = std::move(copy);
}

void apply(State& state, MessageFellBack const& body, Stamp const&) {
    auto const found = state.outbox.find(body.id);
    if (found == state.outbox.end()) return;
    auto copy = std::make_shared<Message>(*found->second);
    copy->fallback.clear();
    found->second = std::move(copy);
}

void apply(State& state, MessageEnded const& body, Stamp const&) { state.outbox.erase(body.id); }

void apply(State& state, RequestRecord const& body, Stamp const& stamp) {
    std::erase_if(state.answered, [&](auto const& entry) {
        return stamp.at.boot - entry.second.at.boot > answered_kept;
    });
    if (state.answered.size() >= answered_max) {
        auto const oldest = std::min_element(
            state.answered.begin(), state.answered.end(),
            [](auto const& a, auto const& b) { return a.second.at.boot < b.second.at.boot; }
        );
        state.answered.erase(oldest);
    }
    state.answered[body.request.scope] = body.request;
}

}  // namespace rollbackd::applying
