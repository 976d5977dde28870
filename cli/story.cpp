#include "cli/story.hpp"

#include "cli/text.hpp"
#include "cli/view.hpp"

#include <algorithm>

namespace rollbackd::cli {

namespace {

std::string joined(std::vector<std::string> const& parts, std::string_view by) {
    std::string out;
    for (auto const& part : parts) {
        if (part.empty()) continue;
        if (!out.empty()) out += by;
        out += part;
    }
    return out;
}

std::string why_of(Json const& trigger) {
    auto why = shown(trigger, "why");
    if (why.empty()) {
        if (auto const* const evaluation = find(trigger, "evaluation")) {
            why = shown(*evaluation, "why");
        }
    }
    if (why.empty()) why = shown(trigger, "reason");
    return why;
}

std::string broken_of(Json const& incident) {
    std::vector<std::string> parts;
    for (auto const& trigger : items_of(incident, "triggers")) {
        auto name = name_of(trigger);
        if (name.empty()) name = shown(trigger, "trigger");
        auto const why = why_of(trigger);
        parts.push_back(why.empty() ? name : name + " (" + why + ")");
    }
    auto const what = joined(parts, ", ");
    return shown(incident, "service") + ": " + (what.empty() ? "see its timeline" : what);
}

std::string did_of(Json const& incident) {
    std::vector<std::string> parts;
    for (auto const& run : items_of(incident, "runs")) {
        auto const state = shown(run, "state");
        if (state == "waiting") continue;
        parts.push_back(run_name(run) + ": " + state);
    }
    std::vector<std::string> refused;
    for (auto const& refusal : items_of(incident, "refusals")) {
        auto const text = refusal_text(refusal);
        if (std::find(refused.begin(), refused.end(), text) == refused.end()) {
            refused.push_back(text);
        }
    }
    if (!refused.empty()) parts.push_back("held back: " + joined(refused, "; "));
    auto const out = joined(parts, "; ");
    return out.empty() ? "told people; ran nothing" : out;
}

std::string progress_of(Json const& run) {
    auto const& steps = items_of(run, "steps");
    std::size_t at = 0;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (shown(steps[i], "state") != "pending") at = i + 1;
    }
    if (steps.empty() || at == 0) return run_name(run);
    return "step " + std::to_string(at) + " of " + std::to_string(steps.size()) + " of " +
           run_name(run);
}

std::string next_of(Json const& incident, std::string const& state) {
    if (state == "waiting") {
        auto const* const run = newest_run(incident, {"waiting"});
        return "waits for approval" + (run == nullptr ? "" : " of " + run_name(*run)) +
               "; unanswered, it is rejected and escalated";
    }
    if (state == "acting") {
        auto const* const run = newest_run(incident, {"running"});
        if (run == nullptr) return "carries the run out, then verifies the recovery";
        if (step_to_confirm(*run) != nullptr) {
            return "waits for people at " + progress_of(*run);
        }
        return "goes on with " + progress_of(*run) + ", then verifies the recovery";
    }
    if (state == "verifying") return "verifies the recovery; if it fails, the next rung follows";
    if (state == "unverified") return "watches on until data decides; runs nothing meanwhile";
    if (state == "frozen") return "nothing by itself until a person resolves it";
    if (state == "resolved") return "nothing: it is over";
    return "watches until the trigger is false again";
}

std::string you_of(Json const& incident, std::string const& state) {
    auto const id = shown(incident, "id");
    auto const command = [&](std::string const& verb, std::string const& rest = "") {
        return "rollbackctl " + verb + " " + shell_word(id) + rest;
    };
    for (auto const& run : items_of(incident, "runs")) {
        auto const run_state = shown(run, "state");
        if (run_state != "running" && run_state != "interrupted") continue;
        auto const* const step = step_to_confirm(run);
        if (step == nullptr) continue;
        return command("confirm", " " + shown(*step, "n")) + "   (or --not-done)";
    }
    if (state == "waiting") return command("approve") + "   (or: " + command("reject") + ")";
    if (state == "frozen") return "mend it, then " + command("resolve");
    if (state == "unverified") return "look whether it works, then " + command("resolve");
    for (auto const& duty : items_of(incident, "duties")) {
        if (shown(duty, "state") != "open") continue;
        return command("confirm", " duty:" + shown(duty, "n"));
    }
    if (state == "acting" || state == "verifying" || state == "resolved") return "nothing";
    return shown(incident, "acked_by").empty() ? command("ack") : "mend it";
}

}  // namespace

Json const* newest_run(Json const& incident, std::initializer_list<std::string_view> states) {
    Json const* newest = nullptr;
    for (auto const& run : items_of(incident, "runs")) {
        if (std::find(states.begin(), states.end(), text_of(run, "state")) != states.end()) {
            newest = &run;
        }
    }
    return newest;
}

Json const* step_to_confirm(Json const& run) {
    for (auto const& step : items_of(run, "steps")) {
        auto const state = shown(step, "state");
        bool const manual = shown(step, "type") == "manual";
        if (state == "unknown" || state == "waiting" || (manual && state == "running")) {
            return &step;
        }
    }
    return nullptr;
}

std::string run_name(Json const& run) {
    auto const target = shown(run, "target");
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
    auto const state = text_of(incident, "state");
    auto const said = [&](std::string_view name, std::string made) {
        auto const given = shown(incident, name);
        return given.empty() ? std::move(made) : given;
    };
    // The daemon's own words come first: the same ones its messages and reports use.
    return Story{
        said("summary", broken_of(incident)),
        said("did", did_of(incident)),
        said("next", next_of(incident, state)),
        said("command", you_of(incident, state)),
    };
}

}  // namespace rollbackd::cli
