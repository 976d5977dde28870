#include "cli/importing/import.hpp"

#include "cli/importing/decisions.hpp"
#include "cli/importing/known_commands.hpp"
#include "cli/importing/phrases.hpp"
#include "cli/importing/sections.hpp"
#include "core/names.hpp"

#include <algorithm>
#include <set>

namespace rollbackd::cli {

namespace {

using Kind = MarkdownLine::Kind;
using What = KnownCommand::What;

constexpr std::size_t tries_max = 200;
// Spelt in two halves: it is the reader's work, not ours.
constexpr char const* mark_for_people =
    "TO"
    "DO(person): ";

std::string in_brackets(std::string_view text) {
    std::string out;
    if (!text.empty()) out.append(" (").append(text).append(")");
    return out;
}

std::string instruction_of(MarkdownLine const& line) {
    std::string out = "line ";
    out.append(std::to_string(line.number)).append(": ").append(line.text);
    return yaml_text(out);
}

class Writer {
public:
    Writer(Runbook runbook, std::string name)
        : runbook_(std::move(runbook)), name_(std::move(name)) {}

    /// What was a step in this line of the policy is an instruction from now on, what was a
    /// condition of ours a symptom that a person reports; false: none was.
    bool give_to_person(int yaml_line) {
        auto const row = row_at_.find(yaml_line);
        if (row != row_at_.end()) return reported_.insert(row->second).second;
        auto const found = step_at_.find(yaml_line);
        if (found == step_at_.end() || found->second->by_person) return false;
        found->second->by_person = true;
        found->second->known.why = "check objects to it as a step";
        return true;
    }

    Imported write();

private:
    template <class... Parts>
    void put(Parts const&... parts) {
        (out_.yaml.append(std::string_view(parts)), ...);
        out_.yaml += '\n';
        ++line_;
    }
    void note(std::string const& indent, MarkdownLine const& line) {
        put(indent, "# ", std::to_string(line.number), ": ", line.text);
    }
    void ask(std::string const& indent, MarkdownLine const& line, std::string const& why) {
        ++out_.open;
        auto const because = in_brackets(why);
        put(indent, "# ", mark_for_people, "line ", std::to_string(line.number), ": ", line.text,
            because);
    }

    void write_head();
    void write_release();
    void write_signals();
    void write_triggers();
    void write_trigger(Decision const& decision);
    void write_playbooks();
    void write_playbook(std::string const& name);
    void write_harm(Harm const& harm);
    void write_evidence(std::vector<Section*> const& parts);
    void write_step(Item& item);
    void write_checks(std::vector<Section*> const& parts);
    void write_duty(std::string const& indent, MarkdownLine const& line, Deadline const& until);
    void write_duties(std::vector<Section*> const& parts);
    void write_service_duties();
    void write_rest();

    Runbook runbook_;
    std::string name_;
    std::set<std::string> used_;
    std::set<int> told_;  // lines that are in the policy already
    std::map<int, Item*> step_at_;
    std::map<int, int> row_at_;  // the policy's line of a condition of ours, and its row's
    std::set<int> reported_;     // rows whose condition check objects to
    std::vector<Decision> decisions_;
    Imported out_;
    int line_ = 1;
};

void Writer::write_head() {
    put("# A first policy, made from a runbook by `rollbackctl import`. It only observes: rollbackd"
    );
    put("# decides and records what it would do, and does nothing; each playbook asks a person "
        "first.");
    put("# A number before a comment is the runbook's line. Look at every line marked");
    put("# ", mark_for_people, "… and CHANGE, then: rollbackctl check FILE");
    put("version: 1");
    put("");
    put("daemon:");
    put("  listen: [127.0.0.1:8620]");
    put("  store: sqlite:/var/lib/rollbackd/rollbackd.db");
    put("  autonomy: observe");
    put("");
    put("notify:");
    put("  # CHANGE: where people read messages");
    put("  log: { exec: { argv: [/usr/bin/logger, -t, rollbackd] } }");
    put("");
    put("services:");
    put("  ", name_, ":");
}

void Writer::write_release() {
    if (runbook_.repo.empty()) return;
    put("    release:");
    put("      version: { git: ", yaml_text(runbook_.repo), " }");
}

void Writer::write_signals() {
    put("    signals:");
    auto const asked = runbook_.url.empty() ? "http://127.0.0.1:3000/health" : runbook_.url;
    put("      # CHANGE: what tells best whether the service works");
    put("      health: { http: { url: ", yaml_text(asked), " }, every: 10s }");
    put("      # What only a person notices: raised by hand, with rollbackctl raise");
    put("      reported: { push: { kind: state } }");
    std::set<std::string> proposed{"health"};
    for (auto const& decision : decisions_) {
        if (!decision.symptom || !proposed.insert(decision.symptom->signal).second) continue;
        auto const& symptom = *decision.symptom;
        auto const line = std::to_string(decision.row->number);
        if (!symptom.change.empty()) put("      # CHANGE: ", symptom.change);
        row_at_[line_] = decision.row->number;
        put("      ", symptom.signal, ": ", symptom.source, "   # line ", line);
    }
}

void Writer::write_trigger(Decision const& decision) {
    note("      ", *decision.row);
    told_.insert(decision.row->number);
    auto const& symptom = decision.symptom;
    if (symptom) row_at_[line_] = decision.row->number;
    put("      ", decision.name,
        ": { when: ", symptom ? yaml_text(symptom->when) : "failed(reported)",
        symptom ? symptom->keys : "", ", severity: ", decision.severity,
        ", response: ", decision.response, " }");
    ++out_.triggers;
}

void Writer::write_triggers() {
    put("    triggers:");
    for (auto const& decision : decisions_) write_trigger(decision);
    if (out_.triggers > 0) return;
    put("      down: { when: consecutive_failures(health) >= 3, severity: P1, response: alert }");
    ++out_.triggers;
}

void Writer::write_step(Item& item) {
    auto const& line = *item.line;
    bool const step = item.known.what == What::step && !item.by_person;
    if (step) {
        auto const why = in_brackets(item.known.why);
        step_at_[line_] = &item;
        put("          - ", item.known.yaml, "   # line ", std::to_string(line.number), why);
        ++out_.steps;
        return;
    }
    bool const asks = item.by_person || line.kind == Kind::step;
    if (!asks) {
        auto const why = in_brackets(item.known.why);
        put("          # ", std::to_string(line.number), ": ", line.text, why);
        return;
    }
    if (line.kind == Kind::command) ask("          ", line, item.known.why);
    put("          - manual: { say: ", instruction_of(line), " }");
    ++out_.by_people;
}

void Writer::write_evidence(std::vector<Section*> const& parts) {
    std::string commands;
    for (auto const* section : parts) {
        for (auto const& item : section->items) {
            if (item.known.what == What::look) commands.append(", ").append(item.known.yaml);
        }
    }
    put("          - capture_evidence: { commands: [[date]", commands, "] }");
}

void Writer::write_checks(std::vector<Section*> const& parts) {
    put("        verify:");
    put("          - { until: ok(health), within: 60s }");
    std::set<std::string> asked;
    for (auto* const section : parts) {
        for (auto& item : section->items) {
            bool const check = item.known.what == What::check;
            if (!check || item.by_person || !asked.insert(item.known.yaml).second) continue;
            step_at_[line_] = &item;
            put("          - { run: ", item.known.yaml, ", within: 30s }   # line ",
                std::to_string(item.line->number));
        }
    }
}

void Writer::write_duty(
    std::string const& indent, MarkdownLine const& line, Deadline const& until
) {
    auto const name = unique_name(slug_of(line.text, "duty"), used_);
    put(indent, "- { name: ", name, ", text: ", yaml_text(line.text), ", deadline: ", until.within,
        ", from: ", until.after_recovery ? "recovery" : "detection", " }   # line ",
        std::to_string(line.number));
    told_.insert(line.number);
    ++out_.duties;
}

void Writer::write_duties(std::vector<Section*> const& parts) {
    bool first = true;
    for (auto const* section : parts) {
        std::optional<Deadline> above;
        if (section->heading != nullptr) above = deadline_in(section->heading->text);
        for (auto const& item : section->items) {
            auto const& line = *item.line;
            if (line.kind == Kind::prose && line.text.ends_with(':'))
                above = deadline_in(line.text);
            if (line.kind != Kind::check) continue;
            if (first) put("        duties:");
            first = false;
            auto until = deadline_in(line.text);
            if (!until) until = above;
            write_duty("          ", line, until.value_or(Deadline{"24h", true}));
        }
    }
}

// What is owed after any incident: a list that belongs to no playbook and says until when.
void Writer::write_service_duties() {
    bool first = true;
    for (auto const& section : runbook_.sections) {
        if (!section.playbook.empty()) continue;
        std::optional<Deadline> above;
        if (section.heading != nullptr) above = deadline_in(section.heading->text);
        for (auto const& item : section.items) {
            auto const& line = *item.line;
            if (line.kind == Kind::prose && line.text.ends_with(':'))
                above = deadline_in(line.text);
            auto until = deadline_in(line.text);
            if (!until) until = above;
            if (line.kind != Kind::check || !until) continue;
            if (first) put("    duties:");
            first = false;
            write_duty("      ", line, *until);
        }
    }
}

// What may lose data asks a person first, always, and says so.
void Writer::write_harm(Harm const& harm) {
    put("        undoes: ", to_string(harm.undoes));
    if (harm.line == nullptr) {
        put("        approval: true     # take it away once it was drilled");
        return;
    }
    put("        # CHANGE: certain where what was written since is always lost; and save the "
        "present");
    put("        # state first, with pg_backup or archive_create");
    put("        data_loss: possible   # line ", std::to_string(harm.line->number), ": ",
        harm.line->text);
    put("        risk: high");
    put("        approval: true        # whatever stands here, it asks: it may lose data");
}

void Writer::write_playbook(std::string const& name) {
    std::vector<Section*> parts;
    for (auto& section : runbook_.sections) {
        if (section.playbook == name) parts.push_back(&section);
    }
    for (auto const* section : parts) {
        if (section->heading == nullptr) continue;
        note("      ", *section->heading);
        told_.insert(section->heading->number);
    }
    put("      ", name, ":");
    write_harm(harm_of(runbook_, name));
    put("        steps:");
    write_evidence(parts);
    for (auto* const section : parts) {
        for (auto& item : section->items) {
            if (item.line->kind == Kind::check || told_.contains(item.line->number)) {
                if (item.line->kind != Kind::command) continue;
            }
            write_step(item);
            told_.insert(item.line->number);
        }
    }
    write_checks(parts);
    write_duties(parts);
    ++out_.playbooks;
}

void Writer::write_playbooks() {
    if (runbook_.playbooks.empty()) return;
    put("    playbooks:");
    for (auto const& playbook : runbook_.playbooks) write_playbook(playbook);
}

// What belongs to no playbook: told in its order, so that nothing of the runbook is lost.
void Writer::write_rest() {
    bool first = true;
    for (auto const& section : runbook_.sections) {
        auto const tell = [&](MarkdownLine const& line, std::string const& why) {
            if (!told_.insert(line.number).second) return;
            if (first) put("\n# What else the runbook says:");
            if (first) ++line_;
            first = false;
            bool const person = line.kind == Kind::command || line.kind == Kind::check;
            person ? ask("", line, why) : note("", line);
        };
        if (section.heading != nullptr) tell(*section.heading, "");
        for (auto const& item : section.items) tell(*item.line, item.known.why);
    }
}

Imported Writer::write() {
    out_ = {};
    line_ = 1;
    told_.clear();
    step_at_.clear();
    row_at_.clear();
    used_ = {runbook_.playbooks.begin(), runbook_.playbooks.end()};
    decisions_ = decisions_of(runbook_, used_, reported_);
    write_head();
    write_release();
    write_signals();
    write_triggers();
    write_playbooks();
    write_service_duties();
    write_rest();
    return out_;
}

}  // namespace

Result<Imported> import_markdown(
    std::string_view markdown, std::string const& name, Catalogue const& catalogue
) {
    if (markdown.size() > runbook_bytes_max) {
        return fail(Errc::too_large, "a runbook of more than 1 MiB; cut it into several");
    }
    auto lines = read_markdown(markdown);
    if (lines.empty()) return fail(Errc::invalid, "there is nothing in it");
    Writer writer(understood(std::move(lines)), name);
    LoadOptions options;
    options.look_at_files = false;
    for (std::size_t tries = 0; tries < tries_max; ++tries) {
        auto made = writer.write();
        auto const result = parse_policy(made.yaml, "policy", catalogue, options);
        if (result.ok()) return made;
        bool changed = false;
        std::string first;
        for (auto const& problem : result.problems) {
            if (problem.warning) continue;
            if (first.empty()) first = to_string(problem);
            changed = writer.give_to_person(problem.line) || changed;
        }
        if (!changed)
            return fail(Errc::invalid, std::move(first.insert(0, "no policy can be made of it: ")));
    }
    return fail(Errc::too_large, "too much in it cannot be carried out");
}

}  // namespace rollbackd::cli
