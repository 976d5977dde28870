// Pause, silence and runs by hand.
import { useId, useState } from 'preact/hooks';
import { at, post, remove } from './api';
import { Consequences } from './decisions';
import { moment } from './format';
import { look_again, useStore } from './store';
import type { DryRun, Playbook, Run, Service, Silence } from './types';
import { Button, Dialog, Field, Problem, useCall } from './ui';

export function PauseDialog({ service, onClose }: { service: string | null; onClose: () => void }) {
  const { busy, problem, call } = useCall();
  const whom = service ?? 'every service';
  const pause = (): void =>
    call(async () => {
      await post('/v1/pause', service ? { service } : {});
      await look_again();
      onClose();
    });
  return (
    <Dialog title={`Pause ${whom}?`} onClose={onClose}
      actions={
        <Button kind="primary" needs="operate" busy={busy} onPress={pause}>
          Pause {whom}
        </Button>
      }>
      <p>
        No new run starts, neither by itself nor by hand, until somebody resumes it. Watching, judging and alerts go on. A run that is
        on goes on to its end.
      </p>
      <Problem text={problem} />
    </Dialog>
  );
}

const lengths: [string, string][] = [
  ['15m', '15 minutes'],
  ['1h', '1 hour'],
  ['2h', '2 hours'],
  ['8h', '8 hours'],
  ['24h', '1 day'],
];

export function SilenceDialog({ service, onClose }: { service: string | null; onClose: () => void }) {
  const [length, set_length] = useState('1h');
  const [reason, set_reason] = useState('');
  const { busy, problem, call } = useCall();
  const silence = (): void =>
    call(async () => {
      await post<Silence>('/v1/silences', { ...(service ? { service } : {}), for: length, reason: reason.trim() });
      await look_again();
      onClose();
    });
  return (
    <Dialog title={`Silence ${service ?? 'everything'}?`} onClose={onClose}
      actions={
        <Button kind="primary" needs="operate" busy={busy} disabled={reason.trim() === ''} onPress={silence}>
          Silence it
        </Button>
      }>
      <p>Neither actions nor messages meanwhile. Watching and recording go on; at its end what is still broken is told, and judged again.</p>
      <Field label="For how long">
        {(id) => (
          <select id={id} value={length} onChange={(event) => set_length(event.currentTarget.value)}>
            {lengths.map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label="Why (required)">
        {(id) => <input id={id} value={reason} maxLength={1000} required onInput={(event) => set_reason(event.currentTarget.value)} />}
      </Field>
      <Problem text={problem} />
    </Dialog>
  );
}

export function SilenceList({ service }: { service: string | null }) {
  const { silences } = useStore();
  const { busy, problem, call } = useCall();
  const here = silences.filter((one) => one.service === null || one.service === service);
  if (here.length === 0) return null;
  return (
    <ul class="notices">
      {here.map((one) => (
        <li key={one.id} class="notice warn">
          <span>
            Silenced until {moment(one.until)} by {one.by}: {one.reason}
          </span>
          <Button needs="operate" busy={busy} onPress={() => call(async () => { await remove(at('silences', one.id)); await look_again(); })}>
            End the silence
          </Button>
        </li>
      ))}
      <Problem text={problem} />
    </ul>
  );
}

/** Nothing runs before its preview was seen: the first press asks, the second acts. */
export function RunDialog({ service, playbook, onClose }: { service: Service; playbook: Playbook; onClose: () => void }) {
  const [reason, set_reason] = useState('');
  const [inputs, set_inputs] = useState('');
  const [dry, set_dry] = useState<DryRun | null>(null);
  const [understood, set_understood] = useState(false);
  const { busy, problem, call } = useCall();
  const box = useId();
  const path = at('services', service.name, 'playbooks', playbook.name, 'runs');
  const given = (): Record<string, string> =>
    Object.fromEntries(inputs.split('\n').filter((line) => line.includes('=')).map((line) => {
      const cut = line.indexOf('=');
      return [line.slice(0, cut).trim(), line.slice(cut + 1).trim()];
    }));
  const preview = (): void =>
    call(async () => {
      set_dry(await post<DryRun>(path, { reason: reason.trim(), dry_run: true, inputs: given() }));
    });
  const start = (): void =>
    call(async () => {
      const run = await post<Run>(path, { reason: reason.trim(), inputs: given() });
      await look_again();
      onClose();
      location.hash = `/incidents/${run.incident}`;
    });
  const loses = dry !== null && dry.plan.data_loss !== 'none';
  return (
    <Dialog title={`Run ${playbook.name} on ${service.name}?`} onClose={onClose}
      actions={
        dry ? (
          <Button kind={loses ? 'danger' : 'primary'} needs="operate" busy={busy} disabled={loses && !understood} onPress={start}>
            {dry.plan.approval ? 'Ask for its approval' : 'Run it now'}
          </Button>
        ) : (
          <Button kind="primary" needs="operate" busy={busy} disabled={reason.trim() === ''} onPress={preview}>
            Show what it would do
          </Button>
        )
      }>
      {dry ? (
        <>
          <p class="preview">Preview: nothing has been done yet.</p>
          <Consequences dry={dry} />
          {dry.plan.approval && <p class="quiet">It waits for an approval before its first step.</p>}
          {loses && (
            <p class="understood">
              <input id={box} type="checkbox" checked={understood} onChange={(event) => set_understood(event.currentTarget.checked)} />
              <label for={box}>I understand that data {dry.plan.data_loss === 'certain' ? 'will' : 'may'} be lost.</label>
            </p>
          )}
        </>
      ) : (
        <>
          {playbook.ready === false && <p class="loss">It could not be run now: {playbook.ready_why}</p>}
          <Field label="Why (kept in the journal)">
            {(id) => <input id={id} value={reason} maxLength={1000} onInput={(event) => set_reason(event.currentTarget.value)} />}
          </Field>
          <Field label="Inputs, if it takes any" hint="One a line: name=value">
            {(id) => <textarea id={id} rows={2} value={inputs} onInput={(event) => set_inputs(event.currentTarget.value)} />}
          </Field>
        </>
      )}
      <Problem text={problem} />
    </Dialog>
  );
}
