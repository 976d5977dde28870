// Every handler of the endpoint table, by resource; each group lives in the file of its name.
#pragma once

#include "api/routes.hpp"

namespace rollbackd::api {

// health.cpp
Response get_healthz(Context&);
Response get_readyz(Context&);
Response get_metrics(Context&);
Response get_openapi(Context&);

// dashboard.cpp
Response get_dashboard(Context&);
Response get_dashboard_asset(Context&);

// services.cpp
Response get_status(Context&);
Response list_services(Context&);
Response get_service(Context&);
Response explain_trigger(Context&);
Awaitable<Response> raise_trigger(Context&);

// signals.cpp
Response get_signal(Context&);
Response push_samples(Context&);
Response post_alerts(Context&);

// deployments.cpp
Response list_deployments(Context&);
Awaitable<Response> post_deployment(Context&);
Response list_versions(Context&);
Response get_version(Context&);
Awaitable<Response> release_version(Context&);

// incidents.cpp
Response list_incidents(Context&);
Response get_incident(Context&);
Response get_timeline(Context&);
Response get_explain(Context&);
Response get_plan(Context&);
Response get_step_output(Context&);
Response get_report(Context&);
Response get_evidence(Context&);

// decisions.cpp
Awaitable<Response> ack_incident(Context&);
Awaitable<Response> resolve_incident(Context&);
Awaitable<Response> abort_incident(Context&);
Awaitable<Response> judge_incident(Context&);
Awaitable<Response> approve_incident(Context&);
Awaitable<Response> reject_incident(Context&);
Awaitable<Response> confirm_step(Context&);
Awaitable<Response> confirm_duty(Context&);

// runs.cpp
Awaitable<Response> post_run(Context&);
Awaitable<Response> post_drill(Context&);

// switches.cpp
Awaitable<Response> post_pause(Context&);
Awaitable<Response> post_resume(Context&);
Response list_silences(Context&);
Awaitable<Response> post_silence(Context&);
Awaitable<Response> delete_silences(Context&);
Awaitable<Response> delete_silence(Context&);

// config.cpp
Awaitable<Response> reload_config(Context&);
Awaitable<Response> check_config(Context&);

// journal.cpp
Response get_events(Context&);
Awaitable<Response> get_journal(Context&);

}  // namespace rollbackd::api
