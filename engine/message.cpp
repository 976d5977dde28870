// Messages to people: one per state an incident enters, each with the four sentences of its head.
#include "actions/channel_kind.hpp"
#include "core/names.hpp"
#include "engine/guards.hpp"
#include "engine/head.hpp"
#include "engine/storm.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

using namespace std::chrono_literals;

/// A state left sooner than this is merged into the next.
constexpr Duration merge_window = 1s;
/// The world answers within two seconds; who is told before hears only half of it.
constexpr Duration answer_window = 3s;
/// Who joins a storm that people were told of waits for others that may follow.
constexpr Duration storm_gathers = 5s;
constexpr std::size_t text_max = 4000;
constexpr std::size_t reason_max = 200;

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

struct Alert {
    std::string incident;  // may be empty
    std::string event;
    std::string text;
    std::string command;
    Instant not_before;
    std::vector<std::string> channels;  // empty: every one
    std::string topic = {};
};

bool is_wanted(std::string const& channel, std::vector<std::string> const& channels) {
    return channels.empty() ||
           std::find(channels.begin(), channels.end(), channel) != channels.end();
}

// Who is told instead while the channel fails; nobody where they are told anyway.
std::string fallback_of(ChannelPolicy const& channel, Alert const& alert) {
    if (channel.fallback.empty() || is_wanted(channel.fallback, alert.channels)) return "";
    return channel.fallback;
}

// Thousands may wait in the outbox: it is gone through once in a decision.
std::vector<std::shared_ptr<Message const>>& unsent(Draft& draft) {
    if (draft.unsent) return *draft.unsent;
    draft.unsent.emplace();
    for (auto const& [id, message] : draft.state.outbox) {
        bool const waits = message->attempts == 0 && message->not_before > draft.now.boot;
        if (waits) draft.unsent->push_back(message);
    }
    return *draft.unsent;
}

// The storm that an incident is part of, while nobody has let it go and its own run has not begun.
std::optional<Storm> storm_of(Draft const& draft, Incident const& incident) {
    bool const early =
        incident.state == IncidentState::open || incident.state == IncidentState::waiting;
    if (incident.alert_only || !early) return std::nullopt;
    for (auto const& firing : incident.triggers) {
        if (firing.cleared || firing.raised || firing.blame == Blame::any) continue;
        auto storm = storm_around(draft, incident, firing);
        if (storm.is_suspected() && storm.lifted_by.empty()) return storm;
        return std::nullopt;
    }
    return std::nullopt;
}

// What is not sent yet of the others of a storm goes with this one, under the most severe of them;
// who joins one that was told already waits a little for those that may follow.
void gather(
    Draft& draft, std::string const& channel, Storm const& storm, Alert& alert, Message& message,
    std::vector<std::string>& merges
) {
    std::set<std::string> also;
    auto lead = draft.state.incidents.at(alert.incident);
    bool told = false;
    for (auto const& id : storm.incidents) {
        auto const other = draft.state.incidents.at(id);
        bool waits = false;
        for (auto const& queued : unsent(draft)) {
            bool const news =
                queued->event == "incident.opened" || queued->event == "incident.waiting";
            if (queued->incident != id || queued->channel != channel || !news) continue;
            waits = true;
            merges.push_back(queued->id);
            also.insert(id);
            also.insert(queued->also.begin(), queued->also.end());
            alert.not_before = std::min(alert.not_before, queued->not_before);
            if (other->severity < lead->severity) lead = other;
        }
        auto const* const plan = waiting_run(*other);
        told = told || (!waits && id != alert.incident && plan != nullptr && plan->storm);
    }
    if (lead->id != alert.incident) {
        also.insert(alert.incident);
        auto const head = head_of(*lead);
        alert.text = message_text(*lead, head);
        alert.command = head.command;
        alert.event = event_of(lead->state);
        alert.incident = lead->id;
    }
    also.erase(alert.incident);
    message.also.assign(also.begin(), also.end());
    if (merges.empty() && told) alert.not_before = draft.now.boot + storm_gathers;
    auto const all = storm.text();
    if (alert.text.find(all) != std::string::npos) return;
    alert.text.insert(std::min(alert.text.find('\n'), alert.text.size()), "; " + all);
}

// A state left early is not told, but for what its message tells of others.
void queue(Draft& draft, ChannelPolicy const& to, Alert alert, Storm const* storm) {
    MessageQueued record;
    auto& message = record.message;
    auto const& channel = to.name;
    if (storm != nullptr) gather(draft, channel, *storm, alert, message, record.merges);
    auto& waiting = unsent(draft);
    for (auto const& queued : waiting) {
        bool const left_early = !alert.incident.empty() && queued->incident == alert.incident &&
                                queued->channel == channel && queued->also.empty();
        bool const known = std::find(record.merges.begin(), record.merges.end(), queued->id) !=
                           record.merges.end();
        if (left_early && !known) record.merges.push_back(queued->id);
    }
    for (auto const& [id, queued] : draft.state.outbox) {
        bool const outdated = !alert.topic.empty() && queued->topic == alert.topic &&
                              queued->incident == alert.incident && queued->channel == channel;
        if (outdated) record.merges.push_back(id);
    }
    message.topic = alert.topic;
    message.id = "MSG-" + std::to_string(draft.state.next_message);
    message.incident = alert.incident;
    message.channel = channel;
    message.event = alert.event;
    message.text = printable(alert.text, text_max);
    message.command = alert.command;
    message.queued_at = draft.moment();
    message.not_before = alert.not_before;
    message.fallback = fallback_of(to, alert);
    std::erase_if(waiting, [&](auto const& queued) {
        return std::find(record.merges.begin(), record.merges.end(), queued->id) !=
               record.merges.end();
    });
    if (message.not_before > draft.now.boot) {
        waiting.push_back(std::make_shared<Message const>(message));
    }
    draft.write(std::move(record));
}

// Those that differ from how the decision began, oldest first. Thousands may be open: nothing is
// looked up.
std::vector<std::string> changed_incidents(State const& now, State const& before) {
    std::vector<std::string> out;
    auto then = before.incidents.begin();
    for (auto const& [id, incident] : now.incidents) {
        while (then != before.incidents.end() && then->first < id) ++then;
        bool const same = then != before.incidents.end() && then->second == incident;
        if (!same) out.push_back(id);
    }
    std::sort(out.begin(), out.end(), [](std::string const& a, std::string const& b) {
        return std::pair(a.size(), a) < std::pair(b.size(), b);
    });
    return out;
}

}  // namespace

bool pages(Incident const& incident) {
    return incident.triggers.empty() ||
           std::any_of(
               incident.triggers.begin(), incident.triggers.end(),
               [](Firing const& firing) {
                   return firing.resolved.response.kind != ResponseKind::propose;
               }
           );
}

bool is_silenced(State const& state, std::string const& service) {
    return std::any_of(state.silences.begin(), state.silences.end(), [&](Silence const& silence) {
        return silence.service.empty() || silence.service == service;
    });
}

Decision note_delivery(State const& state, MessageDelivered const& event) {
    Decision out;
    if (!state.outbox.contains(event.id)) return out;
    auto const write = [&]<class T>(T const& body) {
        out.records.push_back({kind_of<T>(), to_json(body)});
    };
    if (event.ok) {
        write(MessageEnded{event.id, MessageState::sent, event.text});
    } else if (event.give_up) {
        write(MessageEnded{event.id, MessageState::dropped, event.text});
    } else {
        write(MessageAttempted{event.id, event.text});
    }
    return out;
}

void queue_message(
    Draft& draft, std::string const& incident, std::string const& event,
    std::vector<std::string> const& channels, std::string text, std::string command, Duration delay
) {
    Alert const alert{incident, event, std::move(text), std::move(command), draft.now.boot + delay,
                      channels};
    for (auto const& channel : draft.policy.channels) {
        if (is_wanted(channel.name, channels)) queue(draft, channel, alert, nullptr);
    }
}

void queue_reminder(
    Draft& draft, std::string const& incident, std::string topic, std::string text,
    std::string command
) {
    auto const channels = channels_of(draft, draft.incident(incident));
    Alert alert{incident,           "follow_up.due", std::move(text),
                std::move(command), draft.now.boot,  channels};
    alert.topic = std::move(topic);
    for (auto const& channel : draft.policy.channels) {
        if (is_wanted(channel.name, channels)) queue(draft, channel, alert, nullptr);
    }
}

void on(Draft& draft, ChannelFailed const& event) {
    auto const found = draft.state.outbox.find(event.id);
    if (found == draft.state.outbox.end() || found->second->fallback.empty()) return;
    auto const message = *found->second;
    auto const why = printable_line(event.text, reason_max);
    draft.write(MessageFellBack{message.id, message.fallback, why});
    queue_message(
        draft, message.incident, message.event, {message.fallback},
        message.text + "\n(told here because its channel fails: " + why + ")", message.command,
        Duration::zero()
    );
}

void queue_ack(Draft& draft, std::string const& incident, std::string const& by) {
    auto const told = channels_of(draft, draft.incident(incident));
    std::vector<std::string> following;
    for (auto const& channel : draft.policy.channels) {
        if (is_wanted(channel.name, told) && follows_acks(channel)) {
            following.push_back(channel.name);
        }
    }
    if (following.empty()) return;
    queue_message(
        draft, incident, "incident.acked", following,
        draft.incident(incident).service + ": " + by + " has taken " + incident, "",
        Duration::zero()
    );
}

void queue_messages(Draft& draft, State const& before) {
    auto const changed = changed_incidents(draft.state, before);
    // What has changed may be what it was waited for: no deadline ahead would bring it up.
    for (auto const& id : changed) tell_again(draft, id);
    for (auto const& id : changed) {
        auto const now = draft.state.incidents.at(id);
        auto const* const then = before.incident(id);
        if (then == now.get()) continue;
        if (is_silenced(draft.state, now->service) || !pages(*now)) continue;
        auto const channels = channels_of(draft, *now);
        bool const newly_recovered =
            now->recovered_at && (then == nullptr || then->recovered_at != now->recovered_at);
        bool const escalated = now->escalated && (then == nullptr || !then->escalated);
        bool const unanswered =
            now->unanswered != (then == nullptr ? std::uint32_t(0) : then->unanswered);
        // An incident that was only opened and asks the world first is told with its next state, or
        // with what was decided where it stays in this one.
        bool const answered = then != nullptr && then->asking && !now->asking &&
                              now->state == IncidentState::open &&
                              now->standing_text != then->standing_text;
        bool const entered = then == nullptr || then->state != now->state || answered;
        // Frozen, say, it would be told of by no change of its state.
        bool const worse = !entered && then != nullptr && now->severity < then->severity;
        if (!newly_recovered && !escalated && !unanswered && !worse && !entered) continue;
        auto const head = head_of(*now);
        auto const text = message_text(*now, head);
        if (newly_recovered) {
            queue_message(
                draft, id, "incident.verified", channels, text, head.command, Duration::zero()
            );
        }
        if (escalated || worse) {
            queue_message(
                draft, id, "incident.escalated", escalated ? std::vector<std::string>() : channels,
                "ESCALATED " + text, head.command, Duration::zero()
            );
        }
        if (unanswered) {
            auto const take = "rollbackctl ack " + id;
            queue_message(
                draft, id, "incident.unanswered", {},
                "UNANSWERED " + text + "\nNobody has answered yet. Who takes it: " + take,
                head.command.empty() ? take : head.command, Duration::zero()
            );
        }
        if (!entered) continue;
        auto const passing = now->asking ? answer_window : merge_window;
        auto const delay = is_passing(now->state) ? passing : Duration::zero();
        Alert const alert{id,           event_of(now->state),   text,
                          head.command, draft.now.boot + delay, channels};
        auto const storm = storm_of(draft, *now);
        for (auto const& channel : draft.policy.channels) {
            if (!is_wanted(channel.name, channels)) continue;
            queue(draft, channel, alert, storm ? &*storm : nullptr);
        }
    }
}

}  // namespace rollbackd
