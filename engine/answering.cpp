#include "engine/answering.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

using namespace std::chrono_literals;

constexpr Duration rest_max = 1h;
constexpr std::uint32_t doublings_max = 16;

// Recovered, it may break again before it is over.
bool is_over(Incident const& incident) {
    if (incident.state == IncidentState::resolved) return true;
    return incident.recovered_at && std::all_of(
                                        incident.triggers.begin(), incident.triggers.end(),
                                        [](Firing const& firing) { return firing.cleared; }
                                    );
}

Instant broken_since(Incident const& incident) {
    auto since = incident.worse_at.value_or(incident.opened_at).boot;
    if (!incident.recovered_at) return since;
    for (auto const& firing : incident.triggers) {
        if (!firing.cleared) since = std::max(since, firing.fired_at.boot);
    }
    return since;
}

}  // namespace

bool is_answered(Incident const& incident) {
    if (is_over(incident)) return true;
    if (!incident.acked_by.empty()) return true;
    return std::any_of(incident.runs.begin(), incident.runs.end(), [](Run const& run) {
        return run.manual || !run.by.empty();
    });
}

Instant told_again_at(Incident const& incident, Policy const& policy) {
    auto const target = policy.daemon.respond_within.find(incident.severity);
    if (target == policy.daemon.respond_within.end() || is_answered(incident)) {
        return Instant::max();
    }
    auto const first = target->second;
    auto const since = broken_since(incident);
    bool const anew = !incident.unanswered_at || incident.unanswered_at->boot < since;
    if (anew) return since + first;
    auto const longest = std::max(first, rest_max);
    auto rest = first;
    for (auto n = std::min(incident.unanswered, doublings_max); n > 0 && rest < longest; --n) {
        rest *= 2;
    }
    return incident.unanswered_at->boot + std::min(rest, longest);
}

}  // namespace rollbackd
