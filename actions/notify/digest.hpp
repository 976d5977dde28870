// Several messages told as one, where a channel may not be told so many: pure.
#pragma once

#include "actions/channel.hpp"

#include <span>

namespace rollbackd {

/// At most so many go into one.
inline constexpr std::size_t digest_messages_max = 200;

/// One message that tells of all of these. They come in the order they matter, at least one, and of
/// one incident the newest first: the first is told whole and lends its id, event, incident and
/// command, of the others the first line, and of each incident only the newest state. One alone
/// stays as it is.
Outgoing digest(std::span<Outgoing const> messages);

}  // namespace rollbackd
