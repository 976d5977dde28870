#include "actions/notify/payload.hpp"

#include "core/names.hpp"

namespace rollbackd {

namespace {

/// Slack cuts messages at 40,000 characters; far fewer are read.
constexpr std::size_t text_bytes_max = 8 * 1024;

Json incident_of(Outgoing const& message) {
    if (!message.payload.is_null()) return message.payload;
    if (message.incident.empty()) return nullptr;
    return JsonObject{{"id", message.incident}};
}

}  // namespace

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
    auto text = printable(message.text, text_bytes_max);
    auto const command = printable(message.command, text_bytes_max);
    if (text.find(command) == std::string::npos) text += "\n" + command;
    JsonObject out;
    out["text"] = to_json(slack_escape(text));
    out["mrkdwn"] = false;
    out["unfurl_links"] = false;
    return out;
}

}  // namespace rollbackd
