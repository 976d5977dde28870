// deploy, gate, release: what a pipeline tells rollbackd and asks it.
#include "cli/handlers.hpp"
#include "cli/text.hpp"
#include "cli/view.hpp"

#include <ostream>

namespace rollbackd::cli {

namespace {

std::string service_path(Arguments const& given) {
    return "/v1/services/" + url_segment(given.text("SERVICE"));
}

struct GateView {
    std::string standing = "unknown";
    std::string run;       // "INC-7: code-rollback to v1"
    std::string incident;  // where `standing` is bad: what made it so
};

/// An answer that says nothing about the version must not hold a deployment back: a sick daemon is
/// as good as none (exit 3), and CI goes on with a warning.
Outcome<Answer> ask_for_gate(Client const& client, std::string const& target) {
    auto answer = client.ask("GET", target);
    if (!answer) return answer;
    if (answer->status / 100 == 5) {
        auto refusal = refusal_of(*answer);
        refusal.exit = Exit::unreachable;
        return tl::unexpected(std::move(refusal));
    }
    return answer;
}

Outcome<GateView> look_at_gate(Client const& client, Arguments const& given) {
    GateView view;
    auto const version = ask_for_gate(
        client, service_path(given) + "/versions/" + url_segment(given.text("VERSION"))
    );
    if (!version) return tl::unexpected(version.error());
    if (version->status == 404) {
        // Never heard of this version, or of the service? The second is the caller's mistake.
        auto const service = ask_for_gate(client, service_path(given));
        if (!service) return tl::unexpected(service.error());
        if (service->status != 200) return tl::unexpected(refusal_of(*service));
    } else if (version->status != 200) {
        return tl::unexpected(refusal_of(*version));
    } else {
        view.standing = shown(version->json, "standing");
        view.incident = shown(version->json, "incident");
    }
    for (auto const* state : {"acting", "verifying"}) {
        auto const list = ask_for_gate(
            client,
            "/v1/incidents?service=" + url_segment(given.text("SERVICE")) + "&state=" + state
        );
        if (!list) return tl::unexpected(list.error());
        if (list->status != 200) return tl::unexpected(refusal_of(*list));
        for (auto const& incident : items_of(list->json)) {
            view.run = shown(incident, "id") + " is " + shown(incident, "state");
        }
    }
    return view;
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
    auto const view = look_at_gate(context.client(), given);
    if (!view) return tl::unexpected(view.error());
    bool const bad = view->standing == "bad";
    bool const open = !bad && view->run.empty();
    auto const service = clean(given.text("SERVICE"));
    auto const version = clean(given.text("VERSION"));
    if (context.json) {
        context.terminal.out << to_text(JsonObject{
                                    {"service", given.text("SERVICE")},
                                    {"version", given.text("VERSION")},
                                    {"standing", view->standing},
                                    {"run", view->run.empty() ? Json(nullptr) : Json(view->run)},
                                    {"open", open},
                                })
                             << '\n';
    }
    if (bad) {
        return refuse(
            version + " of " + service + " is bad" +
            (view->incident.empty() ? "" : " since " + view->incident) +
            ": do not deploy it; once mended: rollbackctl release " + shell_word(service) + " " +
            shell_word(version)
        );
    }
    if (!view->run.empty()) {
        return refuse(
            "a run is on at " + service + " (" + view->run + "): wait for its end, then ask again"
        );
    }
    if (!context.json) {
        context.terminal.out << service << " " << version << ": " << view->standing
                             << ", may be deployed\n";
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
