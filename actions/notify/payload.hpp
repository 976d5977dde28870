// What goes over the wire for a message: pure, so that escaping has its own tests.
#pragma once

#include "actions/channel.hpp"

namespace rollbackd {

/// {"event", "incident", "text", "command", "at", "id"}; `incident` is the object of the API.
Json generic_payload(Outgoing const& message);

/// Slack's {"text": …}, with its markup off: what people or programs wrote can neither mention
/// anyone nor format itself. The command follows where the text does not say it already.
Json slack_payload(Outgoing const& message);

/// `text` as Slack shows it literally: & < > as entities, so there is no <!channel>, <@user> or
/// <link|text>.
std::string slack_escape(std::string_view text);

}  // namespace rollbackd
