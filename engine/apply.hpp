// Private to engine/apply*.cpp: one overload per record body.
#pragma once

#include "engine/records.hpp"

namespace rollbackd::applying {

/// Changes one incident: where it lies if nobody else looks at it, else a copy that is put back
/// (a decision in the making shares incidents with the state it began from).
template <class F>
void change_incident(State& state, std::string const& id, F&& change) {
    auto const found = state.incidents.find(id);
    if (found == state.incidents.end()) return;  // closed so long ago that it was dropped
    if (found->second.use_count() == 1) {
        change(*std::const_pointer_cast<Incident>(found->second));
        return;
    }
    auto copy = std::make_shared<Incident>(*found->second);
    change(*copy);
    found->second = std::move(copy);
}

template <class F>
void change_run(State& state, std::string const& run_id, F&& change) {
    auto const [incident, run] = state.run(run_id);
    if (incident == nullptr) return;
    change_incident(state, incident->id, [&](Incident& copy) {
        for (auto& candidate : copy.runs) {
            if (candidate.id == run_id) change(copy, candidate);
        }
    });
}

void apply(State&, PolicyLoadedRecord const&, Stamp const&);
void apply(State&, RecoveredRecord const&, Stamp const&);
void apply(State&, DeploymentRecorded const&, Stamp const&);
void apply(State&, KnownGood const&, Stamp const&);
void apply(State&, Disturbed const&, Stamp const&);
void apply(State&, WindowClosed const&, Stamp const&);
void apply(State&, Quarantined const&, Stamp const&);
void apply(State&, ReleasedRecord const&, Stamp const&);
void apply(State&, PausedRecord const&, Stamp const&);
void apply(State&, ResumedRecord const&, Stamp const&);
void apply(State&, ReadinessChanged const&, Stamp const&);
void apply(State&, DrillRecorded const&, Stamp const&);
void apply(State&, SilenceAddedRecord const&, Stamp const&);
void apply(State&, SilenceEnded const&, Stamp const&);
void apply(State&, IncidentOpened const&, Stamp const&);
void apply(State&, IncidentJoined const&, Stamp const&);
void apply(State&, IncidentAsked const&, Stamp const&);
void apply(State&, IncidentJudged const&, Stamp const&);
void apply(State&, RungChanged const&, Stamp const&);
void apply(State&, LadderGrown const&, Stamp const&);
void apply(State&, LadderReopened const&, Stamp const&);
void apply(State&, StateChanged const&, Stamp const&);
void apply(State&, TriggerCleared const&, Stamp const&);
void apply(State&, TriggerRefired const&, Stamp const&);
void apply(State&, AckedRecord const&, Stamp const&);
void apply(State&, Escalated const&, Stamp const&);
void apply(State&, Unanswered const&, Stamp const&);
void apply(State&, VerdictRecord const&, Stamp const&);
void apply(State&, EvidenceRecord const&, Stamp const&);
void apply(State&, IncidentRecovered const&, Stamp const&);
void apply(State&, IncidentResolved const&, Stamp const&);
void apply(State&, DutyOwed const&, Stamp const&);
void apply(State&, DutyChanged const&, Stamp const&);
void apply(State&, ReminderTold const&, Stamp const&);
void apply(State&, RemindersEnded const&, Stamp const&);
void apply(State&, RunPlanned const&, Stamp const&);
void apply(State&, RunApproved const&, Stamp const&);
void apply(State&, RunStarted const&, Stamp const&);
void apply(State&, StepIntent const&, Stamp const&);
void apply(State&, StepWaiting const&, Stamp const&);
void apply(State&, StepEndedRecord const&, Stamp const&);
void apply(State&, AbortAsked const&, Stamp const&);
void apply(State&, RunVerifying const&, Stamp const&);
void apply(State&, VerifyProgress const&, Stamp const&);
void apply(State&, RunEnded const&, Stamp const&);
void apply(State&, MessageQueued const&, Stamp const&);
void apply(State&, MessageAttempted const&, Stamp const&);
void apply(State&, MessageFellBack const&, Stamp const&);
void apply(State&, MessageEnded const&, Stamp const&);
void apply(State&, RequestRecord const&, Stamp const&);

}  // namespace rollbackd::applying
