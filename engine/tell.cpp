// The timeline's words: one line per record that is worth one.
#include "engine/records.hpp"

namespace rollbackd {

namespace {

std::string step_name(State const& state, std::string const& run_id, std::uint32_t n) {
    auto const [incident, run] = state.run(run_id);
    if (run == nullptr || n == 0 || n > run->steps.size()) return "step " + std::to_string(n);
    return "step " + std::to_string(n) + " (" + run->steps[n - 1].name + ")";
}

std::string first_line(std::string const& text) { return text.substr(0, text.find('\n')); }

struct Teller {
    State const& state;

    std::string operator()(DeploymentRecorded const& r) const {
        return r.deployment.version + " was deployed" +
               (r.quarantined ? " though it is quarantined" : "") +
               (r.own        ? " by the run itself"
                : r.repeated ? " (said again)"
                             : "");
    }
    std::string operator()(KnownGood const& r) const {
        return r.version + " is known-good: " + r.why;
    }
    std::string operator()(Quarantined const& r) const {
        return r.version + " is quarantined until a person releases it";
    }
    std::string operator()(ReleasedRecord const& r) const {
        return r.version + " was released by " + r.by;
    }
    std::string operator()(PausedRecord const& r) const { return "paused by " + r.by; }
    std::string operator()(ResumedRecord const& r) const { return "resumed by " + r.by; }
    std::string operator()(IncidentOpened const& r) const {
        auto const& incident = r.incident;
        if (incident.triggers.empty()) return "opened for a run asked for by a person";
        auto const& firing = incident.triggers.front();
        return "detected: " + firing.trigger + ", " + firing.evaluation.why;
    }
    std::string operator()(IncidentJoined const& r) const {
        return "joined: " + r.firing.trigger + ", " + r.firing.evaluation.why;
    }
    std::string operator()(IncidentAsked const&) const {
        return "asking references, dependencies and the target afresh";
    }
    std::string operator()(IncidentJudged const& r) const {
        auto const who = text_of(r.evidence, "approved_by");
        std::string out = who.empty() ? "judged" : "judged again, since " + who + " approved";
        if (!r.playbook.empty()) out += " " + r.playbook;
        if (r.refusals.empty()) return out + ": every guard passed";
        // What each of them says is told by the line that follows, and by explain.
        for (auto const& refusal : r.refusals) {
            out += (&refusal == &r.refusals.front() ? ": held by " : ", ") +
                   to_string(refusal.guard) + " (" + refusal.letter + ")";
        }
        return who.empty() ? out : out + ": " + r.refusals.front().text;
    }
    std::string operator()(RungChanged const& r) const {
        if (r.state != RungState::passed_over) return "";
        return r.why.empty() ? r.playbook + " passed over" : r.why;
    }
    std::string operator()(StateChanged const& r) const {
        return to_string(r.state) + ": " + r.why;
    }
    std::string operator()(TriggerCleared const& r) const {
        return r.trigger + " is no longer true: " + r.why;
    }
    std::string operator()(AckedRecord const& r) const { return "acknowledged by " + r.by; }
    std::string operator()(Escalated const& r) const { return "escalated: " + r.why; }
    std::string operator()(Unanswered const& r) const { return "told again: " + r.why; }
    std::string operator()(VerdictRecord const& r) const {
        return "verdict " + r.verdict + " by " + r.by;
    }
    std::string operator()(EvidenceRecord const& r) const {
        return "evidence kept: " + r.evidence.name;
    }
    std::string operator()(RunPlanned const& r) const {
        auto const& plan = r.run.plan;
        return "planned " + plan.playbook + (plan.target ? " to " + *plan.target : "") + " (" +
               r.run.id + ")";
    }
    std::string operator()(RunApproved const& r) const { return "approved by " + r.by; }
    std::string operator()(RunStarted const& r) const { return "started " + r.run; }
    std::string operator()(StepIntent const& r) const {
        return step_name(state, r.run, r.n) + " starts" +
               (r.attempt > 1 ? ", attempt " + std::to_string(r.attempt) : "");
    }
    std::string operator()(StepWaiting const& r) const {
        return step_name(state, r.run, r.n) + " waits for a person: " + r.text;
    }
    std::string operator()(StepEndedRecord const& r) const {
        auto const text = first_line(r.text);
        return step_name(state, r.run, r.n) + " " + to_string(r.state) +
               (text.empty() ? "" : ": " + text);
    }
    std::string operator()(AbortAsked const& r) const {
        return r.why.empty() ? "abort asked for by " + r.by : r.why;
    }
    std::string operator()(RunVerifying const&) const { return "all steps done, verifying"; }
    std::string operator()(VerifyProgress const& r) const {
        return r.check.passed ? "check " + std::to_string(r.check.n) + " passed: " + r.check.why
                              : "";
    }
    std::string operator()(RunEnded const& r) const {
        return r.run + " " + to_string(r.state) + ": " + r.why;
    }
    std::string operator()(IncidentRecovered const&) const {
        return "recovered: verified by fresh samples";
    }
    std::string operator()(IncidentResolved const& r) const { return "resolved: " + r.why; }
    std::string operator()(DutyOwed const& r) const {
        return "duty until " + format_moment(r.duty.due_at.wall) + ": " + r.duty.duty.text;
    }
    std::string operator()(DutyChanged const& r) const {
        if (r.overdue) return "duty " + std::to_string(r.n) + " is overdue";
        return "duty " + std::to_string(r.n) + " " + to_string(r.state) + " by " + r.by +
               (r.reason.empty() ? "" : ": " + r.reason);
    }
    std::string operator()(ReminderTold const& r) const {
        auto const* const incident = state.incident(r.id);
        bool const known =
            incident != nullptr && r.entry > 0 && r.entry <= incident->follow_up.size();
        return "reminded of follow-up " + std::to_string(r.entry) +
               (known ? ": " + incident->follow_up[r.entry - 1] : "");
    }
    std::string operator()(RemindersEnded const& r) const {
        return "no further reminders: ended by " + r.by + (r.reason.empty() ? "" : ", " + r.reason);
    }
    std::string operator()(MessageEnded const& r) const {
        return r.state == MessageState::dropped ? "message " + r.id + " given up: " + r.text : "";
    }
    std::string operator()(LadderGrown const&) const { return "the ladder grew by on_failure"; }
    std::string operator()(LadderReopened const& r) const { return "judged again: " + r.why; }
    std::string operator()(TriggerRefired const& r) const { return r.trigger + " is true again"; }
    std::string operator()(PolicyLoadedRecord const&) const { return ""; }
    std::string operator()(RecoveredRecord const&) const { return ""; }
    std::string operator()(Disturbed const&) const { return ""; }
    std::string operator()(WindowClosed const& r) const {
        return "no deployment is blamed: " + r.why;
    }
    std::string operator()(ReadinessChanged const& r) const {
        return r.playbook + (r.ready ? " can be run" : " cannot be run now: " + r.why);
    }
    std::string operator()(DrillRecorded const& r) const {
        return "a drill of " + r.playbook + " by " + r.by +
               (r.drill.recovered ? ": recovered after " + format_human(*r.drill.recovered)
                                  : ": it did not recover");
    }
    std::string operator()(SilenceAddedRecord const& r) const {
        return "silenced by " + r.silence.by + ": " + r.silence.reason;
    }
    std::string operator()(SilenceEnded const&) const { return "the silence has ended"; }
    std::string operator()(MessageQueued const&) const { return ""; }
    std::string operator()(MessageAttempted const& r) const {
        return "message " + r.id + " not delivered yet: " + r.text;
    }
    std::string operator()(MessageFellBack const& r) const {
        return "message " + r.id + " goes to " + r.to + " too: " + r.text;
    }
    std::string operator()(RequestRecord const&) const { return ""; }
};

}  // namespace

std::string tell(RecordBody const& body, State const& state) {
    return std::visit(Teller{state}, body);
}

}  // namespace rollbackd
