// Records about incidents: opened, joined, judged, changed, recovered, resolved; their duties.
#include "engine/apply.hpp"

#include <algorithm>

namespace rollbackd::applying {

namespace {

constexpr std::size_t refusals_max = 64;
constexpr std::size_t evidence_max = 256;

// Closed incidents stay readable for a while; the journal keeps all of them. Thousands may be open:
// they are counted without being looked up.
void bound_incidents(State& state) {
    auto const closed = [&](std::string const& id) {
        auto const* const incident = state.incident(id);
        return incident == nullptr || incident->state == IncidentState::resolved;
    };
    auto excess =
        std::count_if(
            state.incidents.begin(), state.incidents.end(),
            [](auto const& entry) { return entry.second->state == IncidentState::resolved; }
        ) -
        std::ptrdiff_t(State::closed_incidents_max);
    if (excess <= 0) return;
    std::erase_if(state.incident_order, [&](std::string const& id) {
        if (excess <= 0 || !closed(id)) return false;
        --excess;
        state.incidents.erase(id);
        return true;
    });
}

void set_floors(
    State& state, std::string const& service, std::map<std::string, Instant> const& floors
) {
    for (auto const& [trigger, floor] : floors) state.services[service].floors[trigger] = floor;
}

/// Instants of an earlier boot are below zero: no floor yet is no floor at zero.
void raise_floor(State& state, std::string const& service, std::string const& trigger, Instant to) {
    auto const [floor, fresh] = state.services[service].floors.try_emplace(trigger, to);
    if (!fresh) floor->second = std::max(floor->second, to);
}

void begin_reminders(
    Incident& incident, std::vector<Reminder> const& reminders, Moment const& recovered
) {
    incident.reminders.clear();
    for (auto const& reminder : reminders) {
        ReminderRun made;
        made.reminder = reminder;
        made.since = recovered;
        made.next_at = later(recovered, reminder.every);
        incident.reminders.push_back(std::move(made));
    }
}

void end_reminders(Incident& incident, std::string const& why) {
    for (auto& reminder : incident.reminders) {
        if (!reminder.next_at) continue;
        reminder.next_at.reset();
        reminder.why = why;
    }
}

}  // namespace

void apply(State& state, IncidentOpened const& body, Stamp const&) {
    auto const& incident = body.incident;
    auto& service = state.services[incident.service];
    if (incident.alert_only) {
        for (auto const& firing : incident.triggers) service.alerts[firing.trigger] = incident.id;
    } else {
        service.incident = incident.id;
    }
    state.incidents[incident.id] = std::make_shared<Incident>(incident);
    state.incident_order.push_back(incident.id);
    ++state.next_incident;
}

void apply(State& state, IncidentJoined const& body, Stamp const& stamp) {
    change_incident(state, body.id, [&](Incident& incident) {
        std::erase_if(incident.triggers, [&](Firing const& firing) {
            return firing.trigger == body.firing.trigger;
        });
        incident.triggers.push_back(body.firing);
        std::erase_if(incident.ladder, [&](LadderRung const& rung) {
            return rung.trigger == body.firing.trigger;  // it begins anew
        });
        if (body.firing.resolved.severity < incident.severity) {
            incident.severity = body.firing.resolved.severity;
            incident.worse_at = stamp.at;
        }
        incident.ladder.insert(incident.ladder.end(), body.rungs.begin(), body.rungs.end());
    });
}

void apply(State& state, IncidentAsked const& body, Stamp const&) {
    change_incident(state, body.id, [&](Incident& incident) {
        incident.asking = true;
        incident.held_until.reset();
        incident.ask = body.ask;
    });
}

void apply(State& state, IncidentJudged const& body, Stamp const&) {
    change_incident(state, body.id, [&](Incident& incident) {
        incident.asking = false;
        incident.guards = body.guards;
        // A new judgement of the same rung replaces what was said about it.
        std::erase_if(incident.refusals, [&](Refusal const& refusal) {
            bool const said_again =
                std::any_of(body.refusals.begin(), body.refusals.end(), [&](Refusal const& now) {
                    return now.playbook == refusal.playbook;
                });
            return refusal.trigger == body.trigger &&
                   (said_again || refusal.playbook == body.playbook || refusal.playbook.empty());
        });
        incident.refusals.insert(
            incident.refusals.end(), body.refusals.begin(), body.refusals.end()
        );
        while (incident.refusals.size() > refusals_max) {
            incident.refusals.erase(incident.refusals.begin());
        }
    });
}

void apply(State& state, RungChanged const& body, Stamp const&) {
    change_incident(state, body.id, [&](Incident& incident) {
        for (auto& rung : incident.ladder) {
            bool const meant = body.trigger.empty() || rung.trigger == body.trigger;
            if (rung.playbook != body.playbook || !meant) continue;
            rung.state = body.state;
            rung.why = body.why;
        }
    });
}

void apply(State& state, LadderGrown const& body, Stamp const&) {
    change_incident(state, body.id, [&](Incident& incident) {
        incident.ladder.insert(incident.ladder.end(), body.rungs.begin(), body.rungs.end());
    });
}

void apply(State& state, LadderReopened const& body, Stamp const&) {
    change_incident(state, body.id, [&](Incident& incident) {
        for (auto const& [trigger, to] : body.floors) {
            raise_floor(state, incident.service, trigger, to);
        }
        for (auto& rung : incident.ladder) {
            if (rung.state != RungState::passed_over) continue;
            rung.state = RungState::untried;
            rung.why.clear();
        }
    });
}

void apply(State& state, StateChanged const& body, Stamp const&) {
    std::string service;
    change_incident(state, body.id, [&](Incident& incident) {
        incident.state = body.state;
        incident.standing_text = body.why;
        incident.held_until = body.until;
        service = incident.service;
        if (body.state == IncidentState::frozen) end_reminders(incident, "the incident froze");
    });
    if (body.state == IncidentState::frozen) state.services[service].frozen_by.insert(body.id);
}

void apply(State& state, TriggerCleared const& body, Stamp const&) {
    change_incident(state, body.id, [&](Incident& incident) {
        if (body.floor) raise_floor(state, incident.service, body.trigger, *body.floor);
        for (auto& firing : incident.triggers) {
            if (firing.trigger == body.trigger) firing.cleared = true;
        }
    });
}

void apply(State& state, TriggerRefired const& body, Stamp const&) {
    change_incident(state, body.id, [&](Incident& incident) {
        for (auto& firing : incident.triggers) {
            if (firing.trigger != body.trigger) continue;
            firing.cleared = false;
            firing.evaluation = body.evaluation;
            firing.fired_at = body.at;
            firing.blames = body.blames;
        }
    });
}

void apply(State& state, AckedRecord const& body, Stamp const&) {
    change_incident(state, body.id, [&](Incident& incident) { incident.acked_by = body.by; });
}

void apply(State& state, Escalated const& body, Stamp const&) {
    change_incident(state, body.id, [](Incident& incident) { incident.escalated = true; });
}

void apply(State& state, Unanswered const& body, Stamp const& stamp) {
    change_incident(state, body.id, [&](Incident& incident) {
        ++incident.unanswered;
        incident.unanswered_at = stamp.at;
    });
}

void apply(State& state, VerdictRecord const& body, Stamp const&) {
    std::string service;
    change_incident(state, body.id, [&](Incident& incident) {
        incident.verdict = body.verdict;
        service = incident.service;
    });
    if (service.empty()) return;
    for (auto const& trigger : body.demoted) state.services[service].demoted.insert(trigger);
}

void apply(State& state, EvidenceRecord const& body, Stamp const&) {
    change_incident(state, body.id, [&](Incident& incident) {
        if (incident.evidence.size() < evidence_max) incident.evidence.push_back(body.evidence);
    });
}

void apply(State& state, IncidentRecovered const& body, Stamp const& stamp) {
    std::string service;
    change_incident(state, body.id, [&](Incident& incident) {
        service = incident.service;
        incident.recovered_at = stamp.at;
        for (auto& firing : incident.triggers) {
            if (body.floors.contains(firing.trigger)) firing.cleared = true;
        }
        for (auto const& run : incident.runs) {
            if (run.id != body.run) continue;
            incident.follow_up = run.plan.follow_up;
            begin_reminders(incident, run.plan.reminders, stamp.at);
            incident.success.clear();
            for (std::size_t i = 0; i < run.plan.success.size(); ++i) {
                incident.success.push_back({std::uint32_t(i + 1), false, false, {}, {}});
            }
        }
    });
    if (!service.empty()) set_floors(state, service, body.floors);
}

void apply(State& state, IncidentResolved const& body, Stamp const& stamp) {
    std::string service_name;
    change_incident(state, body.id, [&](Incident& incident) {
        service_name = incident.service;
        incident.state = IncidentState::resolved;
        incident.resolved_at = stamp.at;
        incident.resolved_by = body.by;
        incident.standing_text = body.why;
        incident.asking = false;
        if (!body.by.empty()) end_reminders(incident, "resolved by " + body.by);
        for (auto& firing : incident.triggers) firing.cleared = true;
    });
    if (service_name.empty()) return;
    auto& service = state.services[service_name];
    if (service.incident == body.id) service.incident.clear();
    service.frozen_by.erase(body.id);
    std::erase_if(service.alerts, [&](auto const& entry) { return entry.second == body.id; });
    set_floors(state, service_name, body.floors);
    bound_incidents(state);
}

void apply(State& state, DutyOwed const& body, Stamp const&) {
    change_incident(state, body.id, [&](Incident& incident) {
        incident.duties.push_back(body.duty);
    });
}

void apply(State& state, DutyChanged const& body, Stamp const&) {
    change_incident(state, body.id, [&](Incident& incident) {
        for (auto& duty : incident.duties) {
            if (duty.n != body.n) continue;
            duty.state = body.state;
            duty.by = body.by;
            duty.reason = body.reason;
            duty.overdue_told = duty.overdue_told || body.overdue;
        }
    });
}

void apply(State& state, ReminderTold const& body, Stamp const& stamp) {
    change_incident(state, body.id, [&](Incident& incident) {
        for (auto& told : incident.reminders) {
            if (told.reminder.entry != body.entry || !told.next_at) continue;
            ++told.told;
            // Told late, the next is due when it would have been all the same.
            auto const due = std::max(stamp.at.boot, told.next_at->boot);
            told.next_at = later(told.since, told.reminder.every * (told.due_by(due) + 1));
            if (told.next_at->boot <= told.until()) continue;
            told.next_at.reset();
            told.why = "its time is over";
        }
    });
}

void apply(State& state, RemindersEnded const& body, Stamp const&) {
    change_incident(state, body.id, [&](Incident& incident) {
        end_reminders(incident, "ended by " + body.by);
    });
}

}  // namespace rollbackd::applying
