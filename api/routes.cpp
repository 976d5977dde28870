#include "api/routes.hpp"

#include "api/handlers.hpp"

#include <array>

namespace rollbackd::api {

namespace {

using enum BodyKind;
using A = Access;
using E = Effect;

// clang-format off
constexpr auto table = std::to_array<Endpoint>({
    {"GET", "/", A::open, none, E::none, &get_dashboard,
     "dashboard", "The dashboard, a page for people", 200, "", "", ""},
    {"GET", "/assets/{file}", A::open, none, E::none, &get_dashboard_asset,
     "dashboardAsset", "Its script, style and icon; the name changes with the content", 200, "", "", ""},
    {"GET", "/healthz", A::open, none, E::none, &get_healthz,
     "healthz", "The process answers", 200, "Health", "", ""},
    {"GET", "/readyz", A::open, none, E::none, &get_readyz,
     "readyz", "Store, configuration and role allow work; 503 otherwise", 200, "Readiness", "", ""},
    {"GET", "/metrics", A::open, none, E::none, &get_metrics,
     "metrics", "Prometheus text format", 200, "", "", "", true},
    {"GET", "/v1/openapi.json", A::open, none, E::none, &get_openapi,
     "openapi", "This document", 200, "Any", "", ""},

    {"GET", "/v1/status", A::read, none, E::none, &get_status,
     "status", "Autonomy, role, open incidents", 200, "Status", "", "", true},
    {"GET", "/v1/services", A::read, none, E::none, &list_services,
     "listServices", "Every service with signals and triggers",
     200, "[Service]", "", "limit cursor"},
    {"GET", "/v1/services/{s}", A::read, none, E::none, &get_service,
     "getService", "One service", 200, "Service", "", ""},
    {"GET", "/v1/services/{s}/signals/{g}", A::read, none, E::none, &get_signal,
     "getSignal", "Recent samples for plots", 200, "Samples", "", "range", true},
    {"POST", "/v1/services/{s}/signals/{g}", A::push, samples, E::always, &push_samples,
     "pushSamples", "Samples of a push signal; 202 = observed", 202, "Accepted", "PushedSample", ""},
    {"POST", "/v1/alerts", A::push, json, E::always, &post_alerts,
     "postAlerts", "Alertmanager's webhook, version 4; 202 = observed",
     202, "AcceptedAlerts", "AlertNotification", ""},
    {"GET", "/v1/services/{s}/deployments", A::read, none, E::none, &list_deployments,
     "listDeployments", "Recorded deployments, newest first",
     200, "[Deployment]", "", "limit cursor"},
    {"POST", "/v1/services/{s}/deployments", A::ingest, json, E::recorded, &post_deployment,
     "recordDeployment", "Record a deployment", 201, "Deployment", "NewDeployment", ""},
    {"GET", "/v1/services/{s}/versions", A::read, none, E::none, &list_versions,
     "listVersions", "Known versions and their standing", 200, "[Version]", "", "limit cursor"},
    {"GET", "/v1/services/{s}/versions/{v}", A::read, none, E::none, &get_version,
     "getVersion", "Standing of a version, and whether it may be deployed", 200, "Version", "", ""},
    {"POST", "/v1/services/{s}/versions/{v}/release", A::operate, json, E::recorded,
     &release_version,
     "releaseVersion", "End a quarantine", 200, "Version", "Reason", ""},
    {"POST", "/v1/services/{s}/triggers/{t}/raise", A::operate, json, E::recorded, &raise_trigger,
     "raiseTrigger", "Report a symptom a person saw", 200, "Incident", "RequiredReason", ""},
    {"GET", "/v1/services/{s}/triggers/{t}/explain", A::read, none, E::none, &explain_trigger,
     "explainTrigger", "Why a trigger has its verdict", 200, "Explanation", "", "format", true},
    {"POST", "/v1/services/{s}/playbooks/{p}/runs", A::operate, json, E::recorded, &post_run,
     "runPlaybook", "Run a playbook by hand; a dry run answers 200 and its plan",
     201, "Run", "NewRun", ""},
    {"POST", "/v1/services/{s}/playbooks/{p}/drills", A::operate, json, E::recorded, &post_drill,
     "recordDrill", "Record a drill: the incident that came of breaking the service on purpose",
     201, "Drill", "NewDrill", ""},

    {"GET", "/v1/incidents", A::read, none, E::none, &list_incidents,
     "listIncidents", "Incidents, newest first",
     200, "[Incident]", "", "service severity state limit cursor"},
    {"GET", "/v1/incidents/{id}", A::read, none, E::none, &get_incident,
     "getIncident", "One incident", 200, "Incident", "", ""},
    {"GET", "/v1/incidents/{id}/timeline", A::read, none, E::none, &get_timeline,
     "getTimeline", "What happened, in order", 200, "[TimelineEntry]", "", "limit cursor"},
    {"GET", "/v1/incidents/{id}/explain", A::read, none, E::none, &get_explain,
     "explainIncident", "The chain of reasons", 200, "Explanation", "", "format", true},
    {"GET", "/v1/incidents/{id}/plan", A::read, none, E::none, &get_plan,
     "getPlan", "The plan of its newest run, and what each step does", 200, "DryRun", "", ""},
    {"GET", "/v1/incidents/{id}/steps/{n}/output", A::operate, none, E::none, &get_step_output,
     "stepOutput", "What a step of its newest run has written so far", 200, "StepOutput", "", ""},
    {"GET", "/v1/incidents/{id}/report", A::read, none, E::none, &get_report,
     "reportIncident", "The incident report, as JSON or Markdown", 200, "Report", "", "format", true},
    {"GET", "/v1/incidents/{id}/evidence", A::operate, none, E::none, &get_evidence,
     "listEvidence", "Evidence captured", 200, "[Evidence]", "", "limit cursor"},
    {"POST", "/v1/incidents/{id}/ack", A::operate, json, E::recorded, &ack_incident,
     "ackIncident", "Somebody looks at it", 200, "Incident", "Empty", ""},
    {"POST", "/v1/incidents/{id}/resolve", A::operate, json, E::recorded, &resolve_incident,
     "resolveIncident", "A person declares it over", 200, "Incident", "Reason", ""},
    {"POST", "/v1/incidents/{id}/abort", A::operate, json, E::always, &abort_incident,
     "abortIncident", "End its run now", 200, "Incident", "Empty", ""},
    {"POST", "/v1/incidents/{id}/verdict", A::operate, json, E::recorded, &judge_incident,
     "judgeIncident", "Mark it a false positive", 200, "Incident", "VerdictGiven", ""},
    {"POST", "/v1/incidents/{id}/approve", A::approve, json, E::recorded, &approve_incident,
     "approve", "Approve exactly this plan", 200, "Run", "PlanApproval", ""},
    {"POST", "/v1/incidents/{id}/reject", A::approve, json, E::recorded, &reject_incident,
     "reject", "Reject exactly this plan", 200, "Incident", "PlanChoice", ""},
    {"POST", "/v1/incidents/{id}/steps/{n}/confirm", A::operate, json, E::recorded, &confirm_step,
     "confirmStep", "A manual or interrupted step was done, or not",
     200, "Incident", "Confirmation", ""},
    {"POST", "/v1/incidents/{id}/duties/{n}/confirm", A::operate, json, E::recorded, &confirm_duty,
     "confirmDuty", "A duty is done, or does not apply", 200, "Incident", "DutyConfirmation", ""},

    {"POST", "/v1/pause", A::operate, json, E::recorded, &post_pause,
     "pause", "No new run of a service, or of any", 200, "Switch", "ServiceChoice", ""},
    {"POST", "/v1/resume", A::operate, json, E::recorded, &post_resume,
     "resume", "Ends a pause, and a freeze of a service", 200, "Switch", "ServiceChoice", ""},
    {"GET", "/v1/silences", A::read, none, E::none, &list_silences,
     "listSilences", "Silences in force", 200, "[Silence]", "", "limit cursor"},
    {"POST", "/v1/silences", A::operate, json, E::recorded, &post_silence,
     "addSilence", "Hold actions and messages for a while", 201, "Silence", "NewSilence", ""},
    {"DELETE", "/v1/silences", A::operate, json, E::recorded, &delete_silences,
     "removeSilences", "End one silence by its id, or those of a service",
     204, "", "SilenceChoice", "id service"},
    {"DELETE", "/v1/silences/{id}", A::operate, none, E::recorded, &delete_silence,
     "removeSilence", "End a silence", 204, "", "", ""},

    {"POST", "/v1/config/reload", A::admin, json, E::recorded, &reload_config,
     "reloadConfig", "Load the configuration again; a bad one changes nothing",
     200, "ConfigReport", "Empty", ""},
    {"POST", "/v1/config/check", A::read, json, E::none, &check_config,
     "checkConfig", "Check a configuration's text, or else what a reload would load", 200, "ConfigReport", "ConfigText", ""},
    {"GET", "/v1/events", A::read, none, E::none, &get_events,
     "events",
     "Records as server-sent events; resumable by Last-Event-ID. Without the text of evidence and "
     "of the policy: those are for the role operate, in the journal",
     200, "", "", "service incident"},
    {"GET", "/v1/journal", A::operate, none, E::none, &get_journal,
     "journal",
     "Audit trail: who, what, when, hash; whole, so that each hash can be computed again",
     200, "[Record]", "", "kind limit cursor"},
});
// clang-format on

using Params = std::map<std::string, std::string>;

/// Matches decoded segments against a pattern, so an encoded slash stays inside its segment.
bool matches(std::string_view pattern, std::vector<std::string> const& segments, Params& params) {
    pattern.remove_prefix(1);
    for (std::size_t i = 0; i < segments.size(); ++i) {
        auto const part = pattern.substr(0, pattern.find('/'));
        bool const captures = !part.empty() && part.front() == '{';
        if (captures && segments[i].empty()) return false;
        if (captures) {
            params.emplace(part.substr(1, part.size() - 2), segments[i]);
        } else if (part != segments[i]) {
            return false;
        }
        bool const pattern_ends = part.size() == pattern.size();
        if (pattern_ends) return i + 1 == segments.size();
        pattern.remove_prefix(part.size() + 1);
    }
    return false;
}

}  // namespace

std::span<Endpoint const> endpoints() { return table; }

Route find_route(Request const& request) {
    Route route;
    for (auto const& endpoint : table) {
        Params params;
        if (!matches(endpoint.pattern, request.segments, params)) continue;
        if (endpoint.method == request.method) {
            route.endpoint = &endpoint;
            route.params = std::move(params);
            return route;
        }
        route.allow += (route.allow.empty() ? "" : ", ") + std::string(endpoint.method);
        if (endpoint.method == "GET") route.allow += ", HEAD";
    }
    return route;
}

}  // namespace rollbackd::api
