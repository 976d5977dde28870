// status, services, versions: how things stand.
#include "cli/handlers.hpp"
#include "cli/story.hpp"
#include "cli/text.hpp"
#include "cli/view.hpp"

#include <ostream>

namespace rollbackd::cli {

namespace {

void print_story(Terminal const& terminal, Json const& incident) {
    auto const story = story_of(incident);
    print_field(terminal, "Broken:", story.broken);
    print_field(terminal, "Done:  ", story.did);
    print_field(terminal, "Next:  ", story.next);
    print_field(terminal, "You:   ", story.you, 2, Colour::bold);
}

void print_head(Context const& context, Json const& status, std::size_t open) {
    auto const& terminal = context.terminal;
    auto const role = shown(status, "role");
    std::string line = to_string(context.settings.address) + ": autonomy " +
                       shown(status, "autonomy") + (role.empty() ? "" : ", " + role);
    line += open == 0 ? ", nothing is broken" : ", " + counted(open, "open incident");
    terminal.out << terminal.paint(
                        cut(line, terminal.width), open == 0 ? Colour::green : Colour::yellow
                    )
                 << '\n';
    if (is_true(status, "paused")) {
        auto const by = shown(status, "paused_by");
        print_field(
            terminal, "Paused",
            (by.empty() ? "" : "by " + by + ": ") +
                "nothing is run by itself until: rollbackctl resume",
            0, Colour::yellow
        );
    }
    auto problem = shown(status, "config_problem");
    if (auto const* const config = find(status, "config")) {
        if (problem.empty()) problem = shown(*config, "problem");
    }
    print_field(terminal, "Configuration not reloaded:", problem, 0, Colour::red);
    for (auto const& check : items_of(status, "checks")) {
        if (is_true(check, "ok")) continue;
        print_field(terminal, shown(check, "name") + ":", shown(check, "text"), 0, Colour::red);
    }
}

std::string version_of(Json const& service) {
    for (auto const* name : {"current", "version"}) {
        auto const* const found = find(service, name);
        if (found == nullptr) continue;
        if (found->is_object()) return shown(*found, "version");
        if (found->is_string()) return shown(service, name);
    }
    return {};
}

std::string standing_of(Json const& service) {
    if (auto const* const current = find(service, "current"); current && current->is_object()) {
        return shown(*current, "standing");
    }
    return shown(service, "standing");
}

std::string condition_of(Json const& service) {
    if (is_true(service, "frozen") || !shown(service, "frozen_by").empty()) return "frozen";
    if (is_true(service, "paused")) return "paused";
    auto const incident = shown(service, "incident");
    if (!incident.empty()) return incident;
    for (auto const& trigger : items_of(service, "triggers")) {
        if (text_of(trigger, "verdict") == "true") return "broken";
    }
    return "ok";
}

void print_services(Terminal const& terminal, JsonArray const& list) {
    Table table(
        {{"SERVICE", 8, 0},
         {"STATE", 6, 0},
         {"VERSION", 8, 4},
         {"STANDING", 8, 3},
         {"AUTONOMY", 7, 2},
         {"TRUE TRIGGERS", 10, 1, false, true}}
    );
    for (auto const& service : list) {
        std::string broken;
        for (auto const& trigger : items_of(service, "triggers")) {
            if (text_of(trigger, "verdict") != "true") continue;
            broken += (broken.empty() ? "" : ", ") + name_of(trigger);
        }
        auto const state = condition_of(service);
        auto const standing = standing_of(service);
        table.add(
            {{name_of(service)},
             {state, state == "ok" ? Colour::green : Colour::red},
             {version_of(service)},
             {standing, colour_of_standing(standing)},
             {shown(service, "autonomy")},
             {broken, Colour::red}}
        );
    }
    table.print(terminal);
}

void print_service(Terminal const& terminal, Json const& service) {
    auto const version = version_of(service);
    terminal.out << terminal.paint(name_of(service), Colour::bold) << ": " << condition_of(service)
                 << '\n';
    if (!version.empty()) {
        print_field(terminal, "Version: ", version + " (" + standing_of(service) + ")");
    }
    print_field(terminal, "Autonomy:", shown(service, "autonomy"));
    Table signals(
        {{"SIGNAL", 8, 0},
         {"KIND", 5, 1},
         {"LAST VALUE", 10, 3, false, true},
         {"AT", 20, 2},
         {"", 5, 0}}
    );
    for (auto const& signal : items_of(service, "signals")) {
        auto value = shown(signal, "last_value");
        if (value.empty()) {
            if (auto const* const whole = find(signal, "last_value"); whole && !whole->is_null()) {
                value = clean(to_text(*whole));
            }
        }
        auto const at = text_of(signal, "last_at");
        signals.add(
            {{name_of(signal)},
             {shown(signal, "kind")},
             {value},
             {at.empty() ? "" : moment(at)},
             {is_true(signal, "stale") ? "stale" : "", Colour::yellow}}
        );
    }
    terminal.out << '\n';
    if (!signals.empty()) signals.print(terminal, 2);
    Table triggers(
        {{"TRIGGER", 8, 0}, {"SEV", 3, 2}, {"VERDICT", 7, 0}, {"WHY", 12, 1, false, true}}
    );
    for (auto const& trigger : items_of(service, "triggers")) {
        auto const verdict = shown(trigger, "verdict");
        auto const severity = shown(trigger, "severity");
        triggers.add(
            {{name_of(trigger)},
             {severity, colour_of_severity(severity)},
             {verdict, colour_of_verdict(verdict)},
             {shown(trigger, "why")}}
        );
    }
    terminal.out << '\n';
    if (!triggers.empty()) triggers.print(terminal, 2);
}

}  // namespace

Outcome<Exit> status(Context& context, Arguments const&) {
    auto const client = context.client();
    auto const answer = client.call("GET", "/v1/status");
    if (!answer) return tl::unexpected(answer.error());
    if (context.json) return pass_through(context.terminal, *answer);
    std::vector<Json> open;
    for (auto const* state : {"frozen", "waiting", "acting", "verifying", "unverified", "open"}) {
        auto const list = client.call("GET", std::string("/v1/incidents?limit=100&state=") + state);
        if (!list) return tl::unexpected(list.error());
        for (auto const& incident : items_of(list->json)) open.push_back(incident);
    }
    auto const& terminal = context.terminal;
    print_head(context, answer->json, open.size());
    for (auto const& incident : open) {
        auto const severity = shown(incident, "severity");
        auto const state = shown(incident, "state");
        terminal.out << '\n'
                     << terminal.paint(shown(incident, "id"), Colour::bold) << "  "
                     << terminal.paint(severity, colour_of_severity(severity)) << "  "
                     << shown(incident, "service") << "  "
                     << terminal.paint(state, colour_of_state(state)) << '\n';
        print_story(terminal, incident);
    }
    return Exit::done;
}

Outcome<Exit> services(Context& context, Arguments const& given) {
    auto const name = given.maybe("SERVICE");
    auto const answer = context.client().call(
        "GET", name ? "/v1/services/" + url_segment(*name) : std::string("/v1/services")
    );
    if (!answer) return tl::unexpected(answer.error());
    if (context.json) return pass_through(context.terminal, *answer);
    if (name) {
        print_service(context.terminal, answer->json);
    } else {
        print_services(context.terminal, items_of(answer->json));
    }
    return Exit::done;
}

Outcome<Exit> versions(Context& context, Arguments const& given) {
    auto const service = given.text("SERVICE");
    auto const answer = context.client().call(
        "GET", "/v1/services/" + url_segment(service) + "/deployments?limit=100"
    );
    if (!answer) return tl::unexpected(answer.error());
    if (context.json) return pass_through(context.terminal, *answer);
    Table table(
        {{"VERSION", 10, 0},
         {"STANDING", 8, 0},
         {"STARTED", 20, 3},
         {"RECORDED", 20, 1},
         {"BY", 4, 2}}
    );
    for (auto const& deployment : items_of(answer->json)) {
        auto const standing = shown(deployment, "standing");
        table.add(
            {{shown(deployment, "version")},
             {standing, colour_of_standing(standing)},
             {moment(text_of(deployment, "started_at"))},
             {moment(text_of(deployment, "recorded_at"))},
             {shown(deployment, "by")}}
        );
    }
    if (table.empty()) {
        print_field(
            context.terminal, clean(service) + ":",
            "no deployment is recorded; record the good one with: rollbackctl deploy " +
                shell_word(clean(service)) + " VERSION --known-good",
            0
        );
    } else {
        table.print(context.terminal);
    }
    return Exit::done;
}

}  // namespace rollbackd::cli
