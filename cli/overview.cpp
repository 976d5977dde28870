// status, services, versions: how things stand.
#include "cli/handlers.hpp"
#include "cli/story.hpp"
#include "cli/text.hpp"
#include "cli/view.hpp"
#include "core/names.hpp"

#include <algorithm>
#include <ostream>
#include <utility>

namespace rollbackd::cli {

namespace {

void print_story(Terminal const& terminal, Json const& incident) {
    auto const story = story_of(incident);
    print_field(terminal, "Broken:", story.broken);
    print_field(terminal, "Done:  ", story.did);
    print_field(terminal, "Next:  ", story.next);
    print_field(terminal, "You:   ", story.you, 2, Colour::bold);
}

bool asks_somebody(Json const& incident) {
    auto const* const asks = find(incident, "asks");
    auto const state = shown(incident, "state");
    auto const wanted = asks == nullptr ? "nothing" : text_of(*asks, "for");
    return wanted != "nothing" || state == "frozen" || state == "unverified";
}

/// In the order of the dashboard: what waits for somebody, then the worst, then the oldest.
std::pair<bool, std::string> urgency(Json const& incident) {
    return {!asks_somebody(incident), shown(incident, "severity")};
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
    print_field(
        terminal, "Configuration not reloaded:", shown(status, "config_problem"), 0, Colour::red
    );
    print_field(terminal, "Waits for a restart:", shown(status, "config_note"), 0, Colour::yellow);
    auto const* const journal = find(status, "journal");
    if (journal != nullptr && find(*journal, "writable") && !is_true(*journal, "writable")) {
        print_field(
            terminal, "Journal:", "cannot be written: nothing is started until it can", 0,
            Colour::red
        );
    }
}

/// "frozen", "paused", what steps have left on, the open incidents, or "ok".
std::string condition_of(Json const& service) {
    if (!shown(service, "frozen_by").empty()) return "frozen by " + shown(service, "frozen_by");
    auto const mode = shown(service, "mode");
    std::string open = mode == "normal" ? "" : mode;
    for (auto const& incident : items_of(service, "open_incidents")) {
        open += (open.empty() ? "" : ", ") + name_of(incident, "id");
    }
    if (is_true(service, "paused")) return open.empty() ? "paused" : "paused, " + open;
    return open.empty() ? "ok" : open;
}

std::string watched_until(Json const& service) {
    auto const* const window = find(service, "watching");
    return window == nullptr ? "" : moment(text_of(*window, "until"));
}

/// What could not be run when it was looked at last.
void print_unready(Terminal const& terminal, Json const& service) {
    for (auto const& playbook : items_of(service, "playbooks")) {
        auto const* const ready = find(playbook, "ready");
        if (ready == nullptr || !ready->is_bool() || ready->get_bool()) continue;
        print_field(
            terminal, name_of(service) + "'s " + name_of(playbook) + " could not be run:",
            shown(playbook, "ready_why"), 0, Colour::yellow
        );
    }
}

void print_services(Terminal const& terminal, JsonArray const& list) {
    Table table(
        {{"SERVICE", 8, 0},
         {"STATE", 8, 0, false, true},
         {"VERSION", 8, 5},
         {"GOOD TARGET", 8, 3},
         {"WATCHED UNTIL", 20, 1},
         {"AUTONOMY", 7, 2},
         {"TRUE TRIGGERS", 10, 4, false, true}}
    );
    std::vector<std::string> versions;
    for (auto const& service : list) {
        for (auto const* const key : {"current", "target"}) versions.push_back(shown(service, key));
    }
    ShortHashes const shorten(versions);
    for (auto const& service : list) {
        std::string broken;
        for (auto const& trigger : items_of(service, "triggers")) {
            if (text_of(trigger, "verdict") != "true") continue;
            broken += (broken.empty() ? "" : ", ") + name_of(trigger);
        }
        auto const state = condition_of(service);
        table.add(
            {{name_of(service)},
             {state, state == "ok" ? Colour::green : Colour::red},
             {shorten(shown(service, "current"))},
             {shorten(shown(service, "target"))},
             {watched_until(service)},
             {shown(service, "autonomy")},
             {broken, Colour::red}}
        );
    }
    if (table.empty()) {
        terminal.out << "no services\n";
    } else {
        table.print(terminal);
    }
    for (auto const& service : list) print_unready(terminal, service);
}

/// "failed: refused", "97 ok, 3 failed", "12.5".
std::string last_value(Json const& signal) {
    auto value = shown(signal, "last_value");
    auto const* const whole = find(signal, "last_value");
    if (whole != nullptr && whole->is_object()) {
        value = shown(*whole, "success") + " ok, " + shown(*whole, "failure") + " failed";
    }
    auto const reason = shown(signal, "last_reason");
    return reason.empty() ? value : value + (value.empty() ? "" : ": ") + reason;
}

void print_signals(Terminal const& terminal, Json const& service) {
    Table table(
        {{"SIGNAL", 8, 0},
         {"KIND", 5, 1},
         {"LAST VALUE", 10, 3, false, true},
         {"AT", 20, 2},
         {"", 5, 0}}
    );
    for (auto const& signal : items_of(service, "signals")) {
        table.add(
            {{name_of(signal)},
             {shown(signal, "kind")},
             {last_value(signal)},
             {moment(text_of(signal, "last_at"))},
             {is_true(signal, "stale") ? "stale" : "", Colour::yellow}}
        );
    }
    if (!table.empty()) terminal.out << '\n';
    if (!table.empty()) table.print(terminal, 2);
}

void print_triggers(Terminal const& terminal, Json const& service) {
    Table table(
        {{"TRIGGER", 8, 0},
         {"SEV", 3, 2},
         {"VERDICT", 7, 0},
         {"WHY", 12, 3, false, true},
         {"RESPONSE", 8, 1, false, true}}
    );
    for (auto const& trigger : items_of(service, "triggers")) {
        auto const verdict = shown(trigger, "verdict");
        auto const severity = shown(trigger, "severity");
        table.add(
            {{name_of(trigger)},
             {severity, colour_of_severity(severity)},
             {verdict, colour_of_verdict(verdict)},
             {shown(trigger, "why")},
             {shown(trigger, "response")}}
        );
    }
    if (!table.empty()) terminal.out << '\n';
    if (!table.empty()) table.print(terminal, 2);
}

void print_service(Terminal const& terminal, Json const& service) {
    terminal.out << terminal.paint(name_of(service), Colour::bold) << ": " << condition_of(service)
                 << '\n';
    print_field(terminal, "Version:    ", shown(service, "current"));
    auto const target = shown(service, "target");
    print_field(
        terminal, "Good target:", target.empty() ? "none: " + shown(service, "target_why") : target
    );
    print_field(terminal, "Watched:    ", watched_until(service));
    print_field(
        terminal, "Autonomy:   ",
        shown(service, "autonomy") +
            (is_true(service, "untrusted") ? ", capped: fed by samples nobody vouched for" : "")
    );
    print_unready(terminal, service);
    print_signals(terminal, service);
    print_triggers(terminal, service);
}

}  // namespace

Outcome<Exit> status(Context& context, Arguments const&) {
    auto const answer = context.client().call("GET", "/v1/status");
    if (!answer) return tl::unexpected(answer.error());
    if (context.json) return pass_through(context.terminal, *answer);
    auto open = items_of(answer->json, "open_incidents");
    std::stable_sort(open.begin(), open.end(), [](Json const& one, Json const& other) {
        return urgency(one) < urgency(other);
    });
    auto const& terminal = context.terminal;
    print_head(context, answer->json, open.size());
    for (auto const& incident : open) {
        auto const severity = shown(incident, "severity");
        auto const state = shown(incident, "state");
        auto const id = shown(incident, "id");
        auto const others = width_of(id) + severity.size() + state.size() + 6;
        auto const room = std::max(terminal.width, others + 8) - others;
        terminal.out << '\n'
                     << terminal.paint(id, Colour::bold) << "  "
                     << terminal.paint(severity, colour_of_severity(severity)) << "  "
                     << cut(shown(incident, "service"), room) << "  "
                     << terminal.paint(state, colour_of_state(state)) << '\n';
        print_story(terminal, incident);
    }
    return Exit::done;
}

Outcome<Exit> services(Context& context, Arguments const& given) {
    auto const name = given.maybe("SERVICE");
    auto const answer = context.client().call(
        "GET", name ? "/v1/services/" + url_segment(*name) : std::string("/v1/services?limit=1000")
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
        "GET", "/v1/services/" + url_segment(service) + "/deployments?limit=1000"
    );
    if (!answer) return tl::unexpected(answer.error());
    if (context.json) return pass_through(context.terminal, *answer);
    Table table(
        {{"VERSION", 64, 0},  // whole: from here it is copied into a command
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
