// How far a run's verification has come, on what was seen since its last step: entries of verify
// and success, and the triggers it answers. decide_verify.cpp says when it is asked.
#pragma once

#include "engine/draft.hpp"

namespace rollbackd {

/// How an entry or a trigger stands that has not come to pass.
struct Outstanding {
    Verdict verdict = Verdict::unknown;
    std::string why;
};

/// On samples after `since` alone. Failures that wait for the end of a start_period are no proof of
/// health either.
Evaluation fresh(
    Draft const& draft, std::string const& service, std::string const& condition,
    JudgeRules const& rules, Instant since, bool quiet_is_zero = false
);
/// `resolve_after`: enough good samples since the last step, or false for all of that time.
bool false_for_long(
    Draft const& draft, std::string const& service, Firing const& firing, Instant since
);

struct Verifier {
    Draft& draft;
    std::string run_id;
    std::string service;
    Instant since;  // samples at or before this do not exist

    /// Goes on with the verification: recovered, failed, unverified, or not known yet.
    void step();
    /// Whether every entry of a list has come to pass; `worst` says how it stands otherwise.
    bool all_checks(bool success_list, Outstanding& worst, std::optional<std::string>& too_late);

private:
    Run const& run() const { return draft.run(run_id); }
    Evaluation ask(
        std::string const& condition, JudgeRules const& rules, bool quiet_is_zero = false
    ) const;
    Duration settle() const;
    void note(CheckRun check, bool success_list);
    bool step_check(Check const& check, CheckRun now, bool success_list, Outstanding& reading);
    bool answers(Firing const& firing) const;
    bool all_triggers_false(Outstanding& worst);
    void recovered();
    void owe_duties();
    void end_unproven();
};

}  // namespace rollbackd
