// approve, reject, ack, resolve, abort, verdict: decisions people make about an incident.
#include "cli/handlers.hpp"
#include "cli/story.hpp"
#include "cli/text.hpp"
#include "cli/view.hpp"
#include "core/names.hpp"

#include <istream>
#include <ostream>

namespace rollbackd::cli {

namespace {

std::string incident_path(Arguments const& given, std::string const& verb) {
    return "/v1/incidents/" + url_segment(given.text("INC")) + "/" + verb;
}

std::string state_sentence(Json const& incident) {
    return shown(incident, "id") + " is now " + shown(incident, "state");
}

/// Where the run's plan is an object it says more than the run itself.
Json const& plan_or_run(Json const& run) {
    auto const* const plan = find(run, "plan");
    return plan != nullptr && plan->is_object() ? *plan : run;
}

/// What will be done and what will be lost, before anybody says yes.
void print_consequences(Terminal const& terminal, std::ostream& to, Json const& run) {
    Terminal const where{
        to,
        terminal.err,
        terminal.in,
        terminal.out_is_tty,
        terminal.in_is_tty,
        terminal.width,
        terminal.colour,
        terminal.environment
    };
    auto const& plan = plan_or_run(run);
    where.out << where.paint("This would run " + run_name(run), Colour::bold) << '\n';
    print_field(where, "Undoes:   ", shown(plan, "undoes"));
    auto const loss = loss_of(plan);
    auto const said = shown(plan, "data_loss");
    print_field(
        where, "Data loss:", loss.empty() ? (said.empty() ? "not stated" : "none") : loss, 2,
        loss.empty() ? Colour::none : Colour::red
    );
    std::string steps;
    for (auto const& step : items_of(plan, "steps")) {
        steps += (steps.empty() ? "" : ", ") + shown(step, "name");
    }
    print_field(where, "Steps:    ", steps);
    print_field(where, "Plan:     ", plan_hash(run));
}

/// Without a terminal there is nobody to ask, and who wrote the command has decided (DESIGN A3).
bool agreed(Context const& context, Arguments const& given) {
    auto const& terminal = context.terminal;
    if (given.on("--yes") || !terminal.in_is_tty) return true;
    terminal.err << "Approve it? [y/N] " << std::flush;
    std::string line;
    std::getline(terminal.in, line);
    return line == "y" || line == "Y" || line == "yes";
}

/// The run that waits for a yes; else one that already got it (a second approve answers the same).
Outcome<Json> run_to_decide(Context const& context, Arguments const& given) {
    auto const id = given.text("INC");
    auto const answer = context.client().call("GET", "/v1/incidents/" + url_segment(id));
    if (!answer) return tl::unexpected(answer.error());
    auto const* run = newest_run(answer->json, {"waiting"});
    if (run == nullptr) run = newest_run(answer->json, {"running", "verifying"});
    if (run == nullptr || plan_hash(*run).empty()) {
        return refuse(
            clean(id) + " is " + shown(answer->json, "state") +
            ": no plan waits for a decision; look at it with 'rollbackctl show " +
            shell_word(clean(id)) + "'"
        );
    }
    return *run;
}

}  // namespace

Outcome<Exit> approve(Context& context, Arguments const& given) {
    auto plan = given.text("--plan");
    if (plan.empty()) {
        auto const run = run_to_decide(context, given);
        if (!run) return tl::unexpected(run.error());
        auto const& terminal = context.terminal;
        print_consequences(terminal, context.json ? terminal.err : terminal.out, *run);
        if (!agreed(context, given)) return refuse("not approved: nothing was sent");
        plan = plan_hash(*run);
    }
    JsonObject body{{"plan", plan}};
    if (given.on("--force")) body["force"] = true;
    return call_and_say(
        context, "POST", incident_path(given, "approve"), Json(std::move(body)),
        [](Json const& run) {
            return "approved: " + shown(run, "id") + " (" + run_name(run) + ") is " +
                   shown(run, "state");
        }
    );
}

Outcome<Exit> reject(Context& context, Arguments const& given) {
    auto plan = given.text("--plan");
    if (plan.empty()) {
        auto const run = run_to_decide(context, given);
        if (!run) return tl::unexpected(run.error());
        plan = plan_hash(*run);
    }
    return call_and_say(
        context, "POST", incident_path(given, "reject"), Json(JsonObject{{"plan", plan}}),
        [&](Json const& incident) { return "rejected: " + state_sentence(incident); }
    );
}

Outcome<Exit> ack(Context& context, Arguments const& given) {
    return call_and_say(
        context, "POST", incident_path(given, "ack"), Json(JsonObject()),
        [](Json const& incident) {
            return shown(incident, "id") + " is acknowledged by " + shown(incident, "acked_by");
        }
    );
}

Outcome<Exit> resolve(Context& context, Arguments const& given) {
    return call_and_say(
        context, "POST", incident_path(given, "resolve"), Json(reason_body(given)), state_sentence
    );
}

Outcome<Exit> abort_run(Context& context, Arguments const& given) {
    return call_and_say(
        context, "POST", incident_path(given, "abort"), Json(JsonObject()),
        [](Json const& incident) { return "abort is asked for: " + state_sentence(incident); }
    );
}

Outcome<Exit> verdict(Context& context, Arguments const& given) {
    if (!given.on("--false-positive")) {
        return misuse("say which verdict: --false-positive is the only one there is");
    }
    auto body = reason_body(given);
    body["verdict"] = "false-positive";
    return call_and_say(
        context, "POST", incident_path(given, "verdict"), Json(std::move(body)),
        [](Json const& incident) { return shown(incident, "id") + " is marked a false positive"; }
    );
}

}  // namespace rollbackd::cli
