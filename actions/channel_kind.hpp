// What others must know of a channel's type.
#pragma once

#include "actions/channel.hpp"

namespace rollbackd {

/// Its alerts are acknowledged, as ours are: it is told when a person has taken an incident.
inline bool follows_acks(ChannelPolicy const& channel) { return channel.type == "pagerduty"; }

/// Read by people, who are told of many things at once better in one message; programs take one
/// event each.
inline bool is_read_by_people(ChannelPolicy const& channel) {
    if (channel.type == "smtp") return true;
    auto const format = text_of(Json(channel.params), "format");
    return channel.type == "webhook" && !format.empty() && format != "generic";
}

/// Of a channel that people read and that sets no limit of its own: Discord takes no more.
inline constexpr std::uint32_t people_per_minute = 30;

}  // namespace rollbackd
