// The guards of DESIGN A5 and A6: each is asked, each answer is kept, passed or not.
#pragma once

#include "engine/draft.hpp"

namespace rollbackd {

struct Judgement {
    std::vector<GuardResult> guards;
    std::vector<Refusal> refusals;  // of the guards that did not pass
    /// (b): the breach without the failures from before the deployment, where that was asked.
    std::optional<Evaluation> blamed = {};
    std::optional<Before> before = {};  // (b): what it was judged on
    /// (b): how it stood when it was deployed, since an older breach of the incident began.
    std::optional<Evaluation> beside = {};
    bool passed() const { return refusals.empty(); }
    Refusal const* refusal(Guard guard) const;
};

void add(Judgement& to, Judgement const& from);

/// Who wants it: the policy by itself, a person approving its plan, or a person's own run.
enum class Wanted { automatic, approved, manual };

/// Guards that hold the whole ladder: (c), (f) and blind. `firing` null: no trigger is blamed.
Judgement judge_hold(
    Draft const& draft, Incident const& incident, Firing const* firing,
    std::vector<std::string> const& locks, Answer const* answer, Wanted wanted
);
/// Guards of one rung: (a), (b), (d), (e). `plan` as planned, or why it could not be.
Judgement judge_rung(
    Draft const& draft, Incident const& incident, Firing const* firing, Playbook const& playbook,
    Result<Plan> const& plan, Answer const* answer, Wanted wanted
);

/// What a deployment alone has done (A6 b): failures before it count in no streak, and where the
/// condition had crossed its threshold before it, no sample before it counts at all. (Else a ratio
/// that was too high already would be blamed on whoever deploys next.)
Evaluation judge_blamed(
    Senses const& senses, ServicePolicy const& service, std::string const& when,
    JudgeRules const& rules, Deployment const& deployment, std::optional<Instant> floor,
    State const& state, Now now
);

/// (c) where many services broke together. Only for a rung that undoes something: containment does
/// not wait, and a shared cause makes it no worse.
Judgement judge_storm(Draft const& draft, Incident const& incident, Firing const& firing);
/// Guards of an approval in the middle of a run: those that say hands off now, and whether the
/// target may still be restored. Why it began is not asked again: half-done helps nobody.
Judgement judge_step(
    Draft const& draft, Incident const& incident, Firing const* firing, Run const& run,
    Answer const* answer
);
/// What the steps of that playbook's plan answered, to be written down.
JsonArray looks_at(Answer const& answer, std::string const& playbook);
/// What is written down of a person's decision: who, what the steps answered, and what they went
/// against.
JsonObject by_a_person(
    std::string const& how, Actor const& who, Answer const& answer, std::string const& playbook,
    std::string const& forced
);
/// What stands in the way, for the person; where it is what a step says, how to go against it.
std::string refusal_of(Judgement const& judgement, std::string const& all_the_same);
/// A person goes on though steps say that they cannot work: what they say, taken out of the answer.
std::string take_objections(Answer& answer);
/// The trigger a run answers (the first of them); null: a person's own run.
Firing const* answered_firing(Incident const& incident, Run const& run);

Autonomy effective_autonomy(Draft const& draft, std::string const& service, Firing const* firing);
/// An active run: waiting is not one; unverified no longer is.
Run const* active_run(Incident const& incident);
/// Begun and not ended; also while its incident is unverified.
bool is_run_on(Incident const& incident);
Run const* waiting_run(Incident const& incident);
/// The active run on that service, in whatever incident.
Run const* run_on(State const& state, std::string const& service);

}  // namespace rollbackd
