// One incident: what is broken, the one decision, what runs, why, what happened, and what is kept.
import { useEffect, useState } from 'preact/hooks';
import { all, at, get, get_text, post } from './api';
import { type Ask, Decision, Decisions } from './decisions';
import { Chain } from './explain';
import { ago, broken, clock, moment, must_text, span, state_words } from './format';
import { asks_somebody } from './overview';
import { RunView } from './run';
import { look_again, useClock, useLoaded } from './store';
import type { Duty, Evidence, Explanation, Incident, TimelineEntry } from './types';
import { Button, Card, Chip, Command, CopyButton, Link, may, Problem, useCall } from './ui';

function Acknowledge({ incident }: { incident: Incident }) {
  const { busy, problem, call } = useCall();
  if (incident.acked_by) return <span class="quiet small">{incident.acked_by} looks at it</span>;
  if (incident.state === 'resolved') return null;
  return (
    <>
      <Button kind="link" needs="operate" busy={busy} onPress={() => call(async () => {
        await post(at('incidents', incident.id, 'ack'));
        await look_again();
      })}>
        I look at it
      </Button>
      <Problem text={problem} />
    </>
  );
}

function Head({ incident, onAsk }: { incident: Incident; onAsk: (ask: Ask) => void }) {
  const now = useClock();
  const [word, tone] = state_words[incident.state];
  const asked = asks_somebody(incident);
  const { title, why } = broken(incident);
  return (
    <section class={`hero ${asked ? 'bad' : tone}`} aria-labelledby="broken">
      <p class="chips">
        <Chip tone={incident.severity === 'P0' ? 'bad' : 'warn'}>{incident.severity}</Chip>
        <Chip tone={tone}>{word}</Chip>
        {incident.escalated && <Chip tone="bad">escalated</Chip>}
        {incident.verdict && <Chip>{incident.verdict}</Chip>}
        <Link to={`/services/${encodeURIComponent(incident.service)}`}>{incident.service}</Link>
        <span class="quiet small">
          {incident.id} · opened {ago(incident.opened_at, now)}
          {incident.resolved_at ? `, over after ${span((Date.parse(incident.resolved_at) - Date.parse(incident.opened_at)) / 1000)}` : ''}
        </span>
        <Acknowledge incident={incident} />
      </p>
      <h1 id="broken">{title}</h1>
      {why && <p class="broken">{why}</p>}
      <dl class="four">
        <dt>rollbackd</dt>
        <dd>{incident.did}</dd>
        <dt>Next</dt>
        <dd>{incident.next}</dd>
        <dt>You</dt>
        <dd class={asked ? 'must' : ''}>{must_text(incident)}</dd>
      </dl>
      <Decisions incident={incident} onAsk={onAsk} />
    </section>
  );
}

function Duties({ incident, onAsk }: { incident: Incident; onAsk: (ask: Ask) => void }) {
  const now = useClock();
  const due = (duty: Duty): string => {
    const left = Date.parse(duty.due_at) - now;
    return left > 0 ? `due ${moment(duty.due_at)}` : `overdue since ${moment(duty.due_at)}`;
  };
  return (
    <ul class="rows">
      {incident.duties.map((duty) => (
        <li key={duty.n}>
          <span class="grow">
            <strong>{duty.name}</strong> {duty.text}
            <span class="quiet small"> {duty.state === 'open' ? due(duty) : `${duty.state === 'done' ? 'done' : 'does not apply'}, ${duty.by}${duty.reason ? `: ${duty.reason}` : ''}`}</span>
          </span>
          {duty.state === 'open' && (
            <span class="actions">
              <Button needs="operate" label={`${duty.name}: it is done`} onPress={() => onAsk(`duty-${duty.n}`)}>Done …</Button>
              <Button needs="operate" kind="link" label={`${duty.name}: it does not apply`} onPress={() => onAsk(`duty-not-${duty.n}`)}>Does not apply …</Button>
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}

function Timeline({ id }: { id: string }) {
  const loaded = useLoaded<TimelineEntry[]>(`${id}/timeline`, () => all(at('incidents', id, 'timeline')));
  return (
    <>
      <ol class="timeline" aria-live="polite" aria-relevant="additions">
        {(loaded.value ?? []).map((entry) => (
          <li key={entry.seq + entry.text}>
            <time dateTime={entry.at}>{clock(entry.at)}</time>
            <span>{entry.text}</span>
          </li>
        ))}
      </ol>
      <Problem text={loaded.problem} />
    </>
  );
}

function EvidenceList({ id }: { id: string }) {
  const allowed = may('operate');
  const loaded = useLoaded<Evidence[]>(`${id}/evidence/${allowed}`, async () => (allowed ? all<Evidence>(at('incidents', id, 'evidence')) : []));
  if (!allowed) return <p class="quiet">Evidence needs the role operate.</p>;
  if (loaded.value?.length === 0) return <p class="quiet">None was captured.</p>;
  return (
    <>
      {(loaded.value ?? []).map((one) => (
        <details key={one.name + one.at}>
          <summary>
            {one.name} <span class="quiet small">{clock(one.at)} · sha256 {one.sha256.slice(0, 12)}</span>
          </summary>
          <pre class="output" tabIndex={0} aria-label={`Evidence: ${one.name}`}>{one.text}</pre>
        </details>
      ))}
      <Problem text={loaded.problem} />
    </>
  );
}

function Report({ id }: { id: string }) {
  const [text, set_text] = useState('');
  const path = at('incidents', id, 'report');
  const { problem, call } = useCall();
  return (
    <>
      <div class="actions">
        <CopyButton label="Copy the report" text={() => get_text(path)} />
        <button type="button" class="button plain" onClick={() => call(async () => set_text(text ? '' : await get_text(path)))}>
          {text ? 'Hide it' : 'Show it'}
        </button>
      </div>
      {text && <pre class="output" tabIndex={0} aria-label="Report as Markdown">{text}</pre>}
      <Problem text={problem} />
    </>
  );
}

/** Keys open a question; they never decide. */
function useKeys(incident: Incident | null, ask: (ask: Ask) => void): void {
  useEffect(() => {
    const pressed = (event: Event): void => {
      const key = (event as CustomEvent<string>).detail;
      if (!incident || (key !== 'a' && key !== 'r')) return;
      const asked = incident.asks.for;
      const role = asked === 'plan' || asked === 'step_approval' ? 'approve' : 'operate';
      if (asked === 'nothing' || !may(role)) return;
      ask(role === 'approve' ? (key === 'a' ? 'approve' : 'reject') : key === 'a' ? 'done' : 'not_done');
    };
    document.addEventListener('shortcut', pressed);
    return () => document.removeEventListener('shortcut', pressed);
  });
}

export function IncidentPage({ id }: { id: string }) {
  const [ask, set_ask] = useState<Ask | null>(null);
  const loaded = useLoaded<Incident>(id, () => get(at('incidents', id)));
  const reasons = useLoaded<Explanation>(`${id}/explain`, () => get(at('incidents', id, 'explain')));
  const incident = loaded.value;
  useKeys(incident, set_ask);
  if (!incident) {
    return loaded.problem ? (
      <>
        <h1>{id}</h1>
        <Card>
          <Problem text={loaded.problem} />
          <Link to="/incidents">All incidents</Link>
        </Card>
      </>
    ) : (
      <>
        <h1>{id}</h1>
        <p class="quiet" role="status">
          Asking the daemon …
        </p>
      </>
    );
  }
  const runs = [...incident.runs].reverse();
  return (
    <>
      <Head incident={incident} onAsk={set_ask} />
      <div class="columns">
        <div>
          {runs.length > 0 && (
            <Card title={runs[0]?.state === 'waiting' ? 'The plan' : 'What it does'}>
              {runs.map((run, n) => (
                <RunView key={run.id} incident={incident} run={run} newest={n === 0} />
              ))}
              {incident.success.length > 0 && (
                <>
                  <h3>Successful once</h3>
                  <ul class="guards">
                    {incident.success.map((check) => (
                      <li key={check.n} class={check.passed ? 'passed' : 'open'}>
                        <span class="mark" role="img" aria-label={check.passed ? 'passed' : 'not yet'}>{check.passed ? '✓' : '…'}</span>
                        <span><code>{check.condition}</code> <span class="quiet small">{check.why}</span></span>
                      </li>
                    ))}
                  </ul>
                </>
              )}
            </Card>
          )}
          {incident.duties.length > 0 && (
            <Card title="Duties">
              <Duties incident={incident} onAsk={set_ask} />
            </Card>
          )}
          <Card title="Why">
            {reasons.value ? <Chain explanation={reasons.value} incident={incident} /> : <Problem text={reasons.problem} />}
          </Card>
        </div>
        <div>
          <Card title="Timeline">
            <Timeline id={id} />
          </Card>
          {incident.follow_up.length > 0 && (
            <Card title="Follow up">
              <ul>{incident.follow_up.map((text) => <li key={text}>{text}</li>)}</ul>
            </Card>
          )}
          <Card title="Evidence">
            <EvidenceList id={id} />
          </Card>
          <Card title="Report">
            <Report id={id} />
          </Card>
          <p class="quiet small">
            In a terminal: <Command text={incident.command} />
          </p>
        </div>
      </div>
      {ask && <Decision ask={ask} incident={incident} onClose={() => set_ask(null)} />}
    </>
  );
}
