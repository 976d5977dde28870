// raise, run, pause, resume, silence, silences, reload: what people do to a running daemon.
#include "cli/handlers.hpp"
#include "cli/story.hpp"
#include "cli/text.hpp"
#include "cli/view.hpp"

#include <ostream>

namespace rollbackd::cli {

namespace {

std::string service_path(Arguments const& given) {
    return "/v1/services/" + url_segment(given.text("SERVICE"));
}

/// --input k=v, any number of them; a value that is JSON of its own kind stays text.
Outcome<JsonObject> inputs_of(Arguments const& given) {
    JsonObject inputs;
    for (auto const& pair : given.all("--input")) {
        auto const equals = pair.find('=');
        if (equals == 0 || equals == std::string::npos) {
            return misuse("--input '" + clean(pair) + "': expected NAME=VALUE");
        }
        auto const name = pair.substr(0, equals);
        if (inputs.contains(name)) return misuse("--input " + clean(name) + " is given twice");
        inputs[name] = pair.substr(equals + 1);
    }
    return inputs;
}

/// A row for the n-th step of a plan, with what the daemon says that it would do.
void add_step(
    Table& table, Json const& answer, Json const& step, std::size_t n, std::string const& before
) {
    std::string text;
    for (auto const& entry : items_of(answer, "would")) {
        if (number_of(entry, "n") != static_cast<std::int64_t>(n)) continue;
        text = shown(entry, "would");
        auto const found = shown(entry, "preflight");
        auto const why = shown(entry, "why");
        if (found == "impossible") text += "; CANNOT WORK: " + why;
        if (found == "later" || found == "unanswered") text += "; not known yet: " + why;
    }
    if (text.empty()) {
        if (auto const* const params = find(step, "params")) text = clean(to_text(*params));
    }
    table.add({{std::to_string(n)}, {shown(step, "name")}, {shown(step, "type")}, {before + text}});
}

void print_plan(Terminal const& terminal, Json const& answer) {
    auto const* const found = find(answer, "plan");
    Json const& plan = found != nullptr ? *found : answer;
    terminal.out << terminal.paint("Would run " + run_name(plan), Colour::bold)
                 << ", nothing was done\n";
    print_field(terminal, "Undoes:   ", shown(plan, "undoes"));
    auto const window = shown(plan, "data_loss_window");
    print_field(
        terminal, "Data loss:", shown(plan, "data_loss") + (window.empty() ? "" : ": " + window), 2,
        shown(plan, "data_loss") == "none" ? Colour::none : Colour::red
    );
    Table table({{"#", 2, 0, true}, {"STEP", 8, 0}, {"TYPE", 6, 1}, {"WOULD", 16, 0, false, true}});
    std::size_t n = 0;
    for (auto const& step : items_of(plan, "steps")) add_step(table, answer, step, ++n, "");
    for (auto const& step : items_of(plan, "always")) {
        add_step(table, answer, step, ++n, "whatever happened: ");
    }
    if (!table.empty()) table.print(terminal, 2);
    for (auto const& check : items_of(plan, "verify")) {
        print_field(terminal, "Verify:   ", shown(check, "condition"));
    }
    print_field(terminal, "Plan:     ", shown(plan, "hash"));
}

Outcome<Exit> switch_service(
    Context& context, Arguments const& given, std::string const& target, std::string const& said
) {
    JsonObject body;
    auto const service = given.maybe("SERVICE");
    if (service) body["service"] = *service;
    auto const what = service ? clean(*service) : std::string("every service");
    return call_and_say(context, "POST", target, Json(std::move(body)), [&](Json const&) {
        return what + " " + said;
    });
}

}  // namespace

Outcome<Exit> raise(Context& context, Arguments const& given) {
    return call_and_say(
        context, "POST",
        service_path(given) + "/triggers/" + url_segment(given.text("TRIGGER")) + "/raise",
        Json(reason_body(given)),
        [&](Json const& incident) {
            auto const id = shown(incident, "id");
            return "raised: " + clean(given.text("SERVICE")) + "/" + clean(given.text("TRIGGER")) +
                   (id.empty() ? "" : " in " + id + "; follow it with: rollbackctl show " + id);
        }
    );
}

Outcome<Exit> run(Context& context, Arguments const& given) {
    auto inputs = inputs_of(given);
    if (!inputs) return tl::unexpected(inputs.error());
    auto body = reason_body(given);
    body["dry_run"] = given.on("--dry-run");
    if (given.on("--force")) body["force"] = true;
    body["inputs"] = std::move(*inputs);
    auto const answer = context.client().call(
        "POST", service_path(given) + "/playbooks/" + url_segment(given.text("PLAYBOOK")) + "/runs",
        Json(std::move(body))
    );
    if (!answer) return tl::unexpected(answer.error());
    auto const& terminal = context.terminal;
    if (context.json) return pass_through(terminal, *answer);
    if (given.on("--dry-run")) {
        print_plan(terminal, answer->json);
        return Exit::done;
    }
    auto const& made = answer->json;
    auto const incident = shown(made, "incident");
    std::string line = shown(made, "id") + " (" + run_name(made) + ") is " + shown(made, "state");
    if (shown(made, "state") == "waiting") {
        line += "; it needs approval: rollbackctl approve " + incident;
    } else if (!incident.empty()) {
        line += "; follow it with: rollbackctl show " + incident;
    }
    terminal.out << line << '\n';
    print_field(terminal, "Data loss:", loss_of(made), 2, Colour::red);
    return Exit::done;
}

Outcome<Exit> pause(Context& context, Arguments const& given) {
    return switch_service(
        context, given, "/v1/pause", "is paused: nothing is run until 'rollbackctl resume'"
    );
}

Outcome<Exit> resume(Context& context, Arguments const& given) {
    return switch_service(
        context, given, "/v1/resume", "is resumed: what is still broken is judged again now"
    );
}

Outcome<Exit> silence(Context& context, Arguments const& given) {
    auto const length = parse_duration(given.text("--for"));
    if (!length || *length <= Duration::zero()) {
        return misuse(
            "--for '" + clean(given.text("--for")) + "': expected a duration like 30m, 2h or 1d"
        );
    }
    auto body = reason_body(given);
    body["service"] = given.text("SERVICE");
    body["for"] = given.text("--for");
    return call_and_say(
        context, "POST", "/v1/silences", Json(std::move(body)),
        [&](Json const& made) {
            auto const id = shown(made, "id");
            auto const until = text_of(made, "until");
            return clean(given.text("SERVICE")) + " is silenced" +
                   (until.empty() ? " for " + format_human(*length) : " until " + moment(until)) +
                   ": no action and no message" +
                   (id.empty() ? "" : "; end it with: rollbackctl silences --end " + id);
        }
    );
}

Outcome<Exit> silences(Context& context, Arguments const& given) {
    if (auto const id = given.maybe("--end")) {
        return call_and_say(
            context, "DELETE", "/v1/silences/" + url_segment(*id), {},
            [&](Json const&) { return clean(*id) + " is ended"; }
        );
    }
    auto const answer = context.client().call("GET", "/v1/silences?limit=1000");
    if (!answer) return tl::unexpected(answer.error());
    if (context.json) return pass_through(context.terminal, *answer);
    Table table(
        {{"ID", 6, 0},
         {"SERVICE", 8, 0},
         {"UNTIL", 20, 0},
         {"BY", 4, 1},
         {"REASON", 10, 2, false, true}}
    );
    for (auto const& silence : items_of(answer->json)) {
        auto const service = shown(silence, "service");
        table.add(
            {{shown(silence, "id")},
             {service.empty() ? "every service" : service},
             {moment(text_of(silence, "until"))},
             {shown(silence, "by")},
             {shown(silence, "reason")}}
        );
    }
    if (table.empty()) {
        context.terminal.out << "no silences\n";
    } else {
        table.print(context.terminal);
    }
    return Exit::done;
}

Outcome<Exit> reload(Context& context, Arguments const&) {
    auto const answer = context.client().ask("POST", "/v1/config/reload", Json(JsonObject()));
    if (!answer) return tl::unexpected(answer.error());
    auto const& terminal = context.terminal;
    if (answer->status / 100 != 2) {
        // Every mistake with its place, not only the first.
        for (auto const& mistake : items_of(answer->json, "errors")) {
            if (!context.json) terminal.out << shown(mistake, "detail") << '\n';
        }
        return tl::unexpected(refusal_of(*answer));
    }
    if (context.json) return pass_through(terminal, *answer);
    for (auto const& problem : items_of(answer->json, "problems")) {
        terminal.out << shown(problem, "file") << ":" << shown(problem, "line") << ":"
                     << shown(problem, "column") << ": " << shown(problem, "severity") << ": "
                     << shown(problem, "text") << '\n';
    }
    auto const note = shown(answer->json, "note");
    terminal.out << "the configuration is loaded" << (note.empty() ? "" : "; ") << note << '\n';
    return Exit::done;
}

}  // namespace rollbackd::cli
