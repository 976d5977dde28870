// Shapes of bodies, of the daemon itself, of services and their versions.
#include "api/openapi_shapes.hpp"

namespace rollbackd::api {

namespace {

constexpr std::string_view shapes = R"(Empty!
Any
Health
 status: string
Readiness
 ready: boolean
 checks: [ReadyCheck]
ReadyCheck
 name: string
 ok: boolean
 text: string
Problem
 type: string
 title: string
 status: integer
 detail: string
 instance: string
 request_id?: string
 errors?: [Mistake]
Mistake
 detail: string
 pointer: string
Reason!
 reason?: Note?
RequiredReason!
 reason: Text
ServiceChoice!
 service?: string?
PlanChoice!
 plan: Text
PlanApproval!
 plan: Text
 force?: boolean?
VerdictGiven!
 verdict: false-positive
 reason?: Note?
Confirmation!
 outcome?: done|not_done?
 reason?: Note?
DutyConfirmation!
 outcome?: done|does_not_apply?
 reason?: Note?
NewDeployment!
 version: Text
 started_at?: time?
 known_good?: boolean?
 schema_compatible?: boolean?
NewRun!
 reason?: Note?
 dry_run?: boolean?
 force?: boolean?
 inputs?: object?
NewDrill!
 incident: Text
 broken_at: time
SilenceChoice!
 id?: string?
 service?: string?
NewSilence!
 service?: string?
 for?: Duration?
 until?: time?
 reason: Text
ConfigText!
 text?: string?
PushedSample
 ok?: boolean
 reason?: string
 success?: Count
 failure?: Count
 value?: number
 text?: Note
 id?: Key
 client?: Key
 at?: time
Accepted
 accepted: integer
AlertNotification
 version?: WebhookVersion
 status?: firing|resolved
 truncatedAlerts?: integer
 alerts: [Alert]
Alert
 status?: firing|resolved
 labels: {string}
 annotations?: object
 startsAt?: string?
 endsAt?: string?
 fingerprint?: string
AcceptedAlerts
 accepted: integer
 unmatched: integer
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
 hash?: string
 services?: integer
 note?: string
 problems: [ConfigProblem]
ConfigProblem
 severity: error|warning
 file: string
 line: integer
 column: integer
 text: string
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
 journal: Journal
 policy_hash: string
 config_file: string
 config_loaded_at: time
 config_problem: string
 config_note: string
 started_at: time
 now: time
 limits: {integer}
 you: You
You
 name: string
 role: string
Journal
 seq: integer
 hash: string
 writable: boolean
Service
 name: string
 autonomy: @autonomy
 untrusted: boolean
 paused: boolean
 frozen_by: string?
 mode: string
 current: string?
 target: string?
 target_why: string
 watching: Window?
 depends_on: [string]
 open_incidents: [string]
 signals: [Signal]
 triggers: [Trigger]
 playbooks: [Playbook]
Window
 version: string
 started_at: time
 until: time
Playbook
 name: string
 undoes: nothing|release|schema|data
 risk: low|medium|high|critical
 data_loss: none|possible|certain
 approval: boolean
 steps: integer
 ready: boolean?
 ready_why: string
 drill: Drill?
Drill
 incident: string
 passed: boolean
 broken_at: time
 noticed_seconds: number
 acted_seconds: number
 recovered_seconds: number?
 passed_at: time?
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
 items: [Sample]
 next: string?
Sample
 at: time
 value: any
 reason?: string
 latency_seconds?: number
 by?: string
Trigger
 name: string
 verdict: true|false|unknown
 why: string
 severity: P0|P1|P2|P3
 count: number?
 threshold: number?
 since: time?
 firing: boolean
 unstable: boolean
 changes: integer
 when: string
 reads: [Reading]
 response: string
 acting: boolean
 autonomy: @autonomy
Reading
 signal: string
 function: string
 window: string?
 comparison: string
 threshold: number?
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
 facts: Facts
 before: {Before}
Facts
 version?: string
 schema?: string
 schema_error: string
 kept: {string}
Before
 verdict: true|false|unknown
 good: boolean
 why: string
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
)";

}  // namespace

std::string_view service_shapes() { return shapes; }

}  // namespace rollbackd::api
