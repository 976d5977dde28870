#include "actions/notify/digest.hpp"

#include "core/names.hpp"

#include <algorithm>
#include <set>

namespace rollbackd {

namespace {

/// Chat systems cut long messages, and nobody reads them.
constexpr std::size_t lines_max = 20;
constexpr std::size_t line_bytes_max = 200;

std::string line_of(Outgoing const& message) {
    auto const end = message.text.find('\n');
    return "- " + printable_line(message.text.substr(0, end), line_bytes_max);
}

// A reminder is of an incident, and says nothing of its state.
bool is_news(Outgoing const& message, std::set<std::string>& told) {
    bool const of_state = !message.incident.empty() && message.event.starts_with("incident.");
    return !of_state || told.insert(message.incident).second;
}

// Another set of messages is another message, for receivers drop what they were sent before.
std::string id_of(std::span<Outgoing const> messages) {
    auto const older = [](Outgoing const& a, Outgoing const& b) {
        return std::pair(a.id.size(), a.id) < std::pair(b.id.size(), b.id);
    };
    auto const newest = std::max_element(messages.begin(), messages.end(), older);
    return messages.front().id + "+" + std::to_string(messages.size() - 1) + "-" + newest->id;
}

}  // namespace

Outgoing digest(std::span<Outgoing const> messages) {
    auto out = messages.front();
    std::set<std::string> told;
    (void)is_news(out, told);
    std::string others;
    std::size_t lines = 0;
    std::size_t left_out = 0;
    for (auto const& message : messages.subspan(1)) {
        if (!is_news(message, told)) continue;
        if (lines == lines_max) {
            ++left_out;
            continue;
        }
        ++lines;
        others += "\n" + line_of(message);
    }
    if (messages.size() > 1) out.id = id_of(messages);
    if (lines == 0) return out;
    if (left_out > 0) others += "\n- and " + std::to_string(left_out) + " more";
    out.text += "\nTogether with it, for this channel is told no more often:" + others;
    if (left_out > 0) out.text += "\nAll of them: rollbackctl incidents";
    return out;
}

}  // namespace rollbackd
