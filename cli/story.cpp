#include "cli/story.hpp"

#include "cli/view.hpp"
#include "core/names.hpp"

#include <algorithm>

namespace rollbackd::cli {

Json const* newest_run(Json const& incident, std::initializer_list<std::string_view> states) {
    Json const* newest = nullptr;
    for (auto const& run : items_of(incident, "runs")) {
        if (std::find(states.begin(), states.end(), text_of(run, "state")) != states.end()) {
            newest = &run;
        }
    }
    return newest;
}

std::string run_name(Json const& run) {
    std::vector<std::string> const named{shown(run, "target"), shown(run, "blamed")};
    auto const target = ShortHashes(named)(named.front());
    return shown(run, "playbook") + (target.empty() ? "" : " to " + target);
}

std::string refusal_text(Json const& refusal) {
    auto const playbook = shown(refusal, "playbook");
    auto const letter = shown(refusal, "letter");
    auto const guard = shown(refusal, "guard");
    return (playbook.empty() ? "" : playbook + ": ") + shown(refusal, "text") + " (" + guard +
           (letter.empty() ? "" : ", " + letter) + ")";
}

std::string plan_hash(Json const& run) {
    auto const* const plan = find(run, "plan");
    if (plan == nullptr) return {};
    return plan->is_string() ? std::string(plan->get_string()) : text_of(*plan, "hash");
}

Story story_of(Json const& incident) {
    return Story{
        shown(incident, "summary"),
        shown(incident, "did"),
        shown(incident, "next"),
        shown(incident, "must"),
    };
}

}  // namespace rollbackd::cli
