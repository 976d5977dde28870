// Messages to people, always in the same order: what is broken for whom; what rollbackd did, or why
// not; what it does next; what you must do (the exact command).
#include "core/names.hpp"
#include "engine/guards.hpp"

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

std::string what_is_broken(Incident const& incident) {
    std::string out = to_string(incident.severity) + " " + incident.service + ": ";
    if (incident.triggers.empty()) return out + "a run asked for by a person (" + incident.id + ")";
    bool first = true;
    for (auto const& firing : incident.triggers) {
        if (!first) out += "; ";
        first = false;
        out += firing.trigger + ", " + firing.evaluation.why;
    }
    return out + " (" + incident.id + ")";
}

std::string what_next(Incident const& incident) {
    switch (incident.state) {
        case IncidentState::open:
            return "Next: nothing by itself; it keeps watching.";
        case IncidentState::waiting:
            return "Next: nothing until a person answers.";
        case IncidentState::acting:
            return "Next: the remaining steps, then verification.";
        case IncidentState::verifying:
            return "Next: fresh samples must prove it.";
        case IncidentState::unverified:
            return "Next: it keeps watching until data decides.";
        case IncidentState::resolved:
            return "Next: nothing; the incident is closed.";
        case IncidentState::frozen:
            return "Next: nothing; people have to take over.";
    }
    return "";
}

std::string command_for(Incident const& incident) {
    switch (incident.state) {
        case IncidentState::waiting:
            return waiting_run(incident) != nullptr ? "rollbackctl approve " + incident.id
                                                    : "rollbackctl show " + incident.id;
        case IncidentState::open:
            return "rollbackctl explain " + incident.id;
        case IncidentState::acting:
        case IncidentState::verifying:
            return "rollbackctl show " + incident.id;
        case IncidentState::unverified:
            return "rollbackctl resolve " + incident.id;
        case IncidentState::resolved:
            return "rollbackctl report " + incident.id;
        case IncidentState::frozen:
            for (auto const& run : incident.runs) {
                if (run.state != RunState::interrupted) continue;
                for (auto const& step : run.steps) {
                    if (step.state != StepState::unknown) continue;
                    return "rollbackctl confirm " + incident.id + " " + std::to_string(step.n);
                }
            }
            return "rollbackctl resume " + incident.service;
    }
    return "";
}

std::string text_of_incident(Incident const& incident) {
    auto const command = command_for(incident);
    std::string done = incident.standing_text.empty() ? "seen just now" : incident.standing_text;
    std::string out =
        what_is_broken(incident) + "\nrollbackd: " + done + "\n" + what_next(incident);
    out += "\nYou: " +
           (incident.state == IncidentState::acting || incident.state == IncidentState::verifying
                ? std::string("nothing yet")
                : command);
    return out;
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

void queue_messages(Draft& draft, State const& before) {
    for (auto const& id : std::vector<std::string>(draft.state.incident_order)) {
        auto const now = draft.state.incidents.at(id);
        auto const* const then = before.incident(id);
        if (then == now.get()) continue;
        if (is_silenced(draft.state, now->service) || !pages(*now)) continue;
        auto const channels = channels_of(draft, *now);
        bool const newly_recovered =
            now->recovered_at && (then == nullptr || then->recovered_at != now->recovered_at);
        if (newly_recovered) {
            queue_message(
                draft, id, "incident.verified", channels,
                what_is_broken(*now) + "\nrollbackd: recovered and verified by fresh samples\n" +
                    what_next(*now) + "\nYou: rollbackctl report " + id,
                "rollbackctl report " + id, Duration::zero()
            );
        }
        if (now->escalated && (then == nullptr || !then->escalated)) {
            queue_message(
                draft, id, "incident.escalated", {}, "ESCALATED\n" + text_of_incident(*now),
                command_for(*now), Duration::zero()
            );
        }
        // An incident that was only opened and asks the world first is told with its next state.
        bool const entered = then == nullptr || then->state != now->state;
        if (!entered) continue;
        queue_message(
            draft, id, event_of(now->state), channels, text_of_incident(*now), command_for(*now),
            is_passing(now->state) ? merge_window : Duration::zero()
        );
    }
}

}  // namespace rollbackd
