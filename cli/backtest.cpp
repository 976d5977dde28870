// backtest: what a policy would have decided over recorded history.
#include "cli/handlers.hpp"
#include "cli/offline.hpp"
#include "cli/rehearsal/history.hpp"
#include "cli/text.hpp"
#include "cli/view.hpp"
#include "core/names.hpp"

#include <ostream>

namespace rollbackd::cli {

namespace {

using namespace std::chrono_literals;

// A breach that was over this soon, with nothing done: perhaps a threshold that is too near.
constexpr auto short_breach = 2min;

/// "SERVICE=REST", or the only service's.
Outcome<std::pair<std::string, std::string>> owned(
    Policy const& policy, std::string const& option, std::string const& text
) {
    auto const equals = text.find('=');
    if (equals == std::string::npos) {
        if (policy.services.size() == 1) return std::pair(policy.services.front().name, text);
        return misuse(option + " '" + clean(text) + "': say whose, as SERVICE=" + clean(text));
    }
    auto const service = text.substr(0, equals);
    if (policy.service(service) == nullptr) {
        return misuse(option + ": the policy has no service '" + clean(service) + "'");
    }
    return std::pair(service, text.substr(equals + 1));
}

Outcome<void> read_logs(Policy const& policy, Arguments const& given, History& into) {
    for (auto const& text : given.all("--log")) {
        auto const equals = text.find('=');
        auto const slash = text.find('/');
        auto const* const service =
            equals == text.npos || slash > equals ? nullptr : policy.service(text.substr(0, slash));
        LogFile log{text, "", ""};
        if (service != nullptr) {
            log = {
                text.substr(equals + 1), service->name, text.substr(slash + 1, equals - slash - 1)
            };
            if (service->signal(log.signal) == nullptr) {
                return misuse(
                    "--log: " + service->name + " has no signal '" + clean(log.signal) + "'"
                );
            }
        }
        into.logs.push_back(std::move(log));
    }
    return {};
}

Outcome<void> read_releases(Policy const& policy, Arguments const& given, History& into) {
    for (auto const& text : given.all("--deploy")) {
        auto const at = text.rfind('@');
        auto const time =
            at == text.npos ? fail(Errc::invalid, "") : parse_rfc3339(text.substr(at + 1));
        if (!time) {
            return misuse(
                "--deploy '" + clean(text) + "': expected VERSION@TIME, as v2@2026-01-31T12:00:00Z"
            );
        }
        auto const whose = owned(policy, "--deploy", text.substr(0, at));
        if (!whose) return tl::unexpected(whose.error());
        into.deployments.push_back({whose->first, whose->second, *time, false});
    }
    for (auto const& text : given.all("--known-good")) {
        auto const whose = owned(policy, "--known-good", text);
        if (!whose) return tl::unexpected(whose.error());
        into.known_good.push_back(*whose);
    }
    return {};
}

Outcome<History> history_of(Policy const& policy, Arguments const& given) {
    History history;
    if (auto read = read_logs(policy, given, history); !read) return tl::unexpected(read.error());
    if (auto read = read_releases(policy, given, history); !read) {
        return tl::unexpected(read.error());
    }
    if (auto const store = given.maybe("--store")) {
        StoreOptions options;
        options.password_file = policy.daemon.store_password_file;
        auto const journal = open_journal(*store, OpenMode::read_only, options);
        if (!journal) return refuse(clean(to_string(journal.error())));
        if (auto const read = read_past(**journal, history); !read) {
            return refuse(clean(to_string(read.error())));
        }
    }
    return history;
}

bool was_short(Found const& found) {
    return !found.alert_only && found.over_at && *found.over_at - found.opened_at < short_breach;
}

std::string verdict_of(Found const& found) {
    if (found.alert_only) return "alert only";
    if (!found.would) return "not acting";
    auto const to = found.would->target.empty() ? "" : " to " + found.would->target;
    return "would have run " + found.would->playbook + to;
}

JsonObject json_of(Found const& found) {
    JsonObject out{
        {"service", found.service},
        {"trigger", found.trigger},
        {"severity", found.severity},
        {"why", found.why},
        {"alert_only", found.alert_only},
        {"opened_at", format_rfc3339(found.opened_at)},
        {"refusals", to_json(found.refusals)},
        {"short", was_short(found)},
        {"false_positive", found.false_positive},
    };
    if (found.over_at) out["over_at"] = format_rfc3339(*found.over_at);
    if (found.would) {
        out["would_run"] = JsonObject{
            {"playbook", found.would->playbook},
            {"target", found.would->target},
            {"at", format_rfc3339(found.would->at)},
        };
    }
    if (!found.past.empty()) out["incident"] = found.past;
    return out;
}

JsonObject json_of(Backtest const& made) {
    JsonArray logs;
    for (auto const& log : made.logs) {
        logs.push_back(JsonObject{
            {"path", log.path},
            {"lines", log.lines},
            {"samples", log.samples},
            {"unreadable", log.unreadable},
        });
    }
    JsonArray incidents;
    for (auto const& found : made.found) incidents.push_back(json_of(found));
    JsonArray missed;
    for (auto const& past : made.missed)
        missed.push_back(JsonObject{
            {"incident", past.id},
            {"service", past.service},
            {"trigger", past.trigger},
            {"at", format_rfc3339(past.at)},
        });
    JsonObject out{
        {"logs", std::move(logs)},
        {"silent", to_json(made.silent)},
        {"incidents", std::move(incidents)},
        {"missed", std::move(missed)},
    };
    if (made.from) out["from"] = format_rfc3339(*made.from);
    if (made.to) out["to"] = format_rfc3339(*made.to);
    return out;
}

void print_logs(Terminal const& terminal, Backtest const& made) {
    for (auto const& log : made.logs) {
        terminal.out << clean(log.path) << ": " << counted(log.lines, "line") << ", " << log.samples
                     << " counted"
                     << (log.unreadable == 0
                             ? ""
                             : ", " + std::to_string(log.unreadable) + " unreadable")
                     << '\n';
    }
    if (made.from) {
        terminal.out << "from " << format_moment(*made.from) << " to " << format_moment(*made.to)
                     << " (" << format_human(*made.to - *made.from) << ")\n";
    }
    std::string names;
    for (auto const& name : made.silent) names += (names.empty() ? "" : ", ") + name;
    print_field(terminal, "no history:", names, 0, Colour::dim);
}

void print_found(Terminal const& terminal, Found const& found) {
    terminal.out << '\n'
                 << terminal.paint(format_moment(found.opened_at), Colour::dim) << "  "
                 << terminal.paint(found.severity, colour_of_severity(found.severity)) << ' '
                 << clean(found.service) << '/' << clean(found.trigger) << ": "
                 << terminal.paint(
                        clean(verdict_of(found)), found.would ? Colour::blue : Colour::none
                    )
                 << '\n';
    print_field(terminal, "why:", clean(found.why), 4);
    for (auto const& refusal : found.refusals) print_field(terminal, "held:", clean(refusal), 4);
    if (found.over_at) {
        auto const lasted = *found.over_at - found.opened_at;
        print_field(
            terminal, "over:",
            "after " + format_human(lasted) +
                (was_short(found) ? ", with nothing done: a false alarm?" : ""),
            4, was_short(found) ? Colour::yellow : Colour::none
        );
    } else {
        print_field(terminal, "over:", "not before the end of the log", 4);
    }
    if (!found.past.empty()) {
        print_field(
            terminal,
            "then:", found.past + (found.false_positive ? ", judged a false positive" : ""), 4,
            found.false_positive ? Colour::yellow : Colour::none
        );
    }
}

void print_sum(Terminal const& terminal, Backtest const& made) {
    std::size_t runs = 0;
    std::size_t alerts = 0;
    std::size_t doubtful = 0;
    for (auto const& found : made.found) {
        if (found.would) ++runs;
        if (found.alert_only) ++alerts;
        if (was_short(found) || found.false_positive) ++doubtful;
    }
    terminal.out << '\n'
                 << counted(made.found.size(), "incident") << ": " << counted(runs, "run") << ", "
                 << made.found.size() - runs - alerts << " held, " << counted(alerts, "alert")
                 << "; " << counted(doubtful, "false alarm")
                 << ", by their length or by a person's verdict\n";
    for (auto const& past : made.missed) {
        terminal.out << "not found again: " << clean(past.id) << ' ' << clean(past.service) << '/'
                     << clean(past.trigger) << " of " << format_moment(past.at) << '\n';
    }
}

}  // namespace

Outcome<Exit> backtest(Context& context, Arguments const& given) {
    auto const policy = load_for_use(given.text("FILE"));
    if (!policy) return tl::unexpected(policy.error());
    auto const history = history_of(**policy, given);
    if (!history) return tl::unexpected(history.error());
    auto const made = backtest_over(*policy, *history);
    if (!made) return refuse(clean(to_string(made.error())));
    if (made->logs.empty()) {
        return refuse("there is no log to go by; name one with --log FILE");
    }
    auto const& terminal = context.terminal;
    if (context.json) {
        terminal.out << to_text(json_of(*made)) << '\n';
        return Exit::done;
    }
    print_logs(terminal, *made);
    for (auto const& found : made->found) print_found(terminal, found);
    print_sum(terminal, *made);
    return Exit::done;
}

}  // namespace rollbackd::cli
