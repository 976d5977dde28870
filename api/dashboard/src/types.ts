// The shapes of the API that the page reads (GET /v1/openapi.json has them whole).
export type Verdict = 'true' | 'false' | 'unknown';
export type Severity = 'P0' | 'P1' | 'P2' | 'P3';
export type IncidentState = 'open' | 'waiting' | 'acting' | 'verifying' | 'unverified' | 'resolved' | 'frozen';
export type DataLoss = 'none' | 'possible' | 'certain';

export interface Status {
  version: string;
  role: string;
  autonomy: string;
  paused: boolean;
  paused_by: string;
  open_incidents: Incident[];
  services: number;
  silences: number;
  messages_queued: number;
  journal: { seq: number; writable: boolean };
  config_problem: string;
  config_note: string;
  started_at: string;
  now: string;
  you: { name: string; role: string };
}

export interface Reading {
  signal: string;
  function: string;
  window: string | null;
  comparison: string;
  threshold: number | null;
}

export interface Trigger {
  name: string;
  verdict: Verdict;
  why: string;
  severity: Severity;
  count: number | null;
  threshold: number | null;
  since: string | null;
  firing: boolean;
  unstable: boolean;
  when: string;
  reads: Reading[];
  response: string;
  acting: boolean;
  autonomy: string;
}

export interface Counts {
  success: number;
  failure: number;
  neutral: number;
}
export type SampleValue = null | string | number | Counts;

export interface Signal {
  name: string;
  kind: 'state' | 'outcomes' | 'gauge' | 'text';
  type: string;
  last_value: SampleValue;
  state: 'ok' | 'failed' | null;
  last_at: string | null;
  last_reason: string;
  stale: boolean;
}

export interface Sample {
  at: string;
  value: SampleValue;
  reason?: string;
  latency_seconds?: number;
  by?: string;
}

export interface Samples extends Signal {
  from: string;
  to: string;
  items: Sample[];
}

export interface Playbook {
  name: string;
  undoes: 'nothing' | 'release' | 'schema' | 'data';
  risk: string;
  data_loss: DataLoss;
  approval: boolean;
  steps: number;
  ready: boolean | null;
  ready_why: string;
}

export interface Service {
  name: string;
  autonomy: string;
  untrusted: boolean;
  paused: boolean;
  frozen_by: string | null;
  mode: string;
  current: string | null;
  target: string | null;
  target_why: string;
  watching: { version: string; started_at: string; until: string } | null;
  depends_on: string[];
  open_incidents: string[];
  signals: Signal[];
  triggers: Trigger[];
  playbooks: Playbook[];
}

export interface Step {
  n: number;
  name: string;
  type: string;
  state: string;
  started_at: string | null;
  ended_at: string | null;
  exit: number | null;
  text: string;
  attempt: number;
  always: boolean;
  confirmed_by?: string;
}

export interface Check {
  n: number;
  passed: boolean;
  why: string;
  kind?: string;
  condition?: string;
}

export interface Run {
  id: string;
  incident: string;
  service: string;
  playbook: string;
  state: 'waiting' | 'running' | 'verifying' | 'succeeded' | 'failed' | 'interrupted' | 'aborted';
  reason: string;
  target: string | null;
  blamed: string | null;
  plan: string;
  by: string;
  manual: boolean;
  why: string;
  undoes: 'nothing' | 'release' | 'schema' | 'data';
  data_loss: DataLoss;
  data_loss_window: string | null;
  budget: string | null;
  planned_at: string;
  started_at: string | null;
  ended_at: string | null;
  steps: Step[];
  verify: Check[];
}

export interface Guard {
  guard: string;
  letter: string;
  passed: boolean;
  text: string;
}

export interface Refusal {
  guard: string;
  letter: string;
  text: string;
  playbook: string;
  trigger: string;
  at: string;
}

export interface Duty {
  n: number;
  name: string;
  text: string;
  state: 'open' | 'done' | 'does_not_apply';
  due_at: string;
  by: string;
  reason: string;
}

export interface Rung {
  playbook: string;
  trigger: string;
  state: string;
  why: string;
}

export interface Firing {
  name: string;
  verdict: Verdict;
  why: string;
  severity: Severity;
  since: string | null;
  when: string;
  cleared: boolean;
  raised: boolean;
}

export interface Question {
  for: 'nothing' | 'plan' | 'step_approval' | 'manual_step' | 'unsettled_step' | 'manual_check';
  n: number;
  what: string;
}

export interface Incident {
  id: string;
  service: string;
  state: IncidentState;
  severity: Severity;
  summary: string;
  did: string;
  next: string;
  must: string;
  command: string;
  asks: Question;
  alert_only: boolean;
  triggers: Firing[];
  opened_at: string;
  acted_at: string | null;
  recovered_at: string | null;
  resolved_at: string | null;
  acked_by: string;
  resolved_by: string;
  escalated: boolean;
  verdict: string;
  blamed: string | null;
  ladder: Rung[];
  runs: Run[];
  refusals: Refusal[];
  guards: Guard[];
  duties: Duty[];
  success: Check[];
  follow_up: string[];
}

export interface Fact {
  value?: number | string | boolean | null;
  unknown?: string;
  [name: string]: unknown;
}

export interface Proof {
  signals?: Record<string, { calls?: Record<string, Fact>; samples?: Record<string, unknown>[] }>;
  facts?: Record<string, unknown>;
}

export interface Reasons extends Firing {
  count: number | null;
  threshold: number | null;
  matrix_row: number;
  response: string;
  autonomy: string;
  proof: Proof | null;
  classification?: Record<string, unknown>;
  blame?: string;
  fired_at?: string;
  min_count?: number | null;
  confidence?: number | null;
  for?: string;
  changes_at?: string | null;
}

export interface Explanation {
  subject: string;
  triggers: Reasons[];
  ladder?: Rung[];
  guards?: Guard[];
  refusals?: Refusal[];
  prevented_by?: string[];
  would_act_with?: string[];
}

export interface PlannedCheck {
  kind: string;
  condition: string;
  limit: string;
}

export interface DryRun {
  plan: {
    playbook: string;
    service: string;
    undoes: Run['undoes'];
    data_loss: DataLoss;
    data_loss_window: string | null;
    target: string | null;
    blamed: string | null;
    budget: string | null;
    approval: boolean;
    verify: PlannedCheck[];
    success: PlannedCheck[];
    follow_up: string[];
    on_failure: string[];
    inputs: Record<string, unknown>;
    hash: string;
    steps: { n: number; destructive: boolean; approval: boolean; timeout: string }[];
    always: { n: number }[];
  };
  would: { n: number; name: string; type: string; would: string }[];
}

export interface TimelineEntry {
  seq: number;
  at: string;
  kind: string;
  text: string;
}

export interface Evidence {
  name: string;
  at: string;
  sha256: string;
  text?: string;
}

export interface Deployment {
  id: number;
  version: string;
  standing: string;
  current: boolean;
  started_at: string;
  by: string;
}

export interface Silence {
  id: string;
  service: string | null;
  reason: string;
  by: string;
  from: string;
  until: string;
}

export interface JournalEvent {
  seq: number;
  at: string;
  kind: string;
  who: string;
}

export interface List<T> {
  items: T[];
  next: string | null;
}
