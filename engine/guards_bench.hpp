// Private to engine/guards*.cpp: where one judgement's answers are gathered.
#pragma once

#include "engine/guards.hpp"

namespace rollbackd {

struct Bench {
    Draft const& draft;
    Incident const& incident;
    Firing const* firing;
    std::string playbook;
    Judgement out;

    void say(Guard guard, bool passed, std::string text, bool carried = false) {
        out.guards.push_back({guard, letter_of(guard), passed, text});
        if (passed) return;
        out.refusals.push_back(
            {guard, letter_of(guard), std::move(text), playbook,
             firing == nullptr ? "" : firing->trigger, draft.moment(), carried}
        );
    }
};

/// Pause, silence, freeze.
void judge_switches(Bench& bench, ServiceState const& known, Wanted wanted);
/// (c): blind, and what the service depends on.
void judge_world(Bench& bench, ServicePolicy const& service, Answer const* answer);

}  // namespace rollbackd
