// Containers as an engine's API describes them (Docker's, which Podman speaks too), and what that
// means for a project. Pure; nothing of a container's environment is kept.
#pragma once

#include "core/json.hpp"

namespace rollbackd {

inline constexpr std::size_t containers_max = 256;

struct ContainerFacts {
    std::string name;     // without the slash
    std::string service;  // of compose; empty: none
    std::string status;   // running, exited, restarting, paused, dead, created
    std::string health;   // healthy, unhealthy, starting; empty: it has no check
    std::int64_t exit = 0;
    bool out_of_memory = false;
    bool restarts_itself = false;  // its policy brings it back: exited is never its aim
    std::uint64_t restarts = 0;
};

/// Ids of GET /containers/json, without one-off containers of compose.
Result<std::vector<std::string>> parse_container_ids(Json const& list);
/// GET /containers/ID/json.
Result<ContainerFacts> parse_container(Json const& inspected);

enum class ContainersVerdict { good, failed, unknown };

struct ContainersJudgement {
    ContainersVerdict verdict = ContainersVerdict::unknown;
    std::string reason;

    friend bool operator==(ContainersJudgement const&, ContainersJudgement const&) = default;
};

/// `services`: each must have a container that runs; the others may also have ended well, if
/// nothing is to bring them back.
ContainersJudgement judge_containers(
    std::vector<ContainerFacts> const& containers, std::vector<std::string> const& services
);

}  // namespace rollbackd
