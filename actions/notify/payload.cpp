#include "actions/notify/payload.hpp"

#include "core/names.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

/// Slack cuts messages at 40,000 characters; far fewer are read.
constexpr std::size_t text_bytes_max = 8 * 1024;

Json incident_of(Outgoing const& message) {
    if (!message.payload.is_null()) return message.payload;
    if (message.incident.empty()) return nullptr;
    return JsonObject{{"id", message.incident}};
}

/// Discord refuses longer ones.
constexpr std::size_t discord_characters_max = 2000;
/// PagerDuty cuts summaries there.
constexpr std::size_t summary_bytes_max = 1024;
/// Longer than an incident lasts; Alertmanager forgets an alert nobody ended by then.
constexpr auto alert_lasts = std::chrono::hours(24 * 31);
constexpr auto notice_lasts = std::chrono::minutes(5);

std::string first_line(std::string const& text) { return text.substr(0, text.find('\n')); }

bool is_of_incident(Outgoing const& message) {
    return !message.incident.empty() && message.event.starts_with("incident.");
}

bool is_reminder(Outgoing const& message) { return message.event == "follow_up.due"; }

/// All that is told of an incident is one alert, and its reminders, which come after its end, are
/// another.
std::string dedup_key(Outgoing const& message) {
    if (is_reminder(message)) return message.incident + ":follow_up";
    return is_of_incident(message) ? message.incident : message.id;
}

/// A member of the incident, and of what opened it.
std::string incident_text(Outgoing const& message, std::string_view key) {
    return message.payload.is_object() ? text_of(message.payload, key) : std::string();
}

std::string opening_severity(Outgoing const& message) {
    if (!message.payload.is_object()) return {};
    auto const* const triggers = find(message.payload, "triggers");
    bool const some = triggers != nullptr && triggers->is_array() && !triggers->get_array().empty();
    return some ? text_of(triggers->get_array().front(), "severity")
                : incident_text(message, "severity");
}

std::string pagerduty_severity(std::string const& severity) {
    if (severity == "P0") return "critical";
    if (severity == "P1") return "error";
    return severity == "P3" ? "info" : "warning";
}

std::string pagerduty_action(Outgoing const& message) {
    if (message.event == "incident.resolved") return "resolve";
    return message.event == "incident.acked" ? "acknowledge" : "trigger";
}

}  // namespace

std::string whole_text(Outgoing const& message) {
    auto text = printable(message.text, text_bytes_max);
    auto const command = printable(message.command, text_bytes_max);
    if (text.find(command) == std::string::npos) text += "\n" + command;
    return text;
}

Json generic_payload(Outgoing const& message) {
    JsonObject out;
    out["event"] = to_json(message.event);
    out["incident"] = incident_of(message);
    out["text"] = to_json(message.text);
    out["command"] = to_json(message.command);
    out["at"] = to_json(message.at);
    out["id"] = to_json(message.id);
    return out;
}

std::string slack_escape(std::string_view text) {
    std::string out;
    for (char const c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

Json slack_payload(Outgoing const& message) {
    JsonObject out;
    out["text"] = to_json(slack_escape(whole_text(message)));
    out["mrkdwn"] = false;
    out["unfurl_links"] = false;
    return out;
}

Json discord_payload(Outgoing const& message) {
    constexpr std::string_view marks = R"(\*_~`|<>#[]()-+.:@)";
    constexpr int suppress_embeds = 1 << 2;
    std::string content;
    std::size_t characters = 0;
    for (char const c : whole_text(message)) {
        bool const is_mark = marks.find(c) != std::string_view::npos;
        bool const begins = (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
        if (begins) characters += is_mark ? 2 : 1;
        if (characters > discord_characters_max) break;
        if (is_mark) content += '\\';
        content += c;
    }
    JsonObject out;
    out["content"] = to_json(content);
    out["allowed_mentions"] = JsonObject{{"parse", JsonArray{}}};
    out["flags"] = suppress_embeds;
    return out;
}

Json teams_payload(Outgoing const& message) {
    JsonArray body;
    auto const text = whole_text(message);
    for (std::size_t at = 0; at <= text.size();) {
        auto const end = std::min(text.find('\n', at), text.size());
        JsonObject run{{"type", "TextRun"}, {"text", to_json(text.substr(at, end - at))}};
        body.push_back(JsonObject{{"type", "RichTextBlock"}, {"inlines", JsonArray{run}}});
        at = end + 1;
    }
    JsonObject card;
    card["$schema"] = "http://adaptivecards.io/schemas/adaptive-card.json";
    card["type"] = "AdaptiveCard";
    card["version"] = "1.4";
    card["body"] = std::move(body);
    JsonObject attachment;
    attachment["contentType"] = "application/vnd.microsoft.card.adaptive";
    attachment["contentUrl"] = nullptr;
    attachment["content"] = std::move(card);
    return JsonObject{{"type", "message"}, {"attachments", JsonArray{std::move(attachment)}}};
}

Json pagerduty_event(Outgoing const& message, std::string_view routing_key) {
    auto const action = pagerduty_action(message);
    JsonObject out;
    out["routing_key"] = routing_key;
    out["event_action"] = action;
    out["dedup_key"] = to_json(dedup_key(message));
    if (action != "trigger") return out;
    auto const text = whole_text(message);
    auto const service = incident_text(message, "service");
    JsonObject details;
    details["text"] = to_json(text);
    details["command"] = to_json(message.command);
    details["state"] = to_json(incident_text(message, "state"));
    JsonObject payload;
    payload["summary"] = to_json(printable(first_line(text), summary_bytes_max));
    payload["source"] = to_json(service.empty() ? std::string("rollbackd") : service);
    // What is to be looked at again is no reason to wake anybody.
    payload["severity"] = is_reminder(message)
                              ? std::string("info")
                              : pagerduty_severity(incident_text(message, "severity"));
    payload["timestamp"] = to_json(format_rfc3339(message.at));
    payload["component"] = to_json(service);
    payload["class"] = to_json(message.event);
    payload["custom_details"] = std::move(details);
    out["payload"] = std::move(payload);
    out["client"] = "rollbackd";
    return out;
}

Json alertmanager_alerts(Outgoing const& message, JsonObject const& more) {
    bool const lasting = is_of_incident(message);
    JsonObject labels = more;
    labels["alertname"] = lasting ? "RollbackdIncident" : "RollbackdNotice";
    auto const label = [&](std::string_view name, std::string const& value) {
        if (!value.empty()) labels[name] = to_json(value);
    };
    label("service", incident_text(message, "service"));
    label("incident", message.incident);
    label("severity", opening_severity(message));
    if (!lasting) label("message", message.id);
    JsonObject annotations;
    auto const text = whole_text(message);
    annotations["summary"] = to_json(first_line(text));
    annotations["description"] = to_json(text);
    annotations["command"] = to_json(message.command);
    auto const opened = parse_rfc3339(incident_text(message, "opened_at"));
    auto const starts = lasting && opened ? *opened : message.at;
    WallTime ends = message.at;
    if (!lasting) {
        ends += notice_lasts;
    } else if (message.event != "incident.resolved") {
        ends += alert_lasts;
    }
    JsonObject alert;
    alert["labels"] = std::move(labels);
    alert["annotations"] = std::move(annotations);
    alert["startsAt"] = to_json(format_rfc3339(std::min(starts, ends)));
    alert["endsAt"] = to_json(format_rfc3339(ends));
    return JsonArray{std::move(alert)};
}

}  // namespace rollbackd
