// What a person may decide about an incident, each with its consequences before the last press.
import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { at, get, post } from './api';
import { short } from './format';
import { look_again, useLoaded } from './store';
import type { DryRun, Incident, Run } from './types';
import { ResumeButton } from './resume';
import { Button, Dialog, Field, may, Problem, useCall } from './ui';

export type Ask = 'approve' | 'reject' | 'abort' | 'resolve' | 'false-positive' | 'ack' | 'done' | 'not_done' | `duty-${number}` | `duty-not-${number}`;

const undone: Record<Run['undoes'], string> = {
  nothing: 'It undoes nothing: the release stays.',
  release: 'It undoes the release.',
  schema: 'It undoes changes of the database schema.',
  data: 'It puts data back as it was.',
};

export function DataLoss({ plan }: { plan: Pick<DryRun['plan'], 'data_loss' | 'data_loss_window'> }) {
  if (plan.data_loss === 'none') return <p class="good-text">No data is lost.</p>;
  return (
    <p class="loss">
      <strong>{plan.data_loss === 'certain' ? 'Data will be lost' : 'Data may be lost'}</strong>
      {plan.data_loss_window ? `: ${plan.data_loss_window}.` : '.'} The present state is saved first.
    </p>
  );
}

export function PlanSteps({ dry }: { dry: DryRun }) {
  const destructive = new Set(dry.plan.steps.filter((step) => step.destructive).map((step) => step.n));
  return (
    <ol class="would">
      {dry.would.map((step) => (
        <li key={step.n}>
          {step.would}
          {destructive.has(step.n) && <span class="chip bad">destructive</span>}
        </li>
      ))}
    </ol>
  );
}

/** What a plan comes to, in the order in which it matters. */
export function Consequences({ dry }: { dry: DryRun }) {
  const { plan } = dry;
  const back = plan.target ? ` ${plan.service} goes${plan.blamed ? ` from ${short(plan.blamed)}` : ''} back to ${short(plan.target)}.` : '';
  return (
    <div class="consequences">
      <p>
        <strong>{plan.playbook}</strong>. {undone[plan.undoes]}
        {back}
      </p>
      <DataLoss plan={plan} />
      <h3>What it does</h3>
      <PlanSteps dry={dry} />
      {plan.verify.length > 0 && (
        <p class="quiet">
          Then it verifies: {plan.verify.map((check) => check.condition).join('; ')}
          {plan.budget ? `. No step starts later than ${plan.budget} after the first.` : '.'}
        </p>
      )}
    </div>
  );
}

const titles: Record<string, string> = {
  approve: 'Approve this plan?',
  reject: 'Reject this plan?',
  abort: 'Abort the run?',
  resolve: 'Declare it over?',
  'false-positive': 'Was it a false alarm?',
  done: 'Was it done?',
  not_done: 'Was it not done?',
};

function consequence_of(ask: Ask, incident: Incident): ComponentChildren {
  const run = incident.runs.at(-1);
  switch (ask) {
    case 'reject':
      return (
        <p>
          Nothing runs. {incident.service} stays as it is, the incident stays open and is escalated. This plan cannot be approved any
          more.
        </p>
      );
    case 'abort':
      return (
        <p>
          The running step is ended (SIGTERM, then SIGKILL), no further one starts, and what was done so far <strong>stays done</strong>
          {run ? ` (${run.steps.filter((step) => step.state === 'done').length} of ${run.steps.length} steps)` : ''}. No other playbook is
          tried; {incident.service} is left for you to mend.
        </p>
      );
    case 'resolve':
      return <p>You say that it is over. The incident is closed{incident.state === 'frozen' ? ` and ${incident.service} acts by itself again` : ''}; what is still true opens a new one.</p>;
    case 'false-positive':
      return <p>Kept with the incident, for those who tune its trigger. Nothing is undone and nothing runs.</p>;
    case 'not_done':
      return <p>Step {incident.asks.n} ({incident.asks.what}) did not take effect. The run ends as failed unless the step can be started again.</p>;
    case 'done':
      return incident.asks.for === 'unsettled_step' ? (
        <p>Step {incident.asks.n} ({incident.asks.what}) took effect. Only you know: nobody saw how it ended. The run goes on from there.</p>
      ) : (
        <p>“{incident.asks.what}” is done. The run goes on with what follows.</p>
      );
    default:
      return null;
  }
}

/** What is sent, and where. */
function request_of(ask: Ask, incident: Incident, plan: string, reason: string): [string, Record<string, unknown>] {
  const because = reason ? { reason } : {};
  if (ask === 'approve' || ask === 'reject') return [at('incidents', incident.id, ask), { plan }];
  if (ask === 'false-positive') return [at('incidents', incident.id, 'verdict'), { verdict: ask, ...because }];
  if (ask === 'done' || ask === 'not_done') {
    return [at('incidents', incident.id, 'steps', incident.asks.n, 'confirm'), { outcome: ask, ...because }];
  }
  if (ask === 'abort' || ask === 'ack') return [at('incidents', incident.id, ask), {}];
  if (ask.startsWith('duty-')) {
    const n = Number(ask.replace(/\D/g, ''));
    return [at('incidents', incident.id, 'duties', n, 'confirm'), { outcome: ask.startsWith('duty-not-') ? 'does_not_apply' : 'done', ...because }];
  }
  return [at('incidents', incident.id, 'resolve'), because];
}

const presses: Record<string, string> = {
  approve: 'Approve and run it',
  reject: 'Reject it',
  abort: 'Abort the run',
  resolve: 'Declare it over',
  'false-positive': 'Mark it a false alarm',
  done: 'Yes, it was done',
  not_done: 'It was not done',
};

const with_reason = (ask: Ask): boolean => ask === 'resolve' || ask === 'false-positive' || ask === 'not_done' || ask.startsWith('duty-not-');

export function Decision({ ask, incident, onClose }: { ask: Ask; incident: Incident; onClose: () => void }) {
  const approving = ask === 'approve';
  const dry = useLoaded<DryRun>(`${incident.id}/plan/${incident.runs.at(-1)?.plan ?? ''}`, () => get(at('incidents', incident.id, 'plan')));
  // The plan that was shown is the one that is approved, whatever has come since.
  const [plan] = useState(incident.runs.at(-1)?.plan ?? '');
  const [reason, set_reason] = useState('');
  const [understood, set_understood] = useState(false);
  const { busy, problem, call } = useCall();
  const box = useId();
  const other = dry.value !== null && dry.value.plan.hash !== plan;
  const changed = (approving && other) || ((ask === 'approve' || ask === 'reject') && plan !== incident.runs.at(-1)?.plan);
  const loses = approving && dry.value !== null && dry.value.plan.data_loss !== 'none';
  const ready = !changed && (!approving || dry.value !== null) && (!loses || understood) && (!ask.startsWith('duty-not-') || reason.trim() !== '');
  const duty = incident.duties.find((one) => ask === `duty-${one.n}` || ask === `duty-not-${one.n}`);
  const decide = (): void =>
    call(async () => {
      const [path, body] = request_of(ask, incident, plan, reason.trim());
      await post(path, body);
      await look_again();
      onClose();
    });
  const title = titles[ask] ?? (ask.startsWith('duty-not-') ? 'Does it not apply?' : 'Is it done?');
  return (
    <Dialog title={title} onClose={onClose}
      actions={
        <Button kind={approving && !loses ? 'primary' : ask === 'abort' || loses ? 'danger' : 'primary'} busy={busy} disabled={!ready}
          needs={ask === 'approve' || ask === 'reject' ? 'approve' : 'operate'} onPress={decide}>
          {presses[ask] ?? (ask.startsWith('duty-not-') ? 'It does not apply' : 'It is done')}
        </Button>
      }>
      <p class="quiet">
        {incident.id} · {incident.service}
      </p>
      {approving && (dry.value ? <Consequences dry={dry.value} /> : <p class="quiet">Asking what it would do …</p>)}
      {approving && <p class="quiet small">Every guard is judged again now, and the trigger must still be true. Otherwise nothing runs, and you are told why.</p>}
      {duty && <p>{duty.text}</p>}
      {consequence_of(ask, incident)}
      {loses && (
        <p class="understood">
          <input id={box} type="checkbox" checked={understood} onChange={(event) => set_understood(event.currentTarget.checked)} />
          <label for={box}>I understand that data {dry.value?.plan.data_loss === 'certain' ? 'will' : 'may'} be lost.</label>
        </p>
      )}
      {with_reason(ask) && (
        <Field label="Why?">
          {(id) => <input id={id} value={reason} maxLength={1000} onInput={(event) => set_reason(event.currentTarget.value)} />}
        </Field>
      )}
      {changed && <Problem text="The plan has changed meanwhile: close this and look at the new one." />}
      <Problem text={dry.problem || problem} />
    </Dialog>
  );
}

/** The one thing to decide, in front; what else can be done stands behind it. */
export function Decisions({ incident, onAsk }: { incident: Incident; onAsk: (ask: Ask) => void }) {
  const asked = incident.asks.for;
  const run = incident.runs.at(-1);
  const runs = run !== undefined && (run.state === 'running' || run.state === 'verifying');
  const over = incident.state === 'resolved';
  const plan = asked === 'plan' || asked === 'step_approval';
  const role = plan ? 'approve' : 'operate';
  return (
    <div class="decisions">
      {plan && (
        <>
          <Button kind="primary" needs="approve" keys="a" onPress={() => onAsk('approve')}>
            {asked === 'plan' ? 'Approve …' : `Approve step ${incident.asks.n} …`}
          </Button>
          <Button needs="approve" keys="r" onPress={() => onAsk('reject')}>
            Reject …
          </Button>
        </>
      )}
      {(asked === 'manual_step' || asked === 'manual_check' || asked === 'unsettled_step') && (
        <>
          <Button kind="primary" needs="operate" keys="a" onPress={() => onAsk('done')}>
            It is done …
          </Button>
          <Button needs="operate" keys="r" onPress={() => onAsk('not_done')}>
            Not done …
          </Button>
        </>
      )}
      {runs && (
        <Button kind="danger" needs="operate" onPress={() => onAsk('abort')}>
          Abort …
        </Button>
      )}
      {!over && (
        <Button kind={incident.state === 'frozen' || incident.state === 'unverified' ? 'primary' : 'plain'} needs="operate" onPress={() => onAsk('resolve')}>
          {incident.state === 'unverified' ? 'It works: declare it over …' : 'Declare it over …'}
        </Button>
      )}
      {incident.state === 'frozen' && asked === 'nothing' && <ResumeButton service={incident.service} label={`Let it act on ${incident.service} again`} />}
      {!incident.verdict && (
        <Button kind="link" needs="operate" onPress={() => onAsk('false-positive')}>
          False alarm …
        </Button>
      )}
      {!may(role) && !over && (
        <p class="quiet small">
          Your token may look only. Deciding needs the role {role}; on the machine itself: <code>{incident.command}</code>
        </p>
      )}
    </div>
  );
}
