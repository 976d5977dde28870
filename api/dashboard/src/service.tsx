// One service: its signals with what is judged of them, its triggers, playbooks, releases and incidents.
import { useMemo, useState } from 'preact/hooks';
import { all, at, get } from './api';
import { Chain } from './explain';
import { ago, moment, seconds_of, short, state_words } from './format';
import { HealthChip, TriggerVerdict } from './overview';
import { type Mark, Plot } from './plot';
import { series_of } from './series';
import { useClock, useLoaded, useStore } from './store';
import { ResumeButton } from './resume';
import { PauseDialog, RunDialog, SilenceDialog, SilenceList } from './switches';
import type { Deployment, Explanation, Incident, List, Playbook, Samples, Service, Signal, Trigger } from './types';
import { Button, Card, Chip, Link, Problem } from './ui';

const ranges = ['15m', '1h', '6h', '24h'];
const releases_shown = 8;
const shortest_seconds = 120;

function marks_of(deployments: Deployment[], incidents: Incident[], now: number): Mark[] {
  const releases = deployments.map((one): Mark => ({ at: Date.parse(one.started_at) / 1000, text: short(one.version), kind: 'deployment' }));
  const troubles = incidents.map((one): Mark => ({
    at: Date.parse(one.opened_at) / 1000,
    text: one.id,
    kind: 'incident',
    until: (one.resolved_at ? Date.parse(one.resolved_at) : now) / 1000,
  }));
  return [...troubles, ...releases];
}

/** A plot of what is known, not of an hour that is mostly empty. */
function begin_of(samples: Samples, earliest: number, to: number): number {
  const first = samples.items[0] ? Date.parse(samples.items[0].at) / 1000 : earliest;
  return Math.max(earliest, Math.min(first, to - shortest_seconds));
}

function SignalPlots({ service, signal, range, marks }: { service: Service; signal: Signal; range: string; marks: Mark[] }) {
  const loaded = useLoaded<Samples>(`${service.name}/${signal.name}/${range}`, () => get(`${at('services', service.name, 'signals', signal.name)}?range=${range}`));
  const readings = service.triggers.flatMap((trigger) => trigger.reads).filter((reading) => reading.signal === signal.name);
  const samples = loaded.value;
  const series = useMemo(() => (samples ? series_of(signal.kind, samples.items, readings, Date.parse(samples.to) / 1000) : []), [samples]);
  const to = samples ? Date.parse(samples.to) / 1000 : 0;
  return (
    <div class="signal">
      <div class="signal-head">
        <h3>{signal.name}</h3>
        <span class="quiet small">{signal.type}</span>
        {signal.stale ? <Chip tone="warn">stale</Chip> : signal.last_value === 'failed' || signal.state === 'failed' ? <Chip tone="bad">failed</Chip> : null}
      </div>
      {signal.last_reason && <p class="small bad-text">{signal.last_reason}</p>}
      {samples && samples.items.length === 0 && <p class="quiet small">No samples in this time.</p>}
      {signal.kind === 'text' && <p>{String(signal.last_value ?? '–')}</p>}
      {samples && samples.items.length > 0 && series.map((one) => (
        <Plot key={one.title + one.threshold} name={signal.name} series={one} marks={marks} range={[begin_of(samples, to - seconds_of(range), to), to]} />
      ))}
      <Problem text={loaded.problem} />
    </div>
  );
}

function TriggerRow({ service, trigger }: { service: Service; trigger: Trigger }) {
  const [open, set_open] = useState(false);
  return (
    <li>
      <details onToggle={(event) => set_open(event.currentTarget.open)}>
        <summary>
          <TriggerVerdict trigger={trigger} />
          <span class="trigger-name">{trigger.name}</span>
          <span class="quiet small">{trigger.why || trigger.when}</span>
        </summary>
        <p class="small">
          <code>{trigger.when}</code> → {trigger.response} <span class="quiet">({trigger.severity}, autonomy {trigger.autonomy})</span>
        </p>
        {trigger.unstable && <p class="small bad-text">It comes and goes by itself: nothing runs until it is stable.</p>}
        {open && <TriggerChain service={service.name} trigger={trigger.name} />}
      </details>
    </li>
  );
}

function TriggerChain({ service, trigger }: { service: string; trigger: string }) {
  const loaded = useLoaded<Explanation>(`${service}/${trigger}/explain`, () => get(at('services', service, 'triggers', trigger, 'explain')));
  return loaded.value ? <Chain explanation={loaded.value} incident={null} /> : <Problem text={loaded.problem} />;
}

function PlaybookRow({ playbook, onRun }: { playbook: Playbook; onRun: () => void }) {
  return (
    <li class="playbook">
      <div>
        <strong>{playbook.name}</strong>
        <p class="quiet small">
          {playbook.steps} {playbook.steps === 1 ? 'step' : 'steps'}, undoes {playbook.undoes}, risk {playbook.risk}
          {playbook.data_loss === 'none' ? '' : `, data loss ${playbook.data_loss}`}
          {playbook.approval ? ', needs an approval' : ''}
        </p>
        {playbook.ready === false && <p class="small bad-text">could not be run: {playbook.ready_why}</p>}
      </div>
      <Button needs="operate" label={`Run ${playbook.name}`} onPress={onRun}>
        Run …
      </Button>
    </li>
  );
}

export function IncidentList({ incidents }: { incidents: Incident[] }) {
  const now = useClock();
  return (
    <ul class="rows">
      {incidents.map((incident) => {
        const [word, tone] = state_words[incident.state];
        return (
          <li key={incident.id}>
            <Link to={`/incidents/${incident.id}`}>{incident.id}</Link>
            <Chip tone={tone}>{word}</Chip>
            <span class="grow">{incident.summary}</span>
            <span class="quiet small">{ago(incident.opened_at, now)}</span>
          </li>
        );
      })}
    </ul>
  );
}

type Open = { kind: 'pause' } | { kind: 'silence' } | { kind: 'run'; playbook: Playbook } | null;

export function ServicePage({ name }: { name: string }) {
  const { services, status } = useStore();
  const now = useClock();
  const [range, set_range] = useState('1h');
  const [open, set_open] = useState<Open>(null);
  const service = services.find((one) => one.name === name);
  const releases = useLoaded<Deployment[]>(`${name}/deployments`, () => all(at('services', name, 'deployments')));
  const troubles = useLoaded<List<Incident>>(`${name}/incidents`, () => get(`/v1/incidents?limit=20&service=${encodeURIComponent(name)}`));
  if (!status) return null;
  if (!service) {
    return (
      <>
        <h1>{name}</h1>
        <Card>
          There is no such service in the policy. <Link to="/">All services</Link>
        </Card>
      </>
    );
  }
  const marks = marks_of(releases.value ?? [], troubles.value?.items ?? [], now);
  const close = (): void => set_open(null);
  return (
    <>
      <div class="title">
        <h1>{service.name}</h1>
        <HealthChip service={service} />
        <Chip>{service.autonomy}</Chip>
        {service.mode !== 'normal' && <Chip tone="warn">{service.mode} is on</Chip>}
      </div>
      {service.frozen_by && (
        <div class="notice bad">
          <span>Frozen by {service.frozen_by}: nothing runs by itself until a person takes over.</span>
          <ResumeButton service={service.name} label="Unfreeze" />
        </div>
      )}
      {service.paused && !status.paused && (
        <div class="notice warn">
          <span>Paused: no run starts.</span>
          <ResumeButton service={service.name} label={`Resume ${service.name}`} />
        </div>
      )}
      <SilenceList service={service.name} />
      <Card title="Release" aside={
        <span class="actions">
          <Button needs="operate" onPress={() => set_open({ kind: 'silence' })}>Silence …</Button>
          {!service.paused && <Button needs="operate" onPress={() => set_open({ kind: 'pause' })}>Pause …</Button>}
        </span>
      }>
        <dl class="facts">
          <dt>Now</dt>
          <dd><code>{short(service.current)}</code></dd>
          <dt>Would go back to</dt>
          <dd>{service.target ? <code>{short(service.target)}</code> : <span class="quiet">nothing: {service.target_why}</span>}</dd>
          {service.watching && (
            <>
              <dt>Watched</dt>
              <dd>
                the deployment of <code>{short(service.watching.version)}</code> until {moment(service.watching.until)}
              </dd>
            </>
          )}
        </dl>
      </Card>
      <Card title="Signals" aside={
        <fieldset class="ranges">
          <legend class="offscreen">Time shown</legend>
          {ranges.map((one) => (
            <label key={one} class={one === range ? 'chosen' : ''}>
              <input type="radio" name="range" value={one} checked={one === range} onChange={() => set_range(one)} />
              {one}
            </label>
          ))}
        </fieldset>
      }>
        <p class="legend small quiet">
          <span class="key threshold" /> threshold <span class="key deployment" /> deployment <span class="key trouble" /> incident <span class="key failure" /> failed sample
        </p>
        <div class="signal-grid">
          {service.signals.map((signal) => (
            <SignalPlots key={signal.name} service={service} signal={signal} range={range} marks={marks} />
          ))}
        </div>
      </Card>
      <Card title="Triggers">
        <ul class="triggers">
          {service.triggers.map((trigger) => (
            <TriggerRow key={trigger.name} service={service} trigger={trigger} />
          ))}
        </ul>
      </Card>
      <Card title="Playbooks">
        <ul class="rows">
          {service.playbooks.map((playbook) => (
            <PlaybookRow key={playbook.name} playbook={playbook} onRun={() => set_open({ kind: 'run', playbook })} />
          ))}
        </ul>
      </Card>
      <Card title="Deployments">
        {releases.value?.length === 0 && <p class="quiet">None recorded: <code>rollbackctl deploy {service.name} VERSION</code></p>}
        <ul class="rows">
          {(releases.value ?? []).slice(0, releases_shown).map((one) => (
            <li key={one.id}>
              <span class="grow"><code>{short(one.version)}</code></span>
              {one.current && <Chip tone="info">current</Chip>}
              <Chip tone={one.standing === 'bad' ? 'bad' : one.standing === 'known-good' ? 'good' : 'quiet'}>{one.standing}</Chip>
              <span class="quiet small">{ago(one.started_at, now)}</span>
            </li>
          ))}
        </ul>
      </Card>
      <Card title="Incidents">
        {troubles.value?.items.length === 0 && <p class="quiet">None so far.</p>}
        <IncidentList incidents={troubles.value?.items ?? []} />
      </Card>
      {open?.kind === 'pause' && <PauseDialog service={service.name} onClose={close} />}
      {open?.kind === 'silence' && <SilenceDialog service={service.name} onClose={close} />}
      {open?.kind === 'run' && <RunDialog service={service} playbook={open.playbook} onClose={close} />}
    </>
  );
}
