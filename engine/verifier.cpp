// Verification: only samples begun after the last step count, and only effects prove anything.
#include "engine/verifier.hpp"

#include "engine/guards.hpp"
#include "engine/planning.hpp"

#include <algorithm>

namespace rollbackd {

using namespace std::chrono_literals;

bool false_for_long(
    Draft const& draft, std::string const& service, Firing const& firing, Instant since
) {
    if (firing.resolve_after.duration) {
        since = draft.senses.last_true(
            service, firing.when, firing.rules, since, draft.state, draft.now
        );
    }
    return draft.senses.enough_good(service, firing.when, firing.resolve_after, since, draft.now);
}

Evaluation fresh(
    Draft const& draft, std::string const& service, std::string const& condition,
    JudgeRules const& rules, Instant since, bool quiet_is_zero
) {
    auto found = draft.senses.evaluate_text(
        service, condition, rules, since, draft.state, draft.now, quiet_is_zero
    );
    if (found.verdict == Verdict::false_ && draft.senses.holds(service, condition, since)) {
        found.verdict = Verdict::unknown;
        found.why += "; failures wait for the end of start_period";
    }
    return found;
}

Evaluation Verifier::ask(std::string const& condition, JudgeRules const& rules, bool quiet_is_zero)
    const {
    return fresh(draft, service, condition, rules, since, quiet_is_zero);
}

Duration Verifier::settle() const {
    auto const* const policy = draft.policy.service(service);
    return policy == nullptr ? Limits{}.settle : policy->limits.settle;
}

void Verifier::note(CheckRun check, bool success_list) {
    draft.write(VerifyProgress{run_id, success_list, std::move(check)});
}

// True when this entry has come to pass; `reading` says how it stands otherwise.
bool Verifier::step_check(
    Check const& check, CheckRun now, bool success_list, Outstanding& reading
) {
    switch (check.kind) {
        case CheckKind::until: {
            auto const found = ask(check.condition, {});
            reading = {found.verdict, found.why};
            if (found.verdict != Verdict::true_) return false;
            break;
        }
        case CheckKind::hold: {
            // No line in an error log for five minutes is what a success entry waits for.
            auto const found = ask(check.condition, {}, success_list);
            reading = {found.verdict, found.why};
            if (draft.senses.holds(service, check.condition, since)) {
                reading.verdict = Verdict::unknown;
            }
            if (reading.verdict != Verdict::true_) {
                if (now.since) {
                    now.since.reset();
                    note(now, success_list);
                }
                return false;
            }
            if (!now.since) {
                now.since = draft.now.boot;
                note(now, success_list);
            }
            reading.verdict = Verdict::unknown;  // true so far is not yet proof
            if (draft.now.boot < *now.since + check.limit) return false;
            break;
        }
        case CheckKind::run: {
            bool const due = !now.started && (!now.since || draft.now.boot >= *now.since);
            reading = {now.why.empty() ? Verdict::unknown : Verdict::false_, now.why};
            if (!due) return false;
            now.started = true;
            note(now, success_list);
            draft.command(RunCheck{
                run_id, now.n, success_list, check.argv, check.from,
                std::max<Duration>(settle(), 10s)
            });
            return false;
        }
        case CheckKind::manual:
            reading = {Verdict::unknown, "waits for a person: " + check.text};
            return false;
    }
    now.passed = true;
    now.why = reading.why;
    note(now, success_list);
    return true;
}

bool Verifier::all_checks(
    bool success_list, Outstanding& worst, std::optional<std::string>& too_late
) {
    bool all = true;
    auto const checks = success_list ? run().plan.success : run().plan.verify;
    for (std::size_t i = 0; i < checks.size(); ++i) {
        auto const& list = success_list ? draft.incident(run().incident).success : run().verify;
        if (i >= list.size() || list[i].passed) continue;
        Outstanding reading;
        if (step_check(checks[i], list[i], success_list, reading)) continue;
        all = false;
        if (reading.verdict == Verdict::false_ || worst.why.empty()) worst = reading;
        bool const late =
            checks[i].kind == CheckKind::until && checks[i].limit > Duration::zero() &&
            draft.now.boot >= since + checks[i].limit && reading.verdict == Verdict::false_;
        if (late) {
            too_late = checks[i].condition + " not within " + format_duration(checks[i].limit) +
                       ": " + reading.why;
        }
    }
    return all;
}

// A run that nothing could prove when it began is proved by what has joined since.
bool Verifier::answers(Firing const& firing) const {
    auto const& named = run().answers;
    if (proves_nothing(run())) return !firing.cleared;
    return std::find(named.begin(), named.end(), firing.trigger) != named.end();
}

bool Verifier::all_triggers_false(Outstanding& worst) {
    bool all = true;
    auto const& incident = draft.incident(run().incident);
    for (auto const& firing : incident.triggers) {
        if (!answers(firing)) continue;
        auto const found = ask(firing.when, firing.rules);
        bool const enough =
            found.verdict == Verdict::false_ && false_for_long(draft, service, firing, since);
        if (enough) continue;
        all = false;
        if (found.verdict == Verdict::true_) {
            worst = {Verdict::false_, firing.trigger + " is still true: " + found.why};
        } else if (worst.why.empty()) {
            worst = {Verdict::unknown, firing.trigger + " is not proved false yet: " + found.why};
        }
    }
    return all;
}

void Verifier::recovered() {
    std::map<std::string, Instant> floors;
    auto const incident = run().incident;
    for (auto const& firing : draft.incident(incident).triggers) {
        if (answers(firing)) floors[firing.trigger] = since;
    }
    draft.write(RunEnded{run_id, RunState::succeeded, "verified", ""});
    if (auto const* const waiting = waiting_run(draft.incident(incident))) {
        std::string const plan = waiting->id;
        end_run(draft, plan, RunState::aborted, "void: " + run_id + " is verified");
    }
    draft.write(IncidentRecovered{incident, run_id, std::move(floors)});
    free_locks(draft, incident);
    owe_duties();
    follow_through(draft, incident);
}

void Verifier::owe_duties() {
    auto const incident = run().incident;
    auto duties = run().plan.duties;
    if (auto const* const policy = draft.policy.service(service)) {
        for (auto const& duty : policy->duties) {
            if (duty.from == DutyFrom::recovery) duties.push_back(duty);
        }
    }
    auto n = std::uint32_t(draft.incident(incident).duties.size());
    for (auto const& duty : duties) {
        auto const from =
            duty.from == DutyFrom::detection ? draft.incident(incident).opened_at : draft.moment();
        DutyRun owed;
        owed.n = ++n;
        owed.duty = duty;
        owed.due_at = later(from, duty.deadline);
        draft.write(DutyOwed{incident, std::move(owed)});
    }
}

// No entry of verify and no trigger to become false: that its steps ended well proves nothing.
void Verifier::end_unproven() {
    auto const incident = run().incident;
    auto const playbook = run().plan.playbook;
    std::string const why = "nothing was there to prove it by";
    draft.write(RunEnded{run_id, RunState::succeeded, why, ""});
    free_locks(draft, incident);
    owe_duties();
    set_state(
        draft, incident, IncidentState::unverified,
        "every step of " + playbook + " is done, but nothing proves that it helped: " +
            "it has no verify and answers no trigger"
    );
}

void Verifier::step() {
    auto const& joined = draft.incident(run().incident).triggers;
    bool const all_clear = std::all_of(joined.begin(), joined.end(), [](Firing const& firing) {
        return firing.cleared;
    });
    if (proves_nothing(run()) && all_clear) {
        end_unproven();
        return;
    }
    Outstanding worst;
    std::optional<std::string> too_late;
    bool const checks = all_checks(false, worst, too_late);
    bool const triggers = all_triggers_false(worst);
    if (checks && triggers) {
        recovered();
        return;
    }
    auto const incident = run().incident;
    // Its time is over already; another plan may wait meanwhile.
    bool const unverified = draft.incident(incident).state != IncidentState::verifying;
    auto const until = since + settle();
    bool const rung_over = run().recover_by && draft.now.boot >= *run().recover_by;
    bool const over = draft.now.boot >= until || rung_over;
    if (too_late && !unverified) {
        end_run(draft, run_id, RunState::failed, *too_late);
        return;
    }
    bool const bad = worst.verdict == Verdict::false_;
    if (unverified) {
        if (bad) end_run(draft, run_id, RunState::failed, "data decided: " + worst.why);
        return;
    }
    if (!over) return;
    if (bad || (rung_over && draft.now.boot < until)) {
        end_run(
            draft, run_id, RunState::failed,
            (rung_over ? "not recovered within the rung's time: " : "not recovered: ") + worst.why
        );
        return;
    }
    set_state(
        draft, incident, IncidentState::unverified, "cannot tell whether it worked: " + worst.why
    );
}

}  // namespace rollbackd
