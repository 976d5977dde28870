// Every shape of the API, in a short notation: one line a member, "name: type", where type is
// string, integer, number, boolean, time, any, object, an enum "a|b|c", an enum of the engine
// "@run", a shape's name, "[type]", or "type?" for one that may be null. "*" after a name:
// required.
#include "api/openapi.hpp"

namespace rollbackd::api {

namespace {

constexpr std::string_view shapes = R"(Empty
Any
Health
 status: string
Readiness
 ready: boolean
 checks: [object]
Problem
 type: string
 title: string
 status: integer
 detail: string
 instance: string
 errors: [Mistake]
Mistake
 detail: string
 pointer: string
Reason
 reason: string
RequiredReason
 reason*: string
ServiceChoice
 service: string?
PlanChoice
 plan*: string
VerdictGiven
 verdict*: false-positive
 reason: string
Confirmation
 outcome: done|not_done
 reason: string
DutyConfirmation
 outcome: done|does_not_apply
 reason: string
NewDeployment
 version*: string
 started_at: time
 known_good: boolean
 schema_compatible: boolean
NewRun
 reason: string
 dry_run: boolean
 inputs: object
NewSilence
 service: string?
 for: string
 until: time
 reason*: string
ConfigText
 text*: string
Sample
 ok: boolean
 reason: string
 success: integer
 failure: integer
 value: number
 text: string
 id: string
 at: time
Accepted
 accepted: integer
Switch
 service: string?
 paused: boolean
 by: string
Silence
 id: string
 service: string?
 reason: string
 by: string
 from: time
 until: time
ConfigReport
 ok: boolean
 hash: string
 services: integer
 note: string
 problems: [object]
Status
 version: string
 role: string
 autonomy: @autonomy
 paused: boolean
 paused_by: string
 open_incidents: [Incident]
 services: integer
 silences: integer
 messages_queued: integer
 journal: object
 policy_hash: string
 config_file: string
 config_loaded_at: time
 config_problem: string
 config_note: string
 started_at: time
 now: time
 limits: object
Service
 name: string
 autonomy: @autonomy
 untrusted: boolean
 paused: boolean
 frozen_by: string?
 current: string?
 target: string?
 target_why: string
 watching: object?
 depends_on: [string]
 open_incidents: [string]
 signals: [Signal]
 triggers: [Trigger]
 playbooks: [object]
Signal
 name: string
 kind: @kind
 type: string
 last_value: any
 state: ok|failed?
 last_at: time?
 last_reason: string
 stale: boolean
Samples
 service: string
 name: string
 kind: @kind
 type: string
 last_value: any
 state: ok|failed?
 last_at: time?
 last_reason: string
 stale: boolean
 from: time
 to: time
 items: [object]
 next: string?
Trigger
 name: string
 verdict: true|false|unknown
 why: string
 severity: P0|P1|P2|P3
 count: number?
 threshold: number?
 since: time?
 firing: boolean
 when: string
 response: string
 acting: boolean
 autonomy: @autonomy
Deployment
 id: integer
 service: string
 version: string
 standing: @standing
 quarantined: boolean
 current: boolean
 started_at: time
 recorded_at: time
 known_good: boolean
 schema_compatible: boolean?
 by: string
 facts: object
 before: object
Version
 service: string
 version: string
 standing: @standing
 current: boolean
 quarantined: boolean
 since: time?
 incident: string?
 runs: [string]
 gate: Gate
Gate
 pass: boolean
 reason: string
 attest: [string]
Incident
 id: string
 service: string
 state: @incident
 severity: P0|P1|P2|P3
 summary: string
 did: string
 next: string
 command: string
 alert_only: boolean
 triggers: [Firing]
 opened_at: time
 acted_at: time?
 recovered_at: time?
 resolved_at: time?
 acked_by: string
 resolved_by: string
 escalated: boolean
 verdict: string
 blamed: string?
 ladder: [object]
 runs: [Run]
 refusals: [Refusal]
 guards: [object]
 duties: [Duty]
 success: [object]
 follow_up: [string]
Firing
 name: string
 verdict: true|false|unknown
 why: string
 severity: P0|P1|P2|P3
 count: number?
 threshold: number?
 since: time?
 fired_at: time
 cleared: boolean
 raised: boolean
 when: string
 matrix_row: integer
Refusal
 guard: @guard
 letter: string
 text: string
 playbook: string
 trigger: string
 at: time
Duty
 n: integer
 name: string
 text: string
 state: open|done|does_not_apply
 due_at: time
 by: string
 reason: string
Run
 id: string
 incident: string
 service: string
 playbook: string
 state: @run
 reason: string
 target: string?
 blamed: string?
 plan: string
 by: string
 manual: boolean
 why: string
 undoes: nothing|release|schema|data
 data_loss: none|possible|certain
 data_loss_window: string?
 planned_at: time
 started_at: time?
 ended_at: time?
 steps: [Step]
 verify: [object]
Step
 n: integer
 name: string
 type: string
 state: @step
 started_at: time?
 ended_at: time?
 exit: integer?
 text: string
 attempt: integer
 always: boolean
 confirmed_by: string
DryRun
 plan: object
 would: [object]
TimelineEntry
 seq: integer
 at: time
 kind: string
 text: string
Evidence
 name: string
 at: time
 sha256: string
 text: string
Explanation
 subject: string
 service: string
 at: time
 state: string
 head: object
 triggers: [object]
 ladder: [object]
 guards: [object]
 refusals: [object]
 runs: [object]
 prevented_by: [string]
 would_act_with: [string]
Report
 incident: Incident
 head: object
 seconds: object
 explanation: Explanation
 timeline: [TimelineEntry]
 evidence: [object]
 markdown: string
 at: time
Record
 seq: integer
 at: time
 kind: string
 what: string
 who: string
 body: any
 epoch: integer
 prev: string
 hash: string
)";

}  // namespace

std::string_view openapi_shapes() { return shapes; }

}  // namespace rollbackd::api
