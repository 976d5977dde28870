#include "triggers/probes/containers.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

std::int64_t number_at(Json const& value, std::string_view key) {
    auto const* const found = find(value, key);
    return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

bool is_required(ContainerFacts const& container, std::vector<std::string> const& services) {
    return std::find(services.begin(), services.end(), container.service) != services.end();
}

/// "failed" of one container, with its slug; empty: none.
std::string failure_of(ContainerFacts const& container, bool required) {
    auto const& name = container.name;
    auto const exit = " (exit " + std::to_string(container.exit) +
                      (container.out_of_memory ? ", out of memory)" : ")");
    if (container.status == "restarting") {
        return "restarting: " + name + exit + ", " + std::to_string(container.restarts) +
               " restarts";
    }
    if (container.status == "exited" || container.status == "stopped") {
        bool const done = container.exit == 0 && !container.restarts_itself && !required;
        return done ? std::string() : "exited: " + name + exit;
    }
    if (container.status == "dead") return "dead: " + name + exit;
    if (container.status == "paused") return "paused: " + name;
    if (container.health == "unhealthy") return "unhealthy: " + name + " fails its own check";
    return {};
}

/// On its way: neither well nor failed.
std::string unsettled(ContainerFacts const& container) {
    if (container.status == "running") {
        return container.health == "starting" ? "starting: " + container.name : std::string();
    }
    if (container.status == "exited" || container.status == "stopped") return {};
    if (container.status == "created" || container.status == "configured" ||
        container.status == "initialized") {
        return "starting: " + container.name + " is not started yet";
    }
    return "garbage: " + container.name + " is in a state that is none";
}

}  // namespace

Result<std::vector<std::string>> parse_container_ids(Json const& list) {
    if (!list.is_array()) return fail(Errc::invalid, "the engine's list of containers is none");
    std::vector<std::string> ids;
    for (auto const& entry : list.get_array()) {
        auto id = text_of(entry, "Id");
        if (id.empty()) return fail(Errc::invalid, "a container without an id");
        auto const* const labels = find(entry, "Labels");
        auto const once =
            labels == nullptr ? std::string() : text_of(*labels, "com.docker.compose.oneoff");
        if (once == "True" || once == "true") continue;
        if (ids.size() == containers_max) {
            return fail(
                Errc::too_large, "more than " + std::to_string(containers_max) + " containers"
            );
        }
        ids.push_back(std::move(id));
    }
    return ids;
}

Result<ContainerFacts> parse_container(Json const& inspected) {
    auto const* const state = find(inspected, "State");
    ContainerFacts facts;
    if (state != nullptr) facts.status = text_of(*state, "Status");
    if (facts.status.empty()) return fail(Errc::invalid, "a container without a state");
    facts.name = text_of(inspected, "Name");
    if (facts.name.starts_with('/')) facts.name.erase(0, 1);
    facts.exit = number_at(*state, "ExitCode");
    auto const* const killed = find(*state, "OOMKilled");
    facts.out_of_memory = killed != nullptr && killed->is_bool() && killed->get_bool();
    for (auto const* const key : {"Health", "Healthcheck"}) {  // Podman's older name last
        auto const* const health = find(*state, key);
        if (health != nullptr && facts.health.empty()) facts.health = text_of(*health, "Status");
    }
    if (facts.health == "none") facts.health.clear();
    auto const restarts = number_at(inspected, "RestartCount");
    facts.restarts = std::uint64_t(std::max<std::int64_t>(restarts, 0));
    if (auto const* const labels = find_pointer(inspected, "/Config/Labels")) {
        facts.service = text_of(*labels, "com.docker.compose.service");
    }
    if (auto const* const policy = find_pointer(inspected, "/HostConfig/RestartPolicy")) {
        auto const name = text_of(*policy, "Name");
        facts.restarts_itself = name == "always" || name == "unless-stopped";
    }
    return facts;
}

ContainersJudgement judge_containers(
    std::vector<ContainerFacts> const& containers, std::vector<std::string> const& services
) {
    for (auto const& service : services) {
        auto const of_service = [&](ContainerFacts const& container) {
            return container.service == service;
        };
        if (std::any_of(containers.begin(), containers.end(), of_service)) continue;
        return {ContainersVerdict::failed, "missing: " + service + " has no container"};
    }
    if (containers.empty()) return {ContainersVerdict::failed, "missing: there is no container"};
    std::string waiting;
    std::size_t running = 0;
    for (auto const& container : containers) {
        auto failure = failure_of(container, is_required(container, services));
        if (!failure.empty()) return {ContainersVerdict::failed, std::move(failure)};
        if (waiting.empty()) waiting = unsettled(container);
        if (container.status == "running") ++running;
    }
    if (!waiting.empty()) return {ContainersVerdict::unknown, std::move(waiting)};
    return {ContainersVerdict::good, std::to_string(running) + " running"};
}

}  // namespace rollbackd
