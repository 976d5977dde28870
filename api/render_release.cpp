// Deployments, versions and silences as the API shows them.
#include "api/render.hpp"
#include "engine/guards.hpp"

namespace rollbackd::api {

namespace {

Standing standing_of(ServiceState const& state, std::string const& version) {
    auto const found = state.versions.find(version);
    return found == state.versions.end() ? Standing::unknown : found->second.standing;
}

/// What CI asks before it deploys (rollbackctl gate): refused when the version is bad or a run is
/// on.
Json render_gate(
    ServicePolicy const& policy, Standing standing, std::vector<std::string> const& runs
) {
    JsonObject out;
    std::string reason;
    if (standing == Standing::bad) reason = "the version is quarantined";
    if (!runs.empty()) {
        reason += (reason.empty() ? "" : ", and ") + runs.front() + " is under way";
    }
    out["pass"] = reason.empty();
    out["reason"] = reason;
    out["attest"] = to_json(policy.gate.attest);
    return out;
}

}  // namespace

Json render_deployment(
    ServicePolicy const& policy, ServiceState const& state, Deployment const& deployment
) {
    auto const standing = standing_of(state, deployment.version);
    JsonObject out;
    out["id"] = deployment.id;
    out["service"] = policy.name;
    out["version"] = deployment.version;
    out["standing"] = to_string(standing);
    out["quarantined"] = standing == Standing::bad;
    out["current"] = state.current == deployment.version;
    out["started_at"] = render_time(deployment.started_at.wall);
    out["recorded_at"] = render_time(deployment.recorded_at.wall);
    out["known_good"] = deployment.known_good;
    out["schema_compatible"] = to_json(deployment.schema_compatible);
    out["by"] = deployment.by;
    out["facts"] = to_json(deployment.facts);
    JsonObject before;
    for (auto const& [trigger, verdict] : deployment.before) {
        JsonObject item;
        item["verdict"] = to_string(verdict.verdict);
        item["good"] = verdict.good();
        item["why"] = verdict.why;
        before[trigger] = std::move(item);
    }
    out["before"] = std::move(before);
    return out;
}

Json render_version(ServicePolicy const& policy, State const& state, std::string const& version) {
    auto const& service = state.service(policy.name);
    auto const standing = standing_of(service, version);
    auto const found = service.versions.find(version);
    std::vector<std::string> runs;
    if (auto const* const run = run_on(state, policy.name)) runs.push_back(run->id);
    JsonObject out;
    out["service"] = policy.name;
    out["version"] = version;
    out["standing"] = to_string(standing);
    out["current"] = !version.empty() && service.current == version;
    out["quarantined"] = standing == Standing::bad;
    bool const known = found != service.versions.end();
    out["since"] = known ? render_time(found->second.since.wall) : Json(nullptr);
    bool const blamed = known && !found->second.incident.empty();
    out["incident"] = blamed ? to_json(found->second.incident) : Json(nullptr);
    out["runs"] = to_json(runs);
    out["gate"] = render_gate(policy, standing, runs);
    return out;
}

Json render_silence(Silence const& silence) {
    JsonObject out;
    out["id"] = silence.id;
    out["service"] = silence.service.empty() ? Json(nullptr) : to_json(silence.service);
    out["reason"] = silence.reason;
    out["by"] = silence.by;
    out["from"] = render_time(silence.from.wall);
    out["until"] = render_time(silence.until.wall);
    return out;
}

}  // namespace rollbackd::api
