// Messages to people: one per state an incident enters, each with the four sentences of its head.
#include "actions/channel_kind.hpp"
#include "core/names.hpp"
#include "engine/guards.hpp"
#include "engine/head.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

using namespace std::chrono_literals;

/// A state left sooner than this is merged into the next.
constexpr Duration merge_window = 1s;
constexpr std::size_t text_max = 4000;

std::string event_of(IncidentState state) {
    switch (state) {
        case IncidentState::open:
            return "incident.opened";
        case IncidentState::waiting:
            return "incident.waiting";
        case IncidentState::acting:
            return "incident.acting";
        case IncidentState::verifying:
            return "incident.verifying";
        case IncidentState::unverified:
            return "incident.unverified";
        case IncidentState::resolved:
            return "incident.resolved";
        case IncidentState::frozen:
            return "incident.frozen";
    }
    return "";
}

bool is_passing(IncidentState state) {
    return state == IncidentState::open || state == IncidentState::waiting ||
           state == IncidentState::acting || state == IncidentState::verifying;
}

std::vector<std::string> channels_of(Draft const& draft, Incident const& incident) {
    std::set<std::string> names;
    bool every = incident.triggers.empty();
    for (auto const& firing : incident.triggers) {
        if (firing.notify.empty()) every = true;
        names.insert(firing.notify.begin(), firing.notify.end());
    }
    if (every) return {};
    std::vector<std::string> out;
    for (auto const& channel : draft.policy.channels) {
        if (names.contains(channel.name)) out.push_back(channel.name);
    }
    return out;
}

// A response of `propose` prepares a plan and pages nobody.
bool pages(Incident const& incident) {
    return incident.triggers.empty() ||
           std::any_of(
               incident.triggers.begin(), incident.triggers.end(),
               [](Firing const& firing) {
                   return firing.resolved.response.kind != ResponseKind::propose;
               }
           );
}

}  // namespace

bool is_silenced(State const& state, std::string const& service) {
    return std::any_of(state.silences.begin(), state.silences.end(), [&](Silence const& silence) {
        return silence.service.empty() || silence.service == service;
    });
}

void queue_message(
    Draft& draft, std::string const& incident, std::string const& event,
    std::vector<std::string> const& channels, std::string text, std::string command, Duration delay
) {
    for (auto const& channel : draft.policy.channels) {
        bool const wanted =
            channels.empty() ||
            std::find(channels.begin(), channels.end(), channel.name) != channels.end();
        if (!wanted) continue;
        MessageQueued record;
        if (!incident.empty()) {
            for (auto const& [id, queued] : draft.state.outbox) {
                bool const left_early = queued->incident == incident &&
                                        queued->channel == channel.name && queued->attempts == 0 &&
                                        queued->not_before > draft.now.boot;
                if (left_early) record.merges.push_back(id);
            }
        }
        auto& message = record.message;
        message.id = "MSG-" + std::to_string(draft.state.next_message);
        message.incident = incident;
        message.channel = channel.name;
        message.event = event;
        message.text = printable(text, text_max);
        message.command = command;
        message.queued_at = draft.moment();
        message.not_before = draft.now.boot + delay;
        draft.write(std::move(record));
    }
}

void queue_ack(Draft& draft, std::string const& incident, std::string const& by) {
    auto const told = channels_of(draft, draft.incident(incident));
    std::vector<std::string> following;
    for (auto const& channel : draft.policy.channels) {
        bool const among =
            told.empty() || std::find(told.begin(), told.end(), channel.name) != told.end();
        if (among && follows_acks(channel)) following.push_back(channel.name);
    }
    if (following.empty()) return;
    queue_message(
        draft, incident, "incident.acked", following,
        draft.incident(incident).service + ": " + by + " has taken " + incident, "",
        Duration::zero()
    );
}

void queue_messages(Draft& draft, State const& before) {
    for (auto const& id : std::vector<std::string>(draft.state.incident_order)) {
        auto const now = draft.state.incidents.at(id);
        auto const* const then = before.incident(id);
        if (then == now.get()) continue;
        if (is_silenced(draft.state, now->service) || !pages(*now)) continue;
        auto const channels = channels_of(draft, *now);
        bool const newly_recovered =
            now->recovered_at && (then == nullptr || then->recovered_at != now->recovered_at);
        auto const text = message_text(*now);
        auto const command = head_of(*now).command;
        if (newly_recovered) {
            queue_message(
                draft, id, "incident.verified", channels, text, command, Duration::zero()
            );
        }
        if (now->escalated && (then == nullptr || !then->escalated)) {
            queue_message(
                draft, id, "incident.escalated", {}, "ESCALATED " + text, command, Duration::zero()
            );
        }
        // An incident that was only opened and asks the world first is told with its next state.
        bool const entered = then == nullptr || then->state != now->state;
        if (!entered) continue;
        queue_message(
            draft, id, event_of(now->state), channels, text, command,
            is_passing(now->state) ? merge_window : Duration::zero()
        );
    }
}

}  // namespace rollbackd
