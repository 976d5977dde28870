#include "cli/runbook.hpp"

#include "cli/text.hpp"
#include "core/names.hpp"

#include <algorithm>
#include <sstream>

namespace rollbackd::cli {

namespace {

/// Text inside a line of Markdown: nothing in it may open a heading, a link or HTML.
std::string plain(std::string_view text) {
    std::string out;
    for (char const c : clean(text)) {
        if (std::string_view("\\`*_[]<>|#").find(c) != std::string_view::npos) out.push_back('\\');
        out.push_back(c);
    }
    return out;
}

std::string code(std::string_view text) {
    auto const inside = clean(text);
    std::string fence = "`";
    while (inside.find(fence) != std::string::npos) fence += "`";
    bool const pad = inside.starts_with('`') || inside.ends_with('`');
    return fence + (pad ? " " : "") + inside + (pad ? " " : "") + fence;
}

/// A table's cell ends at a bar even inside code, so text with one goes without.
std::string code_in_table(std::string_view text) {
    return text.find('|') == std::string_view::npos ? code(text) : plain(text);
}

std::string command_line(std::vector<std::string> const& argv) {
    std::string out;
    for (auto const& word : argv) out += (out.empty() ? "" : " ") + shell_word(word);
    return out;
}

std::string plain_text(Json const& value) {
    return value.is_string() ? std::string(value.get_string()) : to_text(value);
}

std::vector<std::string> argv_of(Json const& value) {
    std::vector<std::string> argv;
    if (!value.is_array()) return argv;
    for (auto const& word : value.get_array()) {
        argv.push_back(plain_text(word));
    }
    return argv;
}

/// A parameter's value as the YAML would have it: argv as a command, durations not in nanoseconds.
std::string value_text(std::string_view key, Json const& value) {
    bool const duration = key == "within" || key == "for" || key == "deadline" || key == "timeout";
    if (duration && value.is_int64()) return format_duration(Duration(value.get_int64()));
    if (key == "argv") return command_line(argv_of(value));
    if (!value.is_array()) return plain_text(value);
    std::string list;
    for (auto const& item : value.get_array()) {
        list += (list.empty() ? "" : "; ") +
                (item.is_array() ? command_line(argv_of(item)) : plain_text(item));
    }
    return list;
}

std::string step_line(Step const& step) {
    std::string out = "**" + plain(step.name) + "**";
    if (step.type != step.name) out += " (" + plain(step.type) + ")";
    std::string details;
    for (auto const& [key, value] : step.params) {
        if (value.is_null()) continue;
        details += (details.empty() ? "" : ", ") + plain(key) + " " + code(value_text(key, value));
    }
    if (!details.empty()) out += ": " + details;
    if (!step.host.empty()) out += "; on " + plain(step.host);
    if (!step.when.empty()) out += "; only if " + code(step.when);
    if (step.approval) out += "; **needs approval**";
    if (step.destructive) out += "; **destructive**";
    out += "; at most " + format_duration(step.timeout);
    if (step.retries > 0) out += ", tried again up to " + counted(step.retries, "time");
    return out;
}

std::string check_line(Check const& check) {
    std::string out;
    switch (check.kind) {
        case CheckKind::until:
            out = code(check.condition) + " within " + format_duration(check.limit);
            break;
        case CheckKind::hold:
            out = code(check.condition) + " for " + format_duration(check.limit);
            break;
        case CheckKind::run:
            out = code(command_line(check.argv)) + " exits 0";
            break;
        case CheckKind::manual:
            out = "by hand: " + plain(check.text);
            break;
    }
    return check.from.empty() ? out : out + ", asked from " + plain(check.from);
}

void write_steps(std::ostream& out, std::string_view title, std::vector<Step> const& steps) {
    if (steps.empty()) return;
    out << '\n' << title << ":\n\n";
    for (std::size_t i = 0; i < steps.size(); ++i)
        out << i + 1 << ". " << step_line(steps[i]) << '\n';
}

void write_checks(std::ostream& out, std::string_view title, std::vector<Check> const& checks) {
    if (checks.empty()) return;
    out << '\n' << title << ":\n\n";
    for (auto const& check : checks) out << "- [ ] " << check_line(check) << '\n';
}

void write_playbook(std::ostream& out, Playbook const& playbook) {
    out << "\n### Playbook " << plain(playbook.name) << "\n\n";
    out << "Undoes: " << to_string(playbook.undoes) << ". Risk: " << to_string(playbook.risk)
        << ". Data loss: " << to_string(playbook.data_loss) << ".";
    if (playbook.budget) out << " Budget: " << format_duration(*playbook.budget) << ".";
    if (needs_approval(playbook)) out << " **A person must approve it.**";
    out << '\n';
    for (auto const& [name, otherwise] : playbook.inputs) {
        out << "\nInput " << code(name)
            << (otherwise.is_null() ? ", required"
                                    : ", default " + code(value_text(name, otherwise)))
            << ".\n";
    }
    write_steps(out, "Steps", playbook.steps);
    write_steps(out, "Whatever happened, at the end", playbook.always);
    write_checks(out, "It has recovered when", playbook.verify);
    write_checks(out, "It was successful when, after that", playbook.success);
    if (!playbook.follow_up.empty() || !playbook.duties.empty()) out << "\nAfterwards:\n\n";
    for (std::size_t i = 0; i < playbook.follow_up.size(); ++i) {
        out << "- " << plain(playbook.follow_up[i]);
        for (auto const& reminder : playbook.reminders) {
            if (reminder.entry != i + 1) continue;
            out << " (reminded every " << format_duration(reminder.every) << " for "
                << format_duration(reminder.lasts) << ')';
        }
        out << '\n';
    }
    for (auto const& duty : playbook.duties) {
        out << "- [ ] " << plain(duty.name) << ": " << plain(duty.text) << " (within "
            << format_duration(duty.deadline) << " of " << to_string(duty.from) << ")\n";
    }
    if (!playbook.on_failure.empty()) {
        out << "\nIf it fails:";
        for (auto const& next : playbook.on_failure) out << ' ' << plain(next);
        out << ".\n";
    }
}

std::string response_text(Response const& response) {
    std::string rungs;
    for (auto const& rung : response.rungs) {
        rungs += (rungs.empty() ? "" : ", then ") + plain(rung.run);
        if (rung.within) rungs += " (within " + format_duration(*rung.within) + ")";
    }
    switch (response.kind) {
        case ResponseKind::alert:
            return "alert";
        case ResponseKind::propose:
            return rungs.empty() ? "propose" : "propose " + rungs;
        case ResponseKind::ladder:
            return rungs;
    }
    return {};
}

void write_service(std::ostream& out, Policy const& policy, ServicePolicy const& service) {
    out << "\n## " << plain(service.name) << "\n\n";
    if (!service.depends_on.empty()) {
        out << "Depends on:";
        for (auto const& name : service.depends_on) out << ' ' << plain(name);
        out << ". While one of these fails, no release is undone.\n\n";
    }
    out << "| when | severity | response |\n|---|---|---|\n";
    for (auto const& trigger : service.triggers) {
        auto const resolved = resolve(policy, service, trigger, trigger.classify);
        out << "| " << plain(trigger.name) << ": " << code_in_table(trigger.when.text());
        if (trigger.for_ > Duration::zero()) out << " for " << format_duration(trigger.for_);
        out << " | " << to_string(resolved.severity) << " | " << response_text(resolved.response)
            << " |\n";
    }
    for (auto const& playbook : service.playbooks) write_playbook(out, playbook);
}

}  // namespace

std::string runbook_markdown(Policy const& policy) {
    std::ostringstream out;
    out << "# Runbook\n\nWritten from the policy by `rollbackctl runbook`; the policy is what is "
           "carried "
           "out.\nNames in `{{ … }}` are filled in when a run is planned: "
           "`rollbackctl run SERVICE PLAYBOOK --dry-run` shows them.\n";
    for (auto const& service : policy.services) write_service(out, policy, service);
    return out.str();
}

}  // namespace rollbackd::cli
