// confirm: a manual or unsettled step was done or not, a duty is done or does not apply.
#include "cli/handlers.hpp"
#include "cli/text.hpp"
#include "cli/view.hpp"

#include <algorithm>

namespace rollbackd::cli {

namespace {

bool is_number(std::string_view text) {
    return !text.empty() && text.size() <= 6 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// "steps/3" or "duties/1".
Outcome<std::string> find_by_name(
    Context const& context, std::string const& incident_id, std::string const& name,
    bool only_duties
) {
    auto const answer = context.client().call("GET", "/v1/incidents/" + url_segment(incident_id));
    if (!answer) return tl::unexpected(answer.error());
    std::string known;
    for (auto const& duty : items_of(answer->json, "duties")) {
        if (text_of(duty, "name") == name) return "duties/" + shown(duty, "n");
        known += (known.empty() ? "" : ", ") + std::string("duty:") + shown(duty, "n") + " (" +
                 shown(duty, "name") + ")";
    }
    auto const& runs = items_of(answer->json, "runs");
    if (!only_duties && !runs.empty()) {
        for (auto const& step : items_of(runs.back(), "steps")) {
            if (text_of(step, "name") == name) return "steps/" + shown(step, "n");
            known +=
                (known.empty() ? "" : ", ") + shown(step, "n") + " (" + shown(step, "name") + ")";
        }
    }
    return refuse(
        clean(incident_id) + " has no step or duty '" + clean(name) +
        "'; it has: " + (known.empty() ? "none" : known)
    );
}

Outcome<std::string> place_of(Context const& context, Arguments const& given) {
    auto const what = given.text("STEP|DUTY");
    if (is_number(what)) return "steps/" + what;
    bool const duty = what.starts_with("duty:");
    auto const rest = duty ? what.substr(5) : what;
    if (duty && is_number(rest)) return "duties/" + rest;
    if (rest.empty()) return misuse("name the step by its number or the duty as duty:1");
    return find_by_name(context, given.text("INC"), rest, duty);
}

}  // namespace

Outcome<Exit> confirm(Context& context, Arguments const& given) {
    bool const does_not_apply = given.on("--does-not-apply");
    bool const not_done = given.on("--not-done");
    if (does_not_apply && not_done) return misuse("give --does-not-apply or --not-done, not both");
    if (does_not_apply && given.text("--reason").empty()) {
        return misuse("--does-not-apply needs --reason: why does it not apply?");
    }
    auto const place = place_of(context, given);
    if (!place) return tl::unexpected(place.error());
    auto body = reason_body(given);
    body["outcome"] = does_not_apply ? "does_not_apply" : not_done ? "not_done" : "done";
    auto const what =
        (place->starts_with("steps/") ? "step " : "duty ") + place->substr(place->find('/') + 1);
    auto const said = does_not_apply ? " does not apply" : not_done ? " was not done" : " is done";
    return call_and_say(
        context, "POST",
        "/v1/incidents/" + url_segment(given.text("INC")) + "/" + *place + "/confirm",
        Json(std::move(body)),
        [&](Json const& incident) {
            return "recorded: " + what + " of " + clean(given.text("INC")) + said +
                   "; the incident is " + shown(incident, "state");
        }
    );
}

}  // namespace rollbackd::cli
