// What goes over the wire for a message: pure, so that escaping has its own tests.
#pragma once

#include "actions/channel.hpp"

namespace rollbackd {

/// The text, and the command where the text does not say it already; printable, bounded.
std::string whole_text(Outgoing const& message);

/// {"event", "incident", "text", "command", "at", "id"}; `incident` is the object of the API.
Json generic_payload(Outgoing const& message);

/// Slack's {"text": …}, with its markup off: what people or programs wrote can neither mention
/// anyone nor format itself. The command follows where the text does not say it already.
Json slack_payload(Outgoing const& message);

/// Discord's {"content": …}: every mark of its Markdown escaped, mentions off, no previews
/// (discord.com/developers/docs/resources/webhook#execute-webhook). Cut to its 2,000 characters.
Json discord_payload(Outgoing const& message);

/// A message with one Adaptive Card, as webhooks of Teams' Workflows take it: each line a text run,
/// which Teams shows literally.
Json teams_payload(Outgoing const& message);

/// An event of PagerDuty's Events API v2 (developer.pagerduty.com/docs/events-api-v2): trigger,
/// acknowledge or resolve, with the incident as dedup_key; what belongs to none has the message's.
Json pagerduty_event(Outgoing const& message, std::string_view routing_key);

/// The alerts of Alertmanager's POST /api/v2/alerts: one, that fires until the incident is
/// resolved. Its labels never change, so that the end finds it: alertname, service, incident, the
/// severity it was opened with, and `labels`. `endsAt` stands far ahead, for nobody posts it again.
Json alertmanager_alerts(Outgoing const& message, JsonObject const& labels);

/// `text` as Slack shows it literally: & < > as entities, so there is no <!channel>, <@user> or
/// <link|text>.
std::string slack_escape(std::string_view text);

}  // namespace rollbackd
