#include "daemon/plan_look.hpp"

#include "actions/steps/effect.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

/// Why the step is not asked; empty: it is.
std::string why_unasked(Step const& step) {
    if (!is_for_hands(step)) return "nothing of it can be known before";
    // A fallback is a step for where the usual means are missing: it may not be needed.
    if (!step.when.empty()) return "it may not be needed: only if " + step.when;
    if (to_text(step.params).find("{{ steps.") != std::string::npos) {
        return "it depends on what an earlier step saves";
    }
    return {};
}

/// A copy is of two machines.
bool share_a_host(Step const& one, Step const& other) {
    return one.host == other.host || one.type == "copy" || other.type == "copy";
}

}  // namespace

bool is_containment(Plan const& plan) {
    if (plan.undoes != Undoes::nothing || plan.data_loss != DataLoss::none) return false;
    bool contains = false;
    for (auto const* const list : {&plan.steps, &plan.always}) {
        for (auto const& step : *list) {
            auto const effect = effect_of(step);
            if (effect.starts) return false;
            contains = contains || effect.contains;
        }
    }
    return contains;
}

PlanLook::PlanLook(Plan plan, bool every_step) : plan_(std::move(plan)) {
    bool const waits = every_step || !is_containment(plan_);
    for (auto const* const list : {&plan_.steps, &plan_.always}) {
        for (auto const& step : *list) {
            auto why = why_unasked(step);
            if (why.empty() && !waits) why = "containment does not wait to be asked";
            bool const asked = why.empty();
            if (asked) questions_.push_back({steps_.size(), step});
            steps_.push_back(&step);
            looks_.push_back(
                {plan_.playbook, std::uint32_t(steps_.size()), step.name,
                 asked ? StepFinding::unanswered : StepFinding::unasked,
                 asked ? "no answer in time" : std::move(why)}
            );
        }
    }
}

void PlanLook::answered(std::size_t place, Look found) {
    auto const& objection = found.objection;
    auto& look = looks_[place];
    look.as_of = found.as_of;
    look.text = objection ? objection->text : std::string();
    if (!objection) {
        look.found = StepFinding::ready;
    } else if (objection->unanswered) {
        look.found = StepFinding::unanswered;
    } else {
        look.found = may_come(place, *objection) ? StepFinding::later : StepFinding::impossible;
    }
}

bool PlanLook::may_come(std::size_t place, Objection const& objection) const {
    auto const& wanting = *steps_[place];
    return std::any_of(
        steps_.begin(), steps_.begin() + std::ptrdiff_t(place),
        [&](Step const* earlier) {
            auto const effect = effect_of(*earlier);
            return may_mend(effect.brings, objection, share_a_host(*earlier, wanting));
        }
    );
}

std::vector<StepLook> PlanLook::looks() const { return looks_; }

std::optional<std::string> PlanLook::objection(std::vector<StepLook> const& looks) {
    for (auto const& look : looks) {
        if (look.found == StepFinding::impossible) return "step " + look.name + ": " + look.text;
    }
    return std::nullopt;
}

}  // namespace rollbackd
