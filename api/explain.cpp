#include "api/explain.hpp"

#include "api/escape.hpp"
#include "api/head.hpp"
#include "api/render.hpp"

#include <algorithm>
#include <cstdio>
#include <tuple>

namespace rollbackd::api {

namespace {

std::string number_text(double value) {
    char text[32];
    int const length = std::snprintf(text, sizeof(text), "%.6g", value);
    return std::string(text, static_cast<std::size_t>(length));
}

/// "4 > 3: a count of 3 would not have fired", from the evaluation's own comparison.
std::string threshold_change(Firing const& firing) {
    if (firing.raised) return "a person raised " + firing.trigger + "; without that, nothing";
    auto const& [count, threshold] = std::tie(firing.evaluation.count, firing.evaluation.threshold);
    if (!count || !threshold) return {};
    std::string const limit = number_text(*threshold);
    std::string const spare = firing.when.find("<") != std::string::npos ? " or more" : " or less";
    bool const inclusive =
        firing.when.find(">=") != std::string::npos || firing.when.find("<=") != std::string::npos;
    bool const above = firing.when.find("<") == std::string::npos;
    std::string const needed = inclusive ? (above ? "below " : "above ") + limit : limit + spare;
    return firing.trigger + " would not have fired at " + needed + " (it was " +
           number_text(*count) + ")";
}

std::string act_change(Refusal const& refusal, Incident const& incident) {
    std::string const& service = incident.service;
    switch (refusal.guard) {
        case Guard::no_deployment:
            return "a deployment within the watch window: rollbackctl deploy " + service +
                   " VERSION --started-at T";
        case Guard::bad_before:
            return "the signal having been good before the deployment";
        case Guard::dependency_failing:
            return "its dependencies answering";
        case Guard::blind:
            return "at least one reference answering";
        case Guard::no_target:
            return "a known-good version: rollbackctl deploy " + service + " VERSION --known-good";
        case Guard::schema_moved:
            return "an unmoved schema, or a deployment recorded with --schema-compatible";
        case Guard::quarantined:
            return "its target out of quarantine: rollbackctl release " + service + " VERSION";
        case Guard::autonomy:
            return "autonomy enforce on daemon, service and trigger";
        case Guard::approval:
            return "an approval: rollbackctl approve " + incident.id;
        case Guard::paused:
            return "no pause: rollbackctl resume " + service;
        case Guard::silenced:
            return "no silence on " + service;
        case Guard::cooldown:
            return "the end of the cooldown";
        case Guard::limit:
            return "a run left within limits.runs_per_hour and runs_per_day";
        case Guard::locked:
            return "the lock being free";
        case Guard::frozen:
            return "the service not being frozen: rollbackctl resume " + service;
        case Guard::unstable:
            return "the trigger not flapping";
    }
    return "";
}

Json explain_firing(Firing const& firing) {
    JsonObject out = render_firing(firing).as_object();
    out["proof"] = firing.evaluation.proof;
    out["response"] = to_json(firing.resolved.response);
    out["classification"] = to_json(firing.resolved.classification);
    out["blame"] = to_string(firing.blame);
    out["autonomy"] = to_string(firing.autonomy);
    return out;
}

Json head_json(Head const& head) {
    JsonObject out;
    out["broken"] = head.broken;
    out["did"] = head.did;
    out["next"] = head.next;
    out["must"] = head.must;
    out["command"] = head.command;
    return out;
}

void append_line(std::string& out, std::string_view text) {
    out += inert(text);
    out += '\n';
}

std::string matrix_text(Json const& trigger) {
    auto const* const row = find(trigger, "matrix_row");
    bool const own = row == nullptr || !row->is_number() || row->to_number<std::uint64_t>() == 0;
    std::string const from = own ? "set on the trigger" : "matrix row " + to_text(*row);
    return "  severity " + text_of(trigger, "severity") + " and its response: " + from;
}

void append_triggers(std::string& out, JsonArray const& triggers) {
    for (auto const& trigger : triggers) {
        append_line(out, "trigger " + text_of(trigger, "name") + ": " + text_of(trigger, "when"));
        append_line(out, "  " + text_of(trigger, "verdict") + ": " + text_of(trigger, "why"));
        append_line(out, matrix_text(trigger));
        auto const* const proof = find(trigger, "proof");
        if (proof == nullptr || !proof->is_object()) continue;
        for (auto const& [signal, facts] : proof->get_object()) {
            append_line(out, "  " + std::string(signal) + ": " + to_text(facts));
        }
    }
}

void append_guards(std::string& out, JsonArray const& guards) {
    for (auto const& guard : guards) {
        auto const* const passed = find(guard, "passed");
        bool const good = passed != nullptr && passed->is_bool() && passed->get_bool();
        auto const letter = text_of(guard, "letter");
        append_line(
            out, std::string(good ? "  passed  " : "  refused ") +
                     (letter.empty() ? "    " : "(" + letter + ") ") + text_of(guard, "guard") +
                     ": " + text_of(guard, "text")
        );
    }
}

JsonArray const* array_of(Json const& value, std::string_view key) {
    auto const* const member = find(value, key);
    return member == nullptr ? nullptr : member->if_array();
}

}  // namespace

std::vector<std::string> nearest_changes(Incident const& incident) {
    std::vector<std::string> changes;
    bool const acted = incident.acted_at.has_value();
    if (!acted) {
        for (auto const& refusal : incident.refusals) {
            auto change = act_change(refusal, incident);
            bool const said = std::find(changes.begin(), changes.end(), change) != changes.end();
            if (!said) changes.push_back(std::move(change));
        }
        return changes;
    }
    for (auto const& firing : incident.triggers) {
        if (auto change = threshold_change(firing); !change.empty()) {
            changes.push_back(std::move(change));
        }
    }
    if (incident.blamed) {
        changes.push_back(
            "without the deployment of " + *incident.blamed +
            " in the watch window the rollback would have been refused (a)"
        );
    }
    return changes;
}

Json explain_incident(Incident const& incident, Policy const& policy, Now const& now) {
    (void)policy;
    JsonObject out;
    out["subject"] = incident.id;
    out["service"] = incident.service;
    out["state"] = to_string(incident.state);
    out["at"] = render_time(now.wall);
    out["head"] = head_json(head_of(incident));
    JsonArray triggers;
    for (auto const& firing : incident.triggers) triggers.push_back(explain_firing(firing));
    out["triggers"] = std::move(triggers);
    out["ladder"] = to_json(incident.ladder);
    JsonArray guards;
    for (auto const& guard : incident.guards) guards.push_back(render_guard(guard));
    out["guards"] = std::move(guards);
    JsonArray refusals;
    for (auto const& refusal : incident.refusals) refusals.push_back(render_refusal(refusal));
    out["refusals"] = std::move(refusals);
    JsonArray runs;
    for (auto const& run : incident.runs) runs.push_back(render_run(run));
    out["runs"] = std::move(runs);
    out[incident.acted_at ? "prevented_by" : "would_act_with"] = to_json(nearest_changes(incident));
    return out;
}

Json explain_trigger(
    Engine const& engine, ServicePolicy const& service, TriggerPolicy const& trigger, Now const& now
) {
    auto const evaluation = engine.judge(service.name, trigger.name, now);
    auto const resolved = resolve(engine.policy(), service, trigger, trigger.classify);
    JsonObject shown = render_trigger(engine, service, trigger, now).as_object();
    shown["proof"] = evaluation.proof;
    shown["matrix_row"] = resolved.matrix_row;
    shown["changes_at"] = render_instant(evaluation.changes_at, now);
    shown["min_count"] = to_json(trigger.rules.min_count);
    shown["confidence"] = to_json(trigger.rules.confidence);
    shown["for"] = format_duration(trigger.for_);
    JsonObject out;
    out["subject"] = service.name + "/" + trigger.name;
    out["service"] = service.name;
    out["at"] = render_time(now.wall);
    JsonArray triggers;
    triggers.push_back(std::move(shown));
    out["triggers"] = std::move(triggers);
    return out;
}

std::string explanation_text(Json const& explanation) {
    std::string out;
    append_line(out, text_of(explanation, "subject"));
    if (auto const* const head = find(explanation, "head")) {
        append_line(out, text_of(*head, "broken"));
        append_line(out, text_of(*head, "did"));
        append_line(out, "next: " + text_of(*head, "next"));
        append_line(out, "you: " + text_of(*head, "must"));
    }
    if (auto const* const triggers = array_of(explanation, "triggers")) {
        append_triggers(out, *triggers);
    }
    if (auto const* const ladder = array_of(explanation, "ladder")) {
        for (auto const& rung : *ladder) {
            auto const why = text_of(rung, "why");
            append_line(
                out, "rung " + text_of(rung, "playbook") + ": " + text_of(rung, "state") +
                         (why.empty() ? "" : ", " + why)
            );
        }
    }
    if (auto const* const guards = array_of(explanation, "guards"); guards && !guards->empty()) {
        append_line(out, "guards, as judged last:");
        append_guards(out, *guards);
    }
    if (auto const* const refusals = array_of(explanation, "refusals")) {
        append_guards(out, *refusals);
    }
    for (auto const* const key : {"prevented_by", "would_act_with"}) {
        auto const* const changes = array_of(explanation, key);
        if (changes == nullptr || changes->empty()) continue;
        bool const acted = std::string_view(key) == "prevented_by";
        append_line(out, acted ? "it would not have acted if:" : "it would have acted with:");
        for (auto const& change : *changes) {
            if (change.is_string()) append_line(out, "  " + std::string(change.get_string()));
        }
    }
    return out;
}

bool wants_text(Request const& request, std::string_view mime, std::string_view format) {
    auto const asked = request.query_value("format");
    if (!asked.empty()) return asked == format || asked == "text";
    return request.header("accept").find(mime) != std::string::npos;
}

Response answer_explanation(Request const& request, Json const& explanation) {
    if (wants_text(request, "text/plain", "text")) {
        return answer_text(explanation_text(explanation), "text/plain; charset=utf-8");
    }
    return answer(explanation);
}

}  // namespace rollbackd::api
