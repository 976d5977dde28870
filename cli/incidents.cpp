// incidents, show, explain, report: what happened, and why.
#include "cli/handlers.hpp"
#include "cli/story.hpp"
#include "cli/text.hpp"
#include "cli/view.hpp"
#include "core/io/clock.hpp"

#include <algorithm>
#include <ostream>

namespace rollbackd::cli {

namespace {

std::string path_of(std::string const& incident) {
    return "/v1/incidents/" + url_segment(incident);
}

void print_triggers(Terminal const& terminal, Json const& incident) {
    if (items_of(incident, "triggers").empty()) return;
    terminal.out << '\n' << terminal.paint("Triggers", Colour::bold) << '\n';
    Table table({{"NAME", 8, 0}, {"VERDICT", 7, 2}, {"WHY", 16, 0, false, true}, {"SINCE", 20, 1}});
    for (auto const& trigger : items_of(incident, "triggers")) {
        auto const verdict = shown(trigger, "verdict");
        table.add(
            {{name_of(trigger)},
             {verdict, colour_of_verdict(verdict)},
             {shown(trigger, "why")},
             {moment(text_of(trigger, "since"))}}
        );
    }
    table.print(terminal, 2);
}

void print_refusals(Terminal const& terminal, Json const& incident) {
    if (items_of(incident, "refusals").empty()) return;
    terminal.out << '\n' << terminal.paint("Held back", Colour::bold) << '\n';
    Table table({{"", 3, 0}, {"GUARD", 10, 2}, {"PLAYBOOK", 8, 1}, {"WHY", 16, 0, false, true}});
    for (auto const& refusal : items_of(incident, "refusals")) {
        auto const letter = shown(refusal, "letter");
        table.add(
            {{letter.empty() ? "" : "(" + letter + ")"},
             {shown(refusal, "guard"), Colour::yellow},
             {shown(refusal, "playbook")},
             {shown(refusal, "text")}}
        );
    }
    table.print(terminal, 2);
}

void print_steps(Terminal const& terminal, Json const& run) {
    Table table(
        {{"#", 2, 0, true},
         {"STEP", 8, 0},
         {"TYPE", 6, 1},
         {"STATE", 7, 0},
         {"EXIT", 4, 2, true},
         {"TOOK", 6, 3, true},
         {"LAST WORDS", 12, 1, false, true}}
    );
    for (auto const& step : items_of(run, "steps")) {
        auto const state = shown(step, "state");
        table.add(
            {{shown(step, "n")},
             {shown(step, "name")},
             {shown(step, "type")},
             {state, colour_of_state(state)},
             {shown(step, "exit")},
             {between(step, "started_at", "ended_at")},
             {shown(step, "text"), Colour::dim}}
        );
    }
    if (!table.empty()) table.print(terminal, 4);
}

/// What proves the recovery: whether it has, has not yet, or did not.
void print_check(Terminal const& terminal, Json const& check, std::string_view run_state) {
    bool const passed = is_true(check, "passed");
    bool const ended = run_state != "running" && run_state != "waiting" && run_state != "verifying";
    auto what = shown(check, "condition");
    if (what.empty()) what = shown(check, "kind");
    auto const why = shown(check, "why");
    print_field(
        terminal,
        passed  ? "verified:"
        : ended ? "not verified:"
                : "to verify:",
        why.empty() || why == what ? what : what + ": " + why, 4,
        passed ? Colour::green : Colour::yellow
    );
}

/// "  for 12 s, budget 5m": of a run that is at work.
std::string elapsed_of(Json const& run) {
    auto const started = parse_rfc3339(text_of(run, "started_at"));
    if (!started || !text_of(run, "ended_at").empty()) return "";
    auto const elapsed = std::max(RealClock().now().wall - *started, WallTime::duration::zero());
    auto const budget = shown(run, "budget");
    return "  for " + format_human(elapsed) + (budget.empty() ? "" : ", budget " + budget);
}

void print_runs(Terminal const& terminal, Json const& incident) {
    for (auto const& run : items_of(incident, "runs")) {
        auto const state = shown(run, "state");
        auto const took = between(run, "started_at", "ended_at");
        terminal.out << '\n'
                     << terminal.paint(shown(run, "id"), Colour::bold) << "  " << run_name(run)
                     << "  " << terminal.paint(state, colour_of_state(state))
                     << (took.empty() ? elapsed_of(run) : "  in " + took) << '\n';
        auto const reason = shown(run, "reason");
        auto const why = shown(run, "why");
        print_field(terminal, "reason:", reason, 4);
        if (why != reason) print_field(terminal, "why:", why, 4);
        auto const loss = shown(run, "data_loss");
        if (loss != "none" && !loss.empty()) {
            auto const window = shown(run, "data_loss_window");
            print_field(
                terminal, "data loss:", loss + (window.empty() ? "" : ": " + window), 4, Colour::red
            );
        }
        print_steps(terminal, run);
        for (auto const& entry : items_of(run, "verify")) print_check(terminal, entry, state);
    }
}

/// " (every 15m until …, told 3 times)"; empty where nobody is reminded of that entry.
std::string reminded(Json const& incident, std::int64_t entry) {
    for (auto const& reminder : items_of(incident, "reminders")) {
        if (shown(reminder, "entry") != std::to_string(entry)) continue;
        auto const why = shown(reminder, "why");
        return " (every " + shown(reminder, "every") + " until " +
               moment(text_of(reminder, "until")) + ", told " + shown(reminder, "told") +
               (why.empty() ? " times)" : " times, over: " + why + ")");
    }
    return "";
}

void print_duties(Terminal const& terminal, Json const& incident) {
    if (!items_of(incident, "duties").empty()) {
        terminal.out << '\n' << terminal.paint("Duties", Colour::bold) << '\n';
    }
    Table table({{"#", 2, 0, true}, {"STATE", 6, 0}, {"DUE", 20, 1}, {"WHAT", 16, 0, false, true}});
    for (auto const& duty : items_of(incident, "duties")) {
        auto const state = shown(duty, "state");
        auto const by = shown(duty, "by");
        auto const reason = shown(duty, "reason");
        table.add(
            {{shown(duty, "n")},
             {state, state == "open" ? Colour::yellow : Colour::green},
             {moment(text_of(duty, "due_at"))},
             {shown(duty, "name") + ": " + shown(duty, "text") +
              (by.empty() ? "" : " (" + by + ")") + (reason.empty() ? "" : ", because " + reason)}}
        );
    }
    if (!table.empty()) table.print(terminal, 2);
    std::int64_t entry = 0;
    for (auto const& text : items_of(incident, "follow_up")) {
        print_field(terminal, "Follow up:", name_of(text) + reminded(incident, ++entry));
    }
}

void print_incident(Terminal const& terminal, Json const& incident) {
    auto const severity = shown(incident, "severity");
    auto const state = shown(incident, "state");
    terminal.out << terminal.paint(shown(incident, "id"), Colour::bold) << "  "
                 << terminal.paint(severity, colour_of_severity(severity)) << "  "
                 << shown(incident, "service") << "  "
                 << terminal.paint(state, colour_of_state(state)) << '\n';
    auto const story = story_of(incident);
    print_field(terminal, "Broken:   ", story.broken);
    print_field(terminal, "Done:     ", story.did);
    print_field(terminal, "Next:     ", story.next);
    print_field(terminal, "You:      ", story.you, 2, Colour::bold);
    print_field(terminal, "Opened:   ", moment(text_of(incident, "opened_at")));
    auto const timed = [&](std::string_view label, char const* name) {
        auto const at = text_of(incident, name);
        auto const took = between(incident, "opened_at", name);
        if (at.empty()) return;
        print_field(terminal, label, moment(at) + (took.empty() ? "" : ", after " + took));
    };
    timed("Acted:    ", "acted_at");
    timed("Recovered:", "recovered_at");
    timed("Resolved: ", "resolved_at");
    print_field(terminal, "Acked by: ", shown(incident, "acked_by"));
    print_triggers(terminal, incident);
    print_refusals(terminal, incident);
    print_runs(terminal, incident);
    print_duties(terminal, incident);
}

/// Lines as they are, a longer one continued under its own beginning.
void print_wrapped(Terminal const& terminal, std::string_view text) {
    while (!text.empty()) {
        auto const end = text.find('\n');
        auto const line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        auto const indent = std::min(line.find_first_not_of(' '), terminal.width / 2);
        auto const lead = std::string(line.empty() ? 0 : indent, ' ');
        bool first = true;
        for (auto const& part : wrap(line, terminal.width - lead.size() - 2)) {
            terminal.out << lead << (first ? "" : "  ") << part << '\n';
            first = false;
        }
    }
}

/// "SERVICE/TRIGGER" or an incident's id.
std::string explain_path(std::string const& what) {
    auto const slash = what.find('/');
    if (slash == std::string::npos) return path_of(what) + "/explain";
    return "/v1/services/" + url_segment(what.substr(0, slash)) + "/triggers/" +
           url_segment(what.substr(slash + 1)) + "/explain";
}

}  // namespace

Outcome<Exit> incidents(Context& context, Arguments const& given) {
    std::string target =
        "/v1/incidents?limit=" + url_segment(given.maybe("--limit").value_or("50"));
    for (auto const* filter : {"service", "severity", "state"}) {
        if (auto const value = given.maybe(std::string("--") + filter)) {
            target += std::string("&") + filter + "=" + url_segment(*value);
        }
    }
    auto const answer = context.client().call("GET", target);
    if (!answer) return tl::unexpected(answer.error());
    if (context.json) return pass_through(context.terminal, *answer);
    Table table(
        {{"INCIDENT", 8, 0},
         {"SEV", 3, 4},
         {"SERVICE", 7, 0},
         {"STATE", 8, 0},
         {"OPENED", 20, 2},
         {"TOOK", 6, 1, true},
         {"WHAT", 12, 3}}
    );
    for (auto const& incident : items_of(answer->json)) {
        auto const severity = shown(incident, "severity");
        auto const state = shown(incident, "state");
        table.add(
            {{shown(incident, "id")},
             {severity, colour_of_severity(severity)},
             {shown(incident, "service")},
             {state, colour_of_state(state)},
             {moment(text_of(incident, "opened_at"))},
             {between(incident, "opened_at", "resolved_at")},
             {story_of(incident).broken}}
        );
    }
    if (table.empty()) {
        context.terminal.out << "no incidents\n";
        return Exit::done;
    }
    table.print(context.terminal);
    auto const* const next = find(answer->json, "next");
    bool const more = next != nullptr && !next->is_null();
    if (more) context.terminal.out << "older ones are left out; see more with --limit\n";
    return Exit::done;
}

Outcome<Exit> show(Context& context, Arguments const& given) {
    auto const answer = context.client().call("GET", path_of(given.text("INC")));
    if (!answer) return tl::unexpected(answer.error());
    if (context.json) return pass_through(context.terminal, *answer);
    print_incident(context.terminal, answer->json);
    return Exit::done;
}

Outcome<Exit> explain(Context& context, Arguments const& given) {
    auto const answer = context.client().call(
        "GET", explain_path(given.text("INC|SERVICE/TRIGGER")), {},
        context.json ? "application/json" : "text/plain"
    );
    if (!answer) return tl::unexpected(answer.error());
    if (context.json) return pass_through(context.terminal, *answer);
    print_wrapped(context.terminal, clean_block(answer->body));
    return Exit::done;
}

Outcome<Exit> report(Context& context, Arguments const& given) {
    auto const answer = context.client().call(
        "GET", path_of(given.text("INC")) + "/report", {},
        context.json ? "application/json" : "text/markdown"
    );
    if (!answer) return tl::unexpected(answer.error());
    if (context.json) return pass_through(context.terminal, *answer);
    // Markdown for a file as much as for a reader: its lines are not touched.
    auto text = clean_block(answer->body);
    if (!text.ends_with('\n')) text += '\n';
    context.terminal.out << text;
    return Exit::done;
}

}  // namespace rollbackd::cli
