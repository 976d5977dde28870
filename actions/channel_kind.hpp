// What the engine must know of a channel's type.
#pragma once

#include "actions/channel.hpp"

namespace rollbackd {

/// Its alerts are acknowledged, as ours are: it is told when a person has taken an incident.
inline bool follows_acks(ChannelPolicy const& channel) { return channel.type == "pagerduty"; }

}  // namespace rollbackd
