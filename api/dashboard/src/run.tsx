// A run as it goes: its steps, what the running one writes, its budget, and what verifies it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { at, get } from './api';
import { clock_span, seconds_of, short, tone_of, words } from './format';
import { useClock, useLoaded } from './store';
import type { Incident, Run, Step } from './types';
import { Chip, may } from './ui';

const look_ms = 700;

const verified_states = new Set(['verifying', 'succeeded', 'failed']);
const signs: Record<string, string> = { done: '✓', failed: '✗', aborted: '✗', unknown: '?', running: '●', waiting: '‖', skipped: '–', pending: '' };
const took = (step: Step): string =>
  step.started_at && step.ended_at ? clock_span((Date.parse(step.ended_at) - Date.parse(step.started_at)) / 1000) : '';

/** What it has written so far; looked at often, and only while it runs. */
function LiveOutput({ incident, step }: { incident: string; step: Step }) {
  const [text, set_text] = useState('');
  const place = useRef<HTMLPreElement>(null);
  useEffect(() => {
    let over = false;
    let timer: ReturnType<typeof setTimeout>;
    const look = async (): Promise<void> => {
      try {
        const answer = await get<{ text: string; live: boolean }>(at('incidents', incident, 'steps', step.n, 'output'));
        if (!over && answer.text) set_text(answer.text);
      } catch {
        // the connection's own sign says so
      }
      if (!over) timer = setTimeout(() => void look(), look_ms);
    };
    void look();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [incident, step.n, step.attempt]);
  useEffect(() => {
    const element = place.current;
    if (element) element.scrollTop = element.scrollHeight;
  }, [text]);
  if (!text) return <p class="quiet small">No output yet.</p>;
  return (
    <pre ref={place} class="output" tabIndex={0} aria-label={`Output of step ${step.n}, as it comes`}>
      {text}
    </pre>
  );
}

function StepRow({ incident, step, would }: { incident: string; step: Step; would: string | undefined }) {
  const now = useClock();
  const running = step.state === 'running';
  const elapsed = running && step.started_at ? clock_span((now - Date.parse(step.started_at)) / 1000) : took(step);
  return (
    <li class={`step ${step.state}`}>
      <span class={`sign ${tone_of(step.state)}`} aria-hidden="true">
        {signs[step.state] ?? ''}
      </span>
      <div class="grow">
        <p class="step-head">
          <span>
            <span class="quiet">{step.n}.</span> <strong>{step.name}</strong> <span class="quiet small">{step.type}</span>
          </span>
          <span>
            <Chip tone={tone_of(step.state)}>{words(step.state)}</Chip> <span class="quiet small">{elapsed}</span>
          </span>
        </p>
        {would && (step.state === 'pending' || step.state === 'waiting' || running) && <p class="quiet small">{would}</p>}
        {running && may('operate') && <LiveOutput incident={incident} step={step} />}
        {!running && step.text && (
          step.text.includes('\n') || step.text.length > 160 ? (
            <details open={step.state !== 'done'}>
              <summary class="small">What it wrote{step.exit === null ? '' : `, exit ${step.exit}`}</summary>
              <pre class="output" tabIndex={0} aria-label={`Output of step ${step.n}`}>{step.text}</pre>
            </details>
          ) : (
            <p class="small mono">{step.text}</p>
          )
        )}
        {step.confirmed_by && <p class="quiet small">confirmed by {step.confirmed_by}</p>}
      </div>
    </li>
  );
}

function Progress({ run }: { run: Run }) {
  const now = useClock();
  if (!run.started_at) return null;
  const end = run.ended_at ? Date.parse(run.ended_at) : now;
  const elapsed = Math.max(0, (end - Date.parse(run.started_at)) / 1000);
  const budget = seconds_of(run.budget);
  const done = run.steps.filter((step) => ['done', 'skipped', 'failed', 'aborted'].includes(step.state)).length;
  return (
    <p class="progress">
      <progress value={done} max={run.steps.length} aria-label="Steps done" />
      <span>
        {done} of {run.steps.length} steps · {clock_span(elapsed)}
        {budget > 0 ? ` of ${clock_span(budget)}` : ''}
      </span>
    </p>
  );
}

export function RunView({ incident, run, newest }: { incident: Incident; run: Run; newest: boolean }) {
  const plan = useLoaded<{ would: { n: number; would: string }[] } | null>(`${incident.id}/would/${newest ? run.plan : ''}`, async () =>
    newest ? get(at('incidents', incident.id, 'plan')) : null,
  );
  const would = new Map((plan.value?.would ?? []).map((step) => [step.n, step.would]));
  return (
    <div class="run">
      <p>
        <Chip tone={run.state === 'succeeded' ? 'good' : run.state === 'running' || run.state === 'verifying' ? 'info' : run.state === 'waiting' ? 'warn' : 'bad'}>{run.state}</Chip>{' '}
        <strong>{run.playbook}</strong>
        {run.target ? (
          <>
            {' '}to <code>{short(run.target)}</code>
          </>
        ) : null}
        <span class="quiet small">
          {' '}
          {run.id}
          {run.by ? `, by ${run.by}` : ''}
        </span>
      </p>
      {run.why && run.state !== 'running' && run.state !== 'verifying' && <p class="quiet">{run.why}</p>}
      <Progress run={run} />
      <ol class="steps">
        {run.steps.map((step) => (
          <StepRow key={step.n} incident={incident.id} step={step} would={would.get(step.n)} />
        ))}
      </ol>
      {run.verify.length > 0 && verified_states.has(run.state) && (
        <>
          <h3>Verification</h3>
          <ul class="guards">
            {run.verify.map((check) => (
              <li key={check.n} class={check.passed ? 'passed' : run.state === 'failed' ? 'held' : 'open'}>
                <span class="mark" role="img" aria-label={check.passed ? 'passed' : 'not yet'}>
                  {check.passed ? '✓' : run.state === 'failed' ? '✗' : '…'}
                </span>
                <span>
                  <code>{check.condition}</code> <span class="quiet small">{check.why}</span>
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
