// The clock, and going on after a restart.
#include "engine/answering.hpp"
#include "engine/guards.hpp"
#include "engine/planning.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

// Beyond its timeout, until the last process of a step that ignores being asked to end is gone.
constexpr Duration killed_within = std::chrono::seconds(30);

// Another daemon began it, and it runs to its own end there. It began before that one lost the
// journal, so its timeout from now on is long enough, whatever the two machines' clocks say.
void settle_unseen(Draft& draft, Run const& run, std::uint32_t n) {
    auto const& planned = planned_step(run, n);
    SettleStep command{run.id, n, as_run(planned, run)};
    command.not_before = draft.now.boot + planned.timeout + killed_within;
    draft.command(std::move(command));
}

void adopt_run(Draft& draft, Run const& run, Incident const& incident, std::string const& node) {
    for (auto const& step : run.steps) {
        if (step.state != StepState::running) continue;
        if (step.type == "wait_until") return;
        if (!node.empty() && step.node && *step.node != node) {
            settle_unseen(draft, run, step.n);
            return;
        }
        auto const begun = step.started_at ? step.started_at->boot : draft.now.boot;
        draft.command(AdoptStep{
            run.id, step.n, step.attempt, as_run(planned_step(run, step.n), run), incident.service,
            incident.id, std::max(draft.now.boot - begun, Duration::zero())
        });
        if (run.aborting) draft.command(AbortStep{run.id, step.n});
        return;
    }
    advance(draft, std::string(run.id));
}

// Checks whose commands nobody waits for any more: a check may be asked twice.
void ask_again(
    Draft& draft, Run const& run, std::vector<CheckRun> const& checks, bool success_list
) {
    for (auto check : checks) {
        if (!check.started || check.passed) continue;
        check.started = false;
        draft.write(VerifyProgress{run.id, success_list, std::move(check)});
    }
}

}  // namespace

void on(Draft& draft, Recovered const& event) {
    std::string note;
    bool const doubt = draft.state.clock_doubt;
    if (doubt) note = "the clock stands before the newest record";
    RecoveredRecord recovered;
    recovered.version = ROLLBACKD_VERSION;
    recovered.note = note;
    if (!event.node.empty()) recovered.node = event.node;
    draft.write(std::move(recovered));
    for (auto const& service : draft.policy.services) {
        // Doubt counts against acting: nobody knows how old that deployment is.
        if (doubt && draft.state.service(service.name).window) {
            draft.write(WindowClosed{service.name, note});
        }
    }
    std::vector<std::shared_ptr<Incident const>> open;
    for (auto const& [id, incident] : draft.state.incidents) {
        if (incident->state != IncidentState::resolved) open.push_back(incident);
    }
    for (auto const& incident : open) {
        bool busy = false;
        for (auto const& run : incident->runs) {
            if (run.state == RunState::running) {
                busy = true;
                adopt_run(draft, run, *incident, event.node);
            } else if (run.state == RunState::verifying) {
                busy = true;
                ask_again(draft, run, run.verify, false);
            }
        }
        for (auto const& run : incident->runs) {
            if (run.state == RunState::succeeded) ask_again(draft, run, incident->success, true);
        }
        if (!incident->asking) continue;
        if (!busy) consider(draft, incident->id);
        // A plan of a person's may wait, or run: nobody will answer that question any more.
        auto const& now = draft.incident(incident->id);
        if (now.asking && now.ask == incident->ask) drop_question(draft, incident->id);
    }
    on(draft, Tick{});  // what fell due while nobody ran
}

namespace {

void time_out_approvals(Draft& draft, std::string const& id) {
    auto const& incident = draft.incident(id);
    auto const* const policy = draft.policy.service(incident.service);
    auto const* const waiting = waiting_run(incident);
    if (waiting == nullptr || policy == nullptr || !waiting->waiting_since) return;
    if (draft.now.boot < *waiting->waiting_since + policy->limits.approval_timeout) return;
    std::string const why =
        "unanswered for " + format_duration(policy->limits.approval_timeout) + ": rejected";
    Run const plan = *waiting;
    end_run(draft, plan.id, RunState::aborted, why);
    draft.write(Escalated{id, why});
    set_state(draft, id, IncidentState::open, why);
    answer_others(draft, id, plan);
}

// A step that waits for a person inside a run: unanswered, an approval is rejected, and of an
// instruction people are told once more.
void time_out_steps(Draft& draft, std::string const& id) {
    auto const* const run = active_run(draft.incident(id));
    auto const* const policy = draft.policy.service(draft.incident(id).service);
    if (run == nullptr || policy == nullptr || !run->waiting_since) return;
    for (auto const& step : run->steps) {
        if (step.state != StepState::waiting) continue;
        bool const manual = step.type == "manual";
        auto const limit =
            manual ? planned_step(*run, step.n).timeout : policy->limits.approval_timeout;
        if (draft.now.boot < *run->waiting_since + limit) return;
        if (!manual) {
            std::string const why = "unanswered for " + format_duration(limit) + ": rejected";
            reject_step(draft, std::string(run->id), why);
        } else if (!draft.incident(id).escalated) {
            draft.write(Escalated{
                id, "step " + std::to_string(step.n) + " waits for a person since " +
                        format_duration(limit)
            });
        }
        return;
    }
}

void end_start_period(Draft& draft, std::string const& id) {
    auto const& incident = draft.incident(id);
    bool const due = incident.state == IncidentState::open && incident.held_until &&
                     draft.now.boot >= incident.held_until->boot;
    if (!due) return;
    draft.write(StateChanged{id, IncidentState::open, "the start_period is over", {}});
    reconsider(draft, std::string(draft.incident(id).service), "the start_period is over");
}

// What was held as unstable and is true without changing any more is no flapping: it is judged
// again, unless a person has said no meanwhile.
void judge_when_stable(Draft& draft, std::string const& id) {
    auto const& incident = draft.incident(id);
    auto const* const waiting = waiting_run(incident);
    if (waiting == nullptr || waiting->manual) return;
    auto const* const firing = answered_firing(incident, *waiting);
    if (firing == nullptr) return;
    bool const held =
        std::any_of(incident.refusals.begin(), incident.refusals.end(), [&](Refusal const& one) {
            return one.guard == Guard::unstable && one.trigger == firing->trigger;
        });
    if (!held) return;
    auto const* const track = draft.senses.track(incident.service, firing->trigger);
    if (track == nullptr || track->flapping.is_unstable(draft.now.boot)) return;
    reconsider(draft, std::string(incident.service), firing->trigger + " is stable again");
}

void tell_overdue(Draft& draft, std::string const& id) {
    if (is_silenced(draft.state, draft.incident(id).service)) return;  // told when it ends
    for (auto const& duty : std::vector<DutyRun>(draft.incident(id).duties)) {
        bool const due = duty.state == DutyState::open && !duty.overdue_told &&
                         draft.now.boot >= duty.due_at.boot;
        if (!due) continue;
        draft.write(DutyChanged{id, duty.n, DutyState::open, true, "", ""});
        std::vector<std::string> to;
        if (!duty.duty.to.empty()) to.push_back(duty.duty.to);
        auto const confirm = "rollbackctl confirm " + id + " duty:" + std::to_string(duty.n);
        queue_message(
            draft, id, "duty.overdue", to,
            draft.incident(id).service + ": a duty is overdue since " +
                format_moment(duty.due_at.wall) + ": " + duty.duty.text + " (" + id +
                ")\nYou: do it, then: " + confirm,
            confirm, Duration::zero()
        );
    }
}

std::string reminder_text(
    Incident const& incident, ReminderRun const& reminder, std::int64_t missed
) {
    auto const entry = reminder.reminder.entry;
    bool const known = entry > 0 && entry <= incident.follow_up.size();
    std::string text = incident.service + ": follow up " + incident.id + ", recovered at " +
                       format_moment(reminder.since.wall) + ": " +
                       (known ? incident.follow_up[entry - 1] : "");
    if (missed > 0) {
        text += "\nNobody could be reminded before: " + std::to_string(missed) +
                (missed == 1 ? " more was" : " more were") + " due meanwhile";
    }
    text += reminder.next_at ? "\nNext: again at " + format_moment(reminder.next_at->wall)
                             : std::string("\nNext: nothing, this was the last one");
    text += "\nYou: look";
    return reminder.next_at ? text + "; who has seen enough: rollbackctl resolve " + incident.id
                            : text;
}

// What fell due while nobody could be told (a silence, no daemon) is told once, late.
void remind(Draft& draft, std::string const& id) {
    if (is_silenced(draft.state, draft.incident(id).service)) return;  // told when it ends
    if (!pages(draft.incident(id))) return;
    for (auto const& due : std::vector<ReminderRun>(draft.incident(id).reminders)) {
        if (!due.next_at || draft.now.boot < due.next_at->boot) continue;
        auto const missed = due.due_by(draft.now.boot) - due.due_by(due.next_at->boot);
        auto const entry = due.reminder.entry;
        draft.write(ReminderTold{id, entry, std::uint64_t(std::max(missed, std::int64_t(0)))});
        auto const& incident = draft.incident(id);
        auto const told = std::find_if(
            incident.reminders.begin(), incident.reminders.end(),
            [&](ReminderRun const& one) { return one.reminder.entry == entry; }
        );
        queue_reminder(
            draft, id, "follow_up:" + std::to_string(entry), reminder_text(incident, *told, missed),
            "rollbackctl show " + id
        );
    }
}

void escalate_late(Draft& draft, std::string const& id) {
    auto const& incident = draft.incident(id);
    auto const* const policy = draft.policy.service(incident.service);
    if (policy == nullptr || incident.escalated || incident.state == IncidentState::resolved)
        return;
    for (auto const& firing : incident.triggers) {
        auto const* const trigger = policy->trigger(firing.trigger);
        if (firing.cleared || trigger == nullptr || !trigger->deadline) continue;
        if (draft.now.boot < firing.fired_at.boot + *trigger->deadline) continue;
        draft.write(Escalated{
            id, firing.trigger + " is not resolved within " + format_duration(*trigger->deadline)
        });
        return;
    }
}

}  // namespace

void tell_again(Draft& draft, std::string const& id) {
    auto const& incident = draft.incident(id);
    if (draft.now.boot < told_again_at(incident, draft.policy)) return;
    if (is_silenced(draft.state, incident.service) || !pages(incident)) return;
    auto const waited = draft.now.boot - incident.opened_at.boot;
    draft.write(Unanswered{
        id, "nobody has answered for " +
                format_duration(std::chrono::floor<std::chrono::seconds>(waited))
    });
}

void on(Draft& draft, Tick const&) {
    for (auto const& silence : std::vector<Silence>(draft.state.silences)) {
        if (draft.now.boot >= silence.until.boot) end_silence(draft, silence, "");
    }
    std::vector<std::string> ids = draft.state.incident_order;
    for (auto const& id : ids) {
        if (draft.state.incident(id) == nullptr) continue;
        if (draft.incident(id).state != IncidentState::resolved) {
            time_out_approvals(draft, id);
            time_out_steps(draft, id);
            judge_when_stable(draft, id);
            end_start_period(draft, id);
            escalate_late(draft, id);
            tell_again(draft, id);
        }
        tell_overdue(draft, id);
        remind(draft, id);
    }
    for (auto const& service : draft.policy.services) {
        progress(draft, service.name);
        check_bake(draft, service.name);
    }
}

}  // namespace rollbackd
