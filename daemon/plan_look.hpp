// The steps of one plan, asked before the first of them starts: whom to ask, and what their answers
// mean for the plan. Called by the asker, who carries the questions.
#pragma once

#include "actions/preflight.hpp"
#include "engine/event.hpp"

namespace rollbackd {

/// It undoes and loses nothing, stops or closes something, and starts or opens nothing: each of its
/// steps is worth having without the others. Containment goes first and does not wait (A5.5).
bool is_containment(Plan const& plan);

class PlanLook {
public:
    struct Question {
        std::size_t place;
        Step step;
    };

    /// `every_step`: containment is asked too.
    PlanLook(Plan plan, bool every_step);
    PlanLook(PlanLook const&) = delete;
    PlanLook& operator=(PlanLook const&) = delete;

    std::vector<Question> const& questions() const { return questions_; }
    void answered(std::size_t place, Look look);
    Plan const& plan() const { return plan_; }

    /// Who has not answered by now has not.
    std::vector<StepLook> looks() const;
    /// Why the plan cannot be carried out: the first step that cannot work; nullopt: it can.
    static std::optional<std::string> objection(std::vector<StepLook> const& looks);

private:
    /// A step before it may bring what it misses.
    bool may_come(std::size_t place, Objection const& objection) const;

    Plan plan_;                       // steps_ points into it
    std::vector<Step const*> steps_;  // and always
    std::vector<StepLook> looks_;
    std::vector<Question> questions_;
};

}  // namespace rollbackd
