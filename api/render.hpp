// Engine state in the shapes of the API (DESIGN A4): one function a shape, used by every answer
// that shows it. Pure; takes State and Policy, so it can be tested on hand-built values.
#pragma once

#include "engine/engine.hpp"

namespace rollbackd::api {

/// RFC 3339 or null.
Json render_time(std::optional<Moment> const& moment);
Json render_time(WallTime time);
/// The instant as wall time, or null.
Json render_instant(std::optional<Instant> const& instant, Now const& now);
/// Both clocks as they stood at a recorded moment.
inline Now clock_at(Moment const& moment) { return {moment.boot, moment.wall}; }

Json render_incident(Incident const& incident);
Json render_run(Run const& run);
Json render_plan(Plan const& plan, WallTime planned, std::optional<BackupTime> const& as_of);
/// What is lost by it, with how much that is in time; or null.
Json render_loss(Plan const& plan, WallTime planned, std::optional<BackupTime> const& as_of);
/// What proves it: the condition, the command line, or what a person is asked.
std::string condition_of(Check const& check);
/// "code-rollback, safe-mode", "alert", "propose code-rollback".
std::string response_text(rollbackd::Response const& response);
Json render_rung(LadderRung const& rung);
Json render_firing(Firing const& firing);
Json render_refusal(Refusal const& refusal);
Json render_guard(GuardResult const& guard);
Json render_duty(DutyRun const& duty);
/// A reminder of an entry of the incident's follow_up.
Json render_reminder(ReminderRun const& reminder);
/// "every 15m until 2026-01-31T12:00:00Z; told 3 times".
std::string reminder_text(ReminderRun const& reminder);
/// Without its text: that is for the role operate.
Json render_evidence(Evidence const& evidence, bool with_text);

Json render_deployment(
    ServicePolicy const& policy, ServiceState const& state, Deployment const& deployment
);
/// `version` need not be known; its standing is unknown then.
Json render_version(ServicePolicy const& policy, State const& state, std::string const& version);
Json render_drill(Drill const& drill);
Json render_silence(Silence const& silence);

Json render_sample(Sample const& sample, Now const& now);
Json render_signal(SignalPolicy const& policy, SignalWindow const* window, Now const& now);
Json render_trigger(
    Engine const& engine, ServicePolicy const& service, TriggerPolicy const& trigger, Now const& now
);
Json render_service(Engine const& engine, ServicePolicy const& service, Now const& now);

/// The lowest of daemon, service and (where its samples are not vouched for) advise.
Autonomy effective_autonomy(Engine const& engine, ServicePolicy const& service);
/// Open incidents of a service (or of all, where empty), oldest first.
std::vector<Incident const*> open_incidents(State const& state, std::string_view service);

}  // namespace rollbackd::api
