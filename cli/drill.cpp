// drill: breaks a service on purpose, waits for what rollbackd makes of it, and has it recorded.
#include "cli/handlers.hpp"
#include "cli/story.hpp"
#include "cli/text.hpp"
#include "cli/view.hpp"
#include "core/io/clock.hpp"
#include "core/io/process.hpp"
#include "core/io/task_group.hpp"
#include "core/names.hpp"

#include <unistd.h>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <istream>
#include <ostream>

namespace rollbackd::cli {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds look_every = 200ms;

struct Drilled {
    std::string service;
    std::string playbook;
    Duration within{};
    Now broken_at{};
    RealClock clock{};

    Duration left() const { return broken_at.boot + within - clock.now().boot; }
    bool late() const { return left() <= Duration::zero(); }
};

/// An alert that can wait for the morning.
bool is_mere_note(Json const& incident) {
    return is_true(incident, "alert_only") && text_of(incident, "severity") == "P3";
}

/// A drill begins where nothing is wrong.
Outcome<void> look_before(Context const& context, Drilled const& drilled) {
    auto const client = context.client();
    auto const path = "/v1/services/" + url_segment(drilled.service);
    auto const service = client.call("GET", path);
    if (!service) return tl::unexpected(service.error());
    for (auto const& open : items_of(service->json, "open_incidents")) {
        auto const incident = client.call("GET", "/v1/incidents/" + url_segment(name_of(open)));
        if (!incident) return tl::unexpected(incident.error());
        // That a drill is due is an alert too.
        if (is_mere_note(incident->json)) continue;
        return refuse(
            clean(drilled.service) + " has an open incident, " + name_of(open) +
            ": a drill begins where nothing is wrong"
        );
    }
    // Whether it could be run nobody knows yet: there is nothing to go back from.
    for (auto const& playbook : items_of(service->json, "playbooks")) {
        if (text_of(playbook, "name") == drilled.playbook) return {};
    }
    return refuse(clean(drilled.service) + " has no playbook " + clean(drilled.playbook));
}

Outcome<void> agree(
    Context const& context, Arguments const& given, std::vector<std::string> const& command
) {
    if (given.on("--yes")) return {};
    auto const& terminal = context.terminal;
    if (!terminal.in_is_tty) return misuse("a drill breaks the service on purpose: say --yes");
    std::string line;
    for (auto const& word : command) line += (line.empty() ? "" : " ") + shell_word(clean(word));
    terminal.err << "This BREAKS " << clean(given.text("SERVICE")) << " on purpose, with: " << line
                 << "\nIs it the one that may be broken? [y/N] " << std::flush;
    std::string said;
    std::getline(terminal.in, said);
    if (said == "y" || said == "Y" || said == "yes") return {};
    return refuse("nothing was broken");
}

/// All that the person has: what breaks a service may need what only they know.
std::map<std::string, std::string> own_environment() {
    std::map<std::string, std::string> out;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        std::string_view const text(*entry);
        auto const equals = text.find('=');
        if (equals == text.npos) continue;
        out.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return out;
}

boost::asio::awaitable<void> to_its_end(ProcessSpec spec, Result<ProcessResult>* ended) {
    *ended = co_await run_process(std::move(spec));
}

Outcome<void> carry_out(
    Context const& context, Drilled const& drilled, std::vector<std::string> const& command
) {
    ProcessSpec spec;
    spec.argv = command;
    spec.cwd = std::filesystem::current_path().string();
    spec.env = own_environment();
    spec.timeout = drilled.left();
    spec.merge_errors = true;
    boost::asio::io_context loop(1);
    TaskGroup group(loop.get_executor());
    Result<ProcessResult> ended = fail(Errc::io, "it was never started");
    group.spawn("command", to_its_end(std::move(spec), &ended));
    loop.run();
    auto const nothing = ": nothing was drilled";
    if (!ended) return refuse(clean(to_string(ended.error())) + nothing);
    context.terminal.err << clean_block(ended->output);
    if (ended->ok()) return {};
    return refuse("the command that was to break it failed, " + ended->describe() + nothing);
}

/// The first incident of the service since it was broken.
Outcome<std::string> wait_for_incident(Context const& context, Drilled const& drilled) {
    auto const target = "/v1/incidents?limit=5&service=" + url_segment(drilled.service);
    while (!drilled.late()) {
        auto const answer = context.client().call("GET", target);
        if (!answer) return tl::unexpected(answer.error());
        std::string found;
        for (auto const& incident : items_of(answer->json)) {
            auto const opened = parse_rfc3339(text_of(incident, "opened_at"));
            bool const since = opened && *opened >= drilled.broken_at.wall;
            if (since && !is_mere_note(incident)) found = shown(incident, "id");
        }
        if (!found.empty()) return found;
        pause_for(look_every);
    }
    return refuse("nobody noticed within --within: no incident of " + clean(drilled.service));
}

Json const* run_of(Json const& incident, std::string const& playbook) {
    Json const* found = nullptr;
    for (auto const& run : items_of(incident, "runs")) {
        if (text_of(run, "playbook") == playbook) found = &run;
    }
    return found;
}

/// Until its run is over, saying once what becomes of it.
Outcome<void> wait_for_run(Context const& context, Drilled const& drilled, std::string const& id) {
    std::string told;
    auto const tell = [&](std::string const& line) {
        if (line != told) context.terminal.err << line << '\n';
        told = line;
    };
    while (!drilled.late()) {
        auto const answer = context.client().call("GET", "/v1/incidents/" + url_segment(id));
        if (!answer) return tl::unexpected(answer.error());
        auto const* const run = run_of(answer->json, drilled.playbook);
        if (run != nullptr && !text_of(*run, "ended_at").empty()) return {};
        auto const state = shown(answer->json, "state");
        auto const waits = newest_run(answer->json, {"waiting"}) != nullptr;
        tell(id + " is " + state + (waits ? "; approve it with: rollbackctl approve " + id : ""));
        if (state == "resolved" || state == "frozen") {
            return refuse(
                id + " is " + state + ", and " + clean(drilled.playbook) + " did not run"
            );
        }
        pause_for(look_every);
    }
    return refuse("not over within --within: see rollbackctl show " + id);
}

std::string after(Json const& drill, std::string_view name) {
    auto const* const value = find(drill, name);
    if (value == nullptr || !value->is_number()) return "never";
    auto const seconds = std::chrono::duration<double>(value->to_number<double>());
    return "after " + format_human(std::chrono::duration_cast<Duration>(seconds));
}

}  // namespace

Outcome<Exit> drill(Context& context, Arguments const& given) {
    auto const within = given.text("--within");
    auto const limit = within.empty() ? Result<Duration>(15min) : parse_duration(within);
    if (!limit || *limit <= Duration::zero()) {
        return misuse("--within '" + clean(within) + "': expected a duration like 90s or 15m");
    }
    auto const command = given.all("COMMAND");
    Drilled drilled{given.text("SERVICE"), given.text("PLAYBOOK"), *limit};
    if (auto ready = look_before(context, drilled); !ready) return tl::unexpected(ready.error());
    if (auto yes = agree(context, given, command); !yes) return tl::unexpected(yes.error());
    drilled.broken_at = drilled.clock.now();
    auto const broken = carry_out(context, drilled, command);
    if (!broken) return tl::unexpected(broken.error());
    auto const incident = wait_for_incident(context, drilled);
    if (!incident) return tl::unexpected(incident.error());
    if (auto ended = wait_for_run(context, drilled, *incident); !ended) {
        return tl::unexpected(ended.error());
    }
    JsonObject body{{"incident", *incident}, {"broken_at", format_rfc3339(drilled.broken_at.wall)}};
    auto const answer = context.client().call(
        "POST",
        "/v1/services/" + url_segment(drilled.service) + "/playbooks/" +
            url_segment(drilled.playbook) + "/drills",
        Json(std::move(body))
    );
    if (!answer) return tl::unexpected(answer.error());
    auto const& made = answer->json;
    bool const passed = is_true(made, "passed");
    if (context.json) {
        pass_through(context.terminal, *answer);
    } else {
        auto const& terminal = context.terminal;
        terminal.out << terminal.paint(
                            "the drill of " + clean(drilled.playbook) +
                                (passed ? " passed" : " FAILED"),
                            passed ? Colour::green : Colour::red
                        )
                     << " (" << *incident << ")\n";
        print_field(terminal, "Noticed:  ", after(made, "noticed_seconds"));
        print_field(terminal, "Began:    ", after(made, "acted_seconds"));
        print_field(terminal, "Recovered:", after(made, "recovered_seconds"));
    }
    return passed ? Exit::done : Exit::refused;
}

}  // namespace rollbackd::cli
