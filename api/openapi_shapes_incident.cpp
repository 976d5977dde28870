// Shapes of incidents, runs, plans, explanations, reports and records.
#include "api/openapi_shapes.hpp"

namespace rollbackd::api {

namespace {

constexpr std::string_view shapes = R"(Incident
 id: string
 service: string
 state: @incident
 severity: P0|P1|P2|P3
 summary: string
 did: string
 next: string
 must: string
 command: string
 asks: Question
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
 ladder: [Rung]
 runs: [Run]
 refusals: [Refusal]
 guards: [GuardResult]
 duties: [Duty]
 success: [Check]
 follow_up: [string]
 reminders: [Reminder]
Question
 for: nothing|plan|step_approval|manual_step|unsettled_step|manual_check
 n: integer
 what: string
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
Rung
 playbook: string
 trigger: string
 state: untried|passed_over|waiting|running|failed|succeeded
 why: string
Refusal
 guard: @guard
 letter: string
 text: string
 playbook: string
 trigger: string
 at: time
GuardResult
 guard: @guard
 letter: string
 passed: boolean
 text: string
Reminder
 entry: integer
 every: string
 until: time
 next_at: time?
 told: integer
 why: string
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
 budget: string?
 planned_at: time
 started_at: time?
 ended_at: time?
 steps: [Step]
 verify: [Check]
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
 confirmed_by?: string
 as_of?: time
 version?: string
Check
 n: integer
 passed: boolean
 why: string
 kind?: until|hold|run|manual
 condition?: string
StepOutput
 n: integer
 state: @step
 text: string
 live: boolean
DryRun
 plan: Plan
 would: [WouldDo]
WouldDo
 n: integer
 name: string
 type: string
 would: string
 preflight?: ready|impossible|later|unanswered|unasked
 why?: string
Plan
 service: string
 playbook: string
 undoes: nothing|release|schema|data
 data_loss: none|possible|certain
 data_loss_window: string?
 target: string?
 blamed: string?
 budget: string?
 locks: [string]
 steps: [PlannedStep]
 always: [PlannedStep]
 verify: [PlannedCheck]
 success: [PlannedCheck]
 follow_up: [string]
 reminders: [PlannedReminder]
 duties: [PlannedDuty]
 on_failure: [string]
 inputs: object
 approval: boolean
 hash: string
PlannedStep
 n: integer
 name: string
 type: string
 params: object
 timeout: string
 retries: integer
 idempotent: boolean
 check: [string]
 host: string
 when: string
 save: string
 approval: boolean
 destructive: boolean
 edits: boolean
PlannedCheck
 kind: until|hold|run|manual
 condition: string
 limit: string
 argv: [string]
 text: string
 from: string
PlannedReminder
 entry: integer
 every: string
 lasts: string
PlannedDuty
 name: string
 text: string
 deadline: string
 from: detection|recovery
 to: string
TimelineEntry
 seq: integer
 at: time
 kind: string
 text: string
Evidence
 name: string
 at: time
 sha256: string
 text?: string
Head
 broken: string
 did: string
 next: string
 must: string
 command: string
Explanation
 subject: string
 service: string
 at: time
 state?: @incident
 head?: Head
 triggers: [Reasons]
 ladder?: [Rung]
 guards?: [GuardResult]
 refusals?: [Refusal]
 runs?: [Run]
 prevented_by?: [string]
 would_act_with?: [string]
Reasons
 name: string
 verdict: true|false|unknown
 why: string
 severity: P0|P1|P2|P3
 count: number?
 threshold: number?
 since: time?
 when: string
 matrix_row: integer
 response: string
 autonomy: @autonomy
 proof: any
 fired_at?: time
 cleared?: boolean
 raised?: boolean
 classification?: object
 blame?: string
 reads?: [Reading]
 firing?: boolean
 unstable?: boolean
 changes?: integer
 acting?: boolean
 changes_at?: time?
 min_count?: integer?
 confidence?: number?
 for?: string
Report
 incident: Incident
 head: Head
 seconds: Spans
 explanation: Explanation
 timeline: [TimelineEntry]
 evidence: [Evidence]
 markdown: string
 at: time
Spans
 detect: number?
 act: number?
 recover: number?
 all: number?
Record
 seq: integer
 at: time
 kind: string
 who: string
 what: string
 when: time
 body: any
 epoch: integer
 prev: string
 hash: string
)";

}  // namespace

std::string_view incident_shapes() { return shapes; }

}  // namespace rollbackd::api
