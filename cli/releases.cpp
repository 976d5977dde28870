// deploy, gate, release: what a pipeline tells rollbackd and asks it.
#include "cli/handlers.hpp"
#include "cli/text.hpp"
#include "cli/view.hpp"
#include "core/names.hpp"

#include <ostream>

namespace rollbackd::cli {

namespace {

std::string service_path(Arguments const& given) {
    return "/v1/services/" + url_segment(given.text("SERVICE"));
}

/// An answer that says nothing about the version must not hold a deployment back: a sick daemon is
/// as good as none (exit 3), and CI goes on with a warning.
Outcome<Answer> ask_for_gate(Context const& context, Arguments const& given) {
    auto answer = context.client().ask(
        "GET", service_path(given) + "/versions/" + url_segment(given.text("VERSION"))
    );
    if (!answer || answer->status / 100 == 2) return answer;
    auto refusal = refusal_of(*answer);
    bool const sick = answer->status / 100 == 5 || answer->status == 429;
    if (sick) refusal.exit = Exit::unreachable;
    return tl::unexpected(std::move(refusal));
}

/// The run that is on, from the gate's own list; empty: none.
std::string run_at(Json const& version) {
    std::string runs;
    for (auto const& run : items_of(version, "runs")) {
        runs += (runs.empty() ? "" : ", ") + name_of(run, "id");
    }
    return runs;
}

}  // namespace

Outcome<Exit> deploy(Context& context, Arguments const& given) {
    JsonObject body{{"version", given.text("VERSION")}};
    if (auto const started = given.maybe("--started-at")) {
        auto const time = parse_rfc3339(*started);
        if (!time) {
            return misuse(
                "--started-at '" + clean(*started) + "': expected a time like 2026-01-31T12:00:00Z"
            );
        }
        body["started_at"] = format_rfc3339(*time);
    }
    if (given.has("--known-good")) body["known_good"] = given.on("--known-good");
    if (given.has("--schema-compatible")) {
        body["schema_compatible"] = given.on("--schema-compatible");
    }
    return call_and_say(
        context, "POST", service_path(given) + "/deployments", Json(std::move(body)),
        [&](Json const& made) {
            auto const version = clean(given.text("VERSION"));
            auto const service = clean(given.text("SERVICE"));
            if (is_true(made, "quarantined")) {
                return "recorded, but " + version + " of " + service +
                       " is quarantined: it was rolled back as bad; people are told. If it is "
                       "mended: "
                       "rollbackctl release " +
                       shell_word(service) + " " + shell_word(version);
            }
            auto const standing = shown(made, "standing");
            return "recorded: " + service + " runs " + version +
                   (standing.empty() ? "" : ", which is " + standing);
        }
    );
}

Outcome<Exit> gate(Context& context, Arguments const& given) {
    auto const answer = ask_for_gate(context, given);
    if (!answer) return tl::unexpected(answer.error());
    if (context.json) (void)pass_through(context.terminal, *answer);
    auto const& json = answer->json;
    auto const service = clean(given.text("SERVICE"));
    auto const version = clean(given.text("VERSION"));
    if (text_of(json, "standing") == "bad") {
        auto const incident = shown(json, "incident");
        return refuse(
            version + " of " + service + " is bad" +
            (incident.empty() ? "" : " since " + incident) +
            ": do not deploy it; once mended: rollbackctl release " + shell_word(service) + " " +
            shell_word(version)
        );
    }
    auto const* const gate = find(json, "gate");
    auto const run = run_at(json);
    bool const closed = gate != nullptr && find(*gate, "pass") && !is_true(*gate, "pass");
    if ((!run.empty() || closed) && !given.on("--from-step")) {
        auto const why = run.empty() ? shown(*gate, "reason") : run;
        return refuse(
            "a run is on at " + service + ": " + why + "; wait for its end, then ask again"
        );
    }
    if (context.json) return Exit::done;
    context.terminal.out << service << " " << version << ": " << shown(json, "standing")
                         << ", may be deployed\n";
    if (gate == nullptr) return Exit::done;
    for (auto const& statement : items_of(*gate, "attest")) {
        print_field(context.terminal, "Make sure that:", name_of(statement));
    }
    return Exit::done;
}

Outcome<Exit> release(Context& context, Arguments const& given) {
    return call_and_say(
        context, "POST",
        service_path(given) + "/versions/" + url_segment(given.text("VERSION")) + "/release",
        Json(reason_body(given)),
        [&](Json const& made) {
            auto const standing = shown(made, "standing");
            return clean(given.text("VERSION")) + " of " + clean(given.text("SERVICE")) +
                   " is released from quarantine" +
                   (standing.empty() ? "" : " and stands " + standing);
        }
    );
}

}  // namespace rollbackd::cli
