// When something durable falls due: the engine's one timer is the earliest of these.
#pragma once

#include "engine/policy.hpp"
#include "engine/state.hpp"

namespace rollbackd {

/// The first moment after `after` at which decide(Tick) has something to look at.
Instant next_due(State const& state, Policy const& policy, Instant after);

}  // namespace rollbackd
