#include "api/report.hpp"

#include "api/escape.hpp"
#include "api/explain.hpp"
#include "api/proof.hpp"
#include "api/render.hpp"
#include "engine/head.hpp"
#include "engine/planning.hpp"

#include <algorithm>
#include <initializer_list>

namespace rollbackd::api {

namespace {

/// From the first failure, as far as known, else from the moment it fired.
struct Spans {
    std::optional<Duration> detect;   // breach begun → fired
    std::optional<Duration> act;      // fired → first step's intent
    std::optional<Duration> recover;  // fired → verified
    std::optional<Duration> all;      // breach begun → resolved
};

Spans spans_of(Incident const& incident) {
    Spans spans;
    if (incident.triggers.empty()) return spans;
    auto const& first = incident.triggers.front();
    auto const fired = first.fired_at.boot;
    auto const begun = first.begun == Instant{} ? fired : first.begun;
    spans.detect = fired - begun;
    if (incident.acted_at) spans.act = incident.acted_at->boot - fired;
    if (incident.recovered_at) spans.recover = incident.recovered_at->boot - fired;
    if (incident.resolved_at) spans.all = incident.resolved_at->boot - begun;
    return spans;
}

std::string moment_text(std::optional<Moment> const& moment) {
    return moment ? format_rfc3339(moment->wall) : "–";
}

std::string span_text(std::optional<Duration> const& span, std::string const& after) {
    return span ? format_human(*span) + " after " + after : "–";
}

/// Builds Markdown; every cell and item given to it is escaped here and nowhere else.
class Page {
public:
    void heading(std::string_view text) { text_ += "\n## " + markdown(text) + "\n\n"; }
    void paragraph(std::string_view text) { text_ += markdown(text) + "\n\n"; }
    /// A table or paragraph after a list needs one.
    void blank() { text_ += "\n"; }
    void item(std::string_view text) { text_ += "- " + markdown(text) + "\n"; }
    void item(std::string_view name, std::string_view text) {
        text_ += "- **" + markdown(name) + "**: " + markdown(text) + "\n";
    }
    void row(std::initializer_list<std::string> cells) {
        text_ += "|";
        for (auto const& cell : cells) text_ += " " + (cell.empty() ? "–" : markdown(cell)) + " |";
        text_ += "\n";
    }
    void header(std::initializer_list<std::string> cells) {
        row(cells);
        text_ += "|";
        for (std::size_t i = 0; i < cells.size(); ++i) text_ += "---|";
        text_ += "\n";
    }
    void title(std::string_view text) { text_ += "# " + markdown(text) + "\n\n"; }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

void add_head(Page& page, Incident const& incident) {
    auto const head = head_of(incident);
    page.item("What is broken", head.broken);
    page.item("What rollbackd did", head.did);
    page.item("What it does next", head.next);
    page.item("What you must do", head.must);
}

void add_facts(Page& page, Incident const& incident) {
    auto const spans = spans_of(incident);
    page.heading("Facts");
    std::string const begun = "the breach began";
    std::string const found = "it was detected";
    page.header({"what", "when", "how long"});
    page.row({"detected", format_rfc3339(incident.opened_at.wall), span_text(spans.detect, begun)});
    page.row({"acted", moment_text(incident.acted_at), span_text(spans.act, found)});
    page.row({"recovered", moment_text(incident.recovered_at), span_text(spans.recover, found)});
    page.row({"resolved", moment_text(incident.resolved_at), span_text(spans.all, begun)});
}

void add_triggers(Page& page, Incident const& incident) {
    page.heading("Why: samples and arithmetic");
    for (auto const& firing : incident.triggers) {
        auto const why = firing.raised ? "raised by a person: " + firing.reason
                                       : firing.when + ": " + firing.evaluation.why;
        page.item(firing.trigger, why);
        auto const row = firing.resolved.matrix_row;
        page.item(
            "severity " + to_string(firing.resolved.severity),
            row == 0 ? "set on the trigger" : "matrix row " + std::to_string(row)
        );
    }
    for (auto const& firing : incident.triggers) {
        auto const lines =
            proof_lines(render_proof(firing.evaluation.proof, clock_at(firing.fired_at)));
        if (lines.empty()) continue;
        page.blank();
        page.header({"samples for " + firing.trigger, "of", "say"});
        for (auto const& line : lines) page.row({line.signal, line.subject, line.text});
    }
}

void add_guards(Page& page, Incident const& incident) {
    page.heading("Guards");
    page.header({"guard", "letter", "result", "because"});
    for (auto const& guard : incident.guards) {
        page.row(
            {to_string(guard.guard), guard.letter, guard.passed ? "passed" : "refused", guard.text}
        );
    }
    for (auto const& refusal : incident.refusals) {
        // One of the rung judged last stands among its guards already.
        bool const said = std::any_of(
            incident.guards.begin(), incident.guards.end(),
            [&](GuardResult const& guard) {
                return !guard.passed && guard.guard == refusal.guard && guard.text == refusal.text;
            }
        );
        if (said) continue;
        page.row(
            {to_string(refusal.guard), refusal.letter, "refused " + refusal.playbook, refusal.text}
        );
    }
    auto const changes = nearest_changes(incident);
    if (changes.empty()) return;
    page.blank();
    page.paragraph(incident.acted_at ? "It would not have acted if:" : "It would have acted with:");
    for (auto const& change : changes) page.item(change);
}

void add_run(Page& page, Run const& run) {
    page.heading(run.id + ": " + run.plan.playbook + ", " + to_string(run.state));
    page.item("reason", run.reason);
    if (run.plan.blamed) page.item("undoes version", *run.plan.blamed);
    if (run.plan.target) page.item("target version", *run.plan.target);
    page.item("by", run.by.empty() ? "the policy" : run.by);
    auto const lost = lost_by(run);
    page.item("data loss", to_string(run.plan.data_loss) + (lost.empty() ? "" : ", " + lost));
    for (auto const& step : run.steps) {
        if (!step.as_of) continue;
        auto const version =
            step.version.empty() ? step.no_version : "version then in effect: " + step.version;
        page.item(
            "restored by " + step.name,
            "backup of " + format_moment(step.as_of->from) + "; " + version
        );
    }
    if (!run.why.empty()) page.item("ended because", run.why);
    page.blank();
    page.header({"step", "type", "state", "started", "ended", "exit", "text"});
    for (auto const& step : run.steps) {
        page.row(
            {std::to_string(step.n) + " " + step.name, step.type, to_string(step.state),
             moment_text(step.started_at), moment_text(step.ended_at),
             step.exit ? std::to_string(*step.exit) : "", step.text}
        );
    }
    for (auto const& check : run.verify) {
        auto const state = check.passed ? "passed" : "not passed";
        page.row({"verify " + std::to_string(check.n), "", state, "", "", "", check.why});
    }
}

void add_people(Page& page, Incident const& incident) {
    if (!incident.evidence.empty()) {
        page.heading("Evidence");
        page.header({"name", "at", "sha256"});
        for (auto const& evidence : incident.evidence) {
            page.row({evidence.name, format_rfc3339(evidence.at), evidence.sha256});
        }
    }
    if (!incident.duties.empty() || !incident.follow_up.empty()) {
        page.heading("Duties and follow-up");
        for (auto const& duty : incident.duties) {
            page.item(
                duty.duty.name, duty.duty.text + " (" + to_string(duty.state) + ", due " +
                                    format_rfc3339(duty.due_at.wall) +
                                    (duty.by.empty() ? "" : ", by " + duty.by) +
                                    (duty.reason.empty() ? "" : ", because " + duty.reason) + ")"
            );
        }
        std::uint32_t entry = 0;
        for (auto const& text : incident.follow_up) {
            ++entry;
            std::string reminded;
            for (auto const& reminder : incident.reminders) {
                if (reminder.reminder.entry == entry) reminded = reminder_text(reminder);
            }
            page.item(reminded.empty() ? text : text + " (" + reminded + ")");
        }
    }
    page.heading("For people to write");
    for (auto const* const question :
         {"Root cause", "Impact (users, data, money)", "Prevention and action items", "Lessons"}) {
        page.item(question, "");
    }
}

Json seconds(std::optional<Duration> const& span) {
    return span ? Json(std::chrono::duration<double>(*span).count()) : Json(nullptr);
}

}  // namespace

std::string report_markdown(Incident const& incident, Now const& now) {
    Page page;
    page.title(
        incident.id + ": " + incident.service + ", " + to_string(incident.severity) + ", " +
        to_string(incident.state)
    );
    add_head(page, incident);
    add_facts(page, incident);
    add_triggers(page, incident);
    add_guards(page, incident);
    for (auto const& run : incident.runs) add_run(page, run);
    page.heading("Timeline");
    page.header({"time", "what"});
    for (auto const& entry : incident.timeline) page.row({format_rfc3339(entry.at), entry.text});
    add_people(page, incident);
    page.heading("About this report");
    page.paragraph("Written by rollbackd at " + format_rfc3339(now.wall) + " from its journal.");
    return page.take();
}

Json report_json(Incident const& incident, Now const& now) {
    auto const spans = spans_of(incident);
    JsonObject times;
    times["detect"] = seconds(spans.detect);
    times["act"] = seconds(spans.act);
    times["recover"] = seconds(spans.recover);
    times["all"] = seconds(spans.all);
    JsonArray evidence;
    for (auto const& item : incident.evidence) evidence.push_back(render_evidence(item, false));
    Json const explanation = explain_incident(incident, now);
    JsonObject out;
    out["incident"] = render_incident(incident);
    out["head"] = explanation.at("head");
    out["seconds"] = std::move(times);
    out["explanation"] = explanation;
    out["timeline"] = to_json(incident.timeline);
    out["evidence"] = std::move(evidence);
    out["markdown"] = report_markdown(incident, now);
    out["at"] = render_time(now.wall);
    return out;
}

}  // namespace rollbackd::api
