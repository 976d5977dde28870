// Nobody answers: when everybody is told again of an incident.
#pragma once

#include "engine/policy.hpp"
#include "engine/state.hpp"

namespace rollbackd {

/// Somebody has taken it, decided about it or runs something by hand; or there is nothing to answer
/// any more.
bool is_answered(Incident const& incident);

/// When everybody is told (again) that nobody answers: daemon.respond_within of its severity after
/// it was opened, or became as severe as it is, then at intervals that double, to an hour or that
/// time itself, whichever is longer. Instant::max() where never.
Instant told_again_at(Incident const& incident, Policy const& policy);

}  // namespace rollbackd
