// Where messages go, and a message as a channel needs it.
#pragma once

#include "core/json.hpp"

namespace rollbackd {

struct ChannelPolicy {
    std::string name;
    std::string type;  // webhook, exec
    JsonObject params;
    std::string fallback;  // channel that is told instead while this one fails; may be empty
    std::uint32_t per_minute = 0;  // messages it is told at most; 0: no limit

    friend bool operator==(ChannelPolicy const&, ChannelPolicy const&) = default;
};

/// One message for one channel. The generic webhook posts {event, incident, text, command, at}.
struct Outgoing {
    std::string id;        // the same for every attempt: receivers can tell repeats
    std::string event;     // "incident.acting"
    std::string incident;  // id; the thread messages are kept together by
    std::string text;
    std::string command;  // what the reader must do; may be empty
    Json payload;         // the incident as the API shows it; null where there is none
    WallTime at{};

    friend bool operator==(Outgoing const&, Outgoing const&) = default;
};
BOOST_DESCRIBE_STRUCT(Outgoing, (), (id, event, incident, text, command, payload, at))

}  // namespace rollbackd
