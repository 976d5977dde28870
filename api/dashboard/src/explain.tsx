// The chain of reasons, read from the sample to the decision: what was seen, what the rule says of it,
// what it was held to be, every guard with its letter, and what would have changed the outcome.
import type { ComponentChildren } from 'preact';
import { clock, number, words } from './format';
import type { Explanation, Fact, Guard, Incident, Proof, Reasons, Rung } from './types';
import { Chip } from './ui';

const lines_shown = 6;

function Reason({ n, title, children }: { n: number; title: string; children?: ComponentChildren }) {
  return (
    <li class="reason">
      <span class="reason-n" aria-hidden="true">
        {n}
      </span>
      <div>
        <h3>{title}</h3>
        {children}
      </div>
    </li>
  );
}

const plain = (value: unknown): string =>
  typeof value === 'number' ? number(value)
  : typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) ? clock(value)
  : typeof value === 'object' && value !== null ? JSON.stringify(value)
  : String(value);

function fact_text(fact: Fact): string {
  if (fact.unknown) return `unknown: ${fact.unknown}`;
  const rest = Object.entries(fact).filter(([name, value]) => name !== 'value' && value !== null && value !== '');
  return rest.map(([name, value]) => `${words(name)} ${plain(value)}`).join(', ');
}

function sample_text(sample: Record<string, unknown>): string {
  const rest = Object.entries(sample).filter(([name, value]) => name !== 'at' && value !== null && value !== '' && value !== 0);
  return rest.map(([name, value]) => (name === 'reason' ? String(value) : name === 'ok' ? (value ? 'ok' : 'failed') : `${words(name)} ${plain(value)}`)).join(', ');
}

interface Line {
  at: unknown;
  text: string;
  times: number;
}

/** What many requests of one second say alike is one line. */
function lines_of(samples: Record<string, unknown>[]): Line[] {
  const lines: Line[] = [];
  for (const sample of samples) {
    const line = { at: sample['at'], text: sample_text(sample), times: 1 };
    const last = lines.at(-1);
    if (last && last.at === line.at && last.text === line.text) last.times += 1;
    else lines.push(line);
  }
  return lines;
}

function Seen({ proof }: { proof: Proof | null }) {
  const signals = Object.entries(proof?.signals ?? {});
  if (signals.length === 0) return <p class="quiet">No samples: a person reported it, or it asks of other things.</p>;
  return (
    <>
      {signals.map(([name, facts]) => (
        <div key={name}>
          <ul class="samples">
            {lines_of(facts.samples ?? []).slice(-lines_shown).map((line, n) => (
              <li key={n}>
                <time>{typeof line.at === 'string' ? clock(line.at) : ''}</time> <strong>{name}</strong> {line.text}
                {line.times > 1 && ` (${line.times} of them)`}
              </li>
            ))}
          </ul>
          {Object.entries(facts.calls ?? {}).map(([call, fact]) => (
            <p key={call}>
              <code>{call}</code> = <strong>{fact.value === undefined ? '?' : plain(fact.value)}</strong> <span class="quiet small">{fact_text(fact)}</span>
            </p>
          ))}
        </div>
      ))}
    </>
  );
}

function judged(reasons: Reasons): string {
  const conditions = [
    reasons.for && reasons.for !== '0s' ? `for ${reasons.for}` : '',
    reasons.min_count ? `at least ${reasons.min_count} samples` : '',
    reasons.confidence ? `with ${number(reasons.confidence * 100)} % confidence` : '',
  ].filter((text) => text !== '');
  return conditions.length ? ` (${conditions.join(', ')})` : '';
}

function meaning(reasons: Reasons): string {
  const held = Object.entries(reasons.classification ?? {}).filter(([, value]) => value !== null && value !== '');
  return [
    held.map(([name, value]) => `${words(name)} ${plain(value)}`).join(', '),
    reasons.matrix_row > 0 ? `row ${reasons.matrix_row} of the decision matrix` : '',
    `autonomy ${reasons.autonomy}`,
  ].filter((text) => text !== '').join(' · ');
}

/** What held it in full sight; what passed a press away. */
function Guards({ guards }: { guards: Guard[] }) {
  const held = guards.filter((guard) => !guard.passed);
  const passed = guards.filter((guard) => guard.passed);
  return (
    <>
      {held.length > 0 && <GuardList guards={held} />}
      {passed.length > 0 && (
        <details>
          <summary>
            {passed.length} {passed.length === 1 ? 'guard' : 'guards'} passed
          </summary>
          <GuardList guards={passed} />
        </details>
      )}
    </>
  );
}

function GuardList({ guards }: { guards: Guard[] }) {
  return (
    <ul class="guards">
      {guards.map((guard) => (
        <li key={guard.guard + guard.text} class={guard.passed ? 'passed' : 'held'}>
          <span class="mark" role="img" aria-label={guard.passed ? 'passed' : 'held'}>
            {guard.passed ? '✓' : '✗'}
          </span>
          <span>
            {guard.letter && <strong>({guard.letter}) </strong>}
            {guard.text || words(guard.guard)}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Ladder({ ladder }: { ladder: Rung[] }) {
  return (
    <ol class="ladder">
      {ladder.map((rung) => (
        <li key={rung.playbook + rung.trigger}>
          <strong>{rung.playbook}</strong> <Chip tone={rung.state === 'succeeded' ? 'good' : rung.state === 'failed' ? 'bad' : rung.state === 'running' ? 'info' : 'quiet'}>{words(rung.state)}</Chip>
          {rung.why && <span class="quiet"> {rung.why}</span>}
        </li>
      ))}
    </ol>
  );
}

function Outcome({ incident, explanation }: { incident: Incident; explanation: Explanation }) {
  const changes = explanation.prevented_by ?? explanation.would_act_with ?? [];
  const prevented = explanation.prevented_by !== undefined;
  return (
    <>
      <p>
        <strong>{incident.did}</strong>
      </p>
      {changes.length > 0 && (
        <>
          <p class="quiet">{prevented ? 'It would not have acted, had this been otherwise:' : 'It would act with:'}</p>
          <ul>
            {changes.map((change) => (
              <li key={change}>{change}</li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

export function Chain({ explanation, incident }: { explanation: Explanation; incident: Incident | null }) {
  let n = 0;
  const guards = explanation.guards ?? [];
  const refusals = explanation.refusals ?? [];
  return (
    <ol class="chain">
      {explanation.triggers.map((reasons) => (
        <>
          <Reason key={`${reasons.name} seen`} n={(n += 1)} title="What was seen">
            <Seen proof={reasons.proof} />
          </Reason>
          <Reason key={`${reasons.name} rule`} n={(n += 1)} title={`What the rule says: ${reasons.name} is ${reasons.verdict}`}>
            <p>
              <code>{reasons.when}</code>
              {judged(reasons)}
            </p>
            <p class={reasons.verdict === 'true' ? 'sum bad-text' : 'sum'}>{reasons.why}</p>
          </Reason>
          <Reason key={`${reasons.name} meaning`} n={(n += 1)} title={`What it means: ${reasons.severity}, ${reasons.response}`}>
            <p class="quiet">{meaning(reasons)}</p>
          </Reason>
        </>
      ))}
      {guards.length > 0 && (
        <Reason n={(n += 1)} title={guards.every((guard) => guard.passed) ? 'Was it allowed? Every guard passed' : 'Was it allowed? Not by itself'}>
          <Guards guards={guards} />
        </Reason>
      )}
      {guards.length === 0 && refusals.length > 0 && (
        <Reason n={(n += 1)} title="Why it did not act">
          <ul>
            {refusals.map((refusal) => (
              <li key={refusal.at + refusal.guard}>
                {refusal.letter && <strong>({refusal.letter}) </strong>}
                {refusal.text}
              </li>
            ))}
          </ul>
        </Reason>
      )}
      {(explanation.ladder ?? []).length > 0 && (
        <Reason n={(n += 1)} title="Which playbooks, in which order">
          <Ladder ladder={explanation.ladder ?? []} />
        </Reason>
      )}
      {incident && (
        <Reason n={(n += 1)} title="What came of it">
          <Outcome incident={incident} explanation={explanation} />
        </Reason>
      )}
    </ol>
  );
}
