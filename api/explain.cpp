#include "api/explain.hpp"

#include "api/proof.hpp"
#include "api/render.hpp"
#include "engine/head.hpp"

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
    bool const above = *count > *threshold ||
                       (*count == *threshold && firing.when.find(">=") != std::string::npos);
    bool const inclusive = firing.when.find(above ? ">=" : "<=") != std::string::npos;
    std::string const spare = above ? " or less" : " or more";
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
            return refusal.storm ? "an approval of one of them: rollbackctl approve " + incident.id
                                 : "its dependencies answering";
        case Guard::blind:
            return "at least one reference answering";
        case Guard::no_target:
            if (refusal.impossible) {
                return "what its step says mended; or all the same: rollbackctl run " + service +
                       " " + refusal.playbook + " --force";
            }
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
            // What a rung says: a second rollback from one version, or one of a rollback.
            if (!refusal.playbook.empty()) {
                return "an approval: never by itself, however long it waits";
            }
            return "a run left within limits.runs_per_hour and runs_per_day";
        case Guard::locked:
            return "the lock being free";
        case Guard::frozen:
            return "the service not being frozen: rollbackctl resume " + service;
        case Guard::unstable:
            return "fewer changes of the trigger: no more than " +
                   std::to_string(Flapping::stable_to) + " in " + format_duration(Flapping::window);
    }
    return "";
}

Json explain_firing(Firing const& firing) {
    JsonObject out = render_firing(firing).as_object();
    out["proof"] = render_proof(firing.evaluation.proof, clock_at(firing.fired_at));
    out["response"] = response_text(firing.resolved.response);
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

Json explain_incident(Incident const& incident, Now const& now) {
    JsonObject out;
    out["subject"] = incident.id;
    out["service"] = incident.service;
    out["state"] = to_string(incident.state);
    out["at"] = render_time(now.wall);
    out["head"] = head_json(head_of(incident));
    JsonArray triggers;
    for (auto const& firing : incident.triggers) triggers.push_back(explain_firing(firing));
    out["triggers"] = std::move(triggers);
    JsonArray ladder;
    for (auto const& rung : incident.ladder) ladder.push_back(render_rung(rung));
    out["ladder"] = std::move(ladder);
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
    shown["proof"] = render_proof(evaluation.proof, now);
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

}  // namespace rollbackd::api
