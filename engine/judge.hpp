// One judgement of one trigger's ladder: which rung may run, which is passed over and why, and what
// holds them all. Called by decide_ladder.cpp with the fresh answers it asked for.
#pragma once

#include "engine/guards.hpp"

namespace rollbackd {

/// The most severe firing trigger that still has a rung to try; ties go by file order.
Firing const* next_firing(Draft const& draft, Incident const& incident);

/// Some of its steps can be asked whether they could work.
bool asks_steps(Plan const& plan);
/// The world is asked once more, with the steps of that rung's plan (decide_asking.cpp).
void ask_for_rung(
    Draft& draft, std::string const& incident, Firing const& firing, std::string const& playbook
);

/// A run of that plan, not yet recorded; its steps and checks pending.
/// `answer`: what its steps said of it before; null: they were not asked.
Run make_run(
    Draft const& draft, std::string const& incident, Plan plan, std::string reason,
    Answer const* answer
);

struct Judge {
    Draft& draft;
    std::string id;
    Firing firing;  // a copy: the incident changes under our hands
    Answer const* answer;
    bool propose_only = false;

    /// Runs, proposes or passes over, rung by rung.
    void climb();
    /// No rung is left: frozen where something was tried, else open with people told.
    void end_of_ladder(std::string const& why);

private:
    enum class Verdict { next, over };
    Verdict judge(LadderRung const& rung, bool& passed_one, std::string& last_why);
    std::string whole_story(std::string const& last_why) const;
    void pass_over(LadderRung const& rung, std::string const& why);
    void record(Judgement const& judgement, std::string const& playbook);
    void propose(Plan plan, std::string why, bool storm = false);
    void act(Plan plan);
    /// Held: people are told; where a plan could help once approved, it is made ready.
    void hold(Refusal first, Judgement const& held_by, Plan const* plan);
    void go(Plan plan, std::string const& service);
};

}  // namespace rollbackd
