// The first page: is something wrong, what is to be decided, and how every service stands.
import { ago, broken, short, state_words, value_text } from './format';
import { useClock, useStore } from './store';
import type { Incident, Service, Signal, Status, Trigger } from './types';
import { Card, Chip, Link } from './ui';

export const asks_somebody = (incident: Incident): boolean => incident.asks.for !== 'nothing' || incident.state === 'frozen' || incident.state === 'unverified';

const rank = (incident: Incident): number => (asks_somebody(incident) ? 0 : 10) + Number(incident.severity.slice(1));
export const in_order = (incidents: Incident[]): Incident[] => [...incidents].sort((a, b) => rank(a) - rank(b));

/** One sentence for who has just woken up. */
export function headline(status: Status, services: Service[]): [string, string] {
  const open = status.open_incidents;
  const asked = open.filter(asks_somebody).length;
  if (asked > 0) return [asked === 1 ? 'One incident waits for you' : `${asked} incidents wait for you`, 'bad'];
  const acting = open.filter((incident) => incident.state === 'acting' || incident.state === 'verifying').length;
  if (acting > 0) return ['rollbackd is at work; nothing for you to do yet', 'info'];
  if (open.length > 0) return [open.length === 1 ? 'One incident is open' : `${open.length} incidents are open`, 'warn'];
  const firing = services.flatMap((service) => service.triggers).filter((trigger) => trigger.verdict === 'true').length;
  if (firing > 0) return ['Something begins to go wrong', 'warn'];
  return ['All is well', 'good'];
}

function IncidentCard({ incident }: { incident: Incident }) {
  const now = useClock();
  const [word, tone] = state_words[incident.state];
  const { title, why } = broken(incident);
  return (
    <article class={`card incident ${asks_somebody(incident) ? 'bad' : tone}`} aria-labelledby={`card-${incident.id}`}>
      <header class="card-head">
        <h3 id={`card-${incident.id}`}>
          <Link to={`/incidents/${incident.id}`} class="cover">
            {title}
          </Link>
        </h3>
        <span class="chips">
          <Chip tone={incident.severity === 'P0' ? 'bad' : 'warn'}>{incident.severity}</Chip>
          <Chip tone={tone}>{word}</Chip>
        </span>
      </header>
      {why && <p class="broken">{why}</p>}
      <p>{incident.did}</p>
      <p class="card-foot">
        <span class="quiet small">
          {incident.id}, opened {ago(incident.opened_at, now)}
          {incident.acked_by ? ` · ${incident.acked_by} looks at it` : ''}
        </span>
        {asks_somebody(incident) && <span class="button primary" aria-hidden="true">Look and decide →</span>}
      </p>
    </article>
  );
}

const trigger_tone = (trigger: Trigger) => (trigger.verdict === 'true' ? 'bad' : trigger.verdict === 'unknown' ? 'quiet' : 'good');

function health(service: Service): [string, 'good' | 'bad' | 'warn' | 'quiet'] {
  if (service.frozen_by) return ['frozen', 'bad'];
  if (service.triggers.some((trigger) => trigger.verdict === 'true')) return ['failing', 'bad'];
  if (service.paused) return ['paused', 'warn'];
  if (service.open_incidents.length > 0) return ['incident open', 'warn'];
  if (service.signals.some((signal) => signal.stale && signal.last_at !== null)) return ['stale data', 'warn'];
  if (service.triggers.length > 0 && service.triggers.every((trigger) => trigger.verdict === 'unknown')) return ['no data yet', 'quiet'];
  return ['healthy', 'good'];
}

export function HealthChip({ service }: { service: Service }) {
  const [word, tone] = health(service);
  return <Chip tone={tone}>{word}</Chip>;
}

function signal_tone(service: Service, signal: Signal): string {
  if (signal.stale) return 'quiet';
  const breached = service.triggers.some((trigger) => trigger.verdict === 'true' && trigger.reads.some((reading) => reading.signal === signal.name));
  return breached || signal.state === 'failed' || signal.last_value === 'failed' ? 'bad' : 'good';
}

function ServiceCard({ service }: { service: Service }) {
  const now = useClock();
  return (
    <article class="card service" aria-labelledby={`service-${service.name}`}>
      <header class="card-head">
        <h3 id={`service-${service.name}`}>
          <Link to={`/services/${encodeURIComponent(service.name)}`} class="cover">
            {service.name}
          </Link>
        </h3>
        <HealthChip service={service} />
      </header>
      <p class="small">
        {service.current ? <>Version <code>{short(service.current)}</code></> : <span class="quiet">No deployment recorded</span>}
        {service.watching && <span class="quiet"> · watched since {ago(service.watching.started_at, now)}</span>}
      </p>
      <ul class="signals">
        {service.signals.map((signal) => (
          <li key={signal.name}>
            <span class={`dot ${signal_tone(service, signal)}`} aria-hidden="true" />
            <span>{signal.name}</span>
            <span class="value">{signal.stale ? 'stale' : value_text(signal.last_value)}</span>
          </li>
        ))}
      </ul>
      {service.triggers.filter((trigger) => trigger.verdict === 'true').map((trigger) => (
        <p key={trigger.name} class="bad-text small">
          {trigger.name}: {trigger.why}
        </p>
      ))}
    </article>
  );
}

export function TriggerVerdict({ trigger }: { trigger: Trigger }) {
  return <Chip tone={trigger_tone(trigger)}>{trigger.verdict}</Chip>;
}

export function Overview() {
  const { status, services } = useStore();
  if (!status) return null;
  const [sentence, tone] = headline(status, services);
  const open = in_order(status.open_incidents);
  return (
    <>
      <div class={`headline ${tone}`}>
        <h1>{sentence}</h1>
        <p class="quiet">
          {services.length === 1 ? 'One service is' : `${services.length} services are`} watched, autonomy {status.autonomy}
          {status.messages_queued > 0 ? `, messages on their way: ${status.messages_queued}` : ''}.
        </p>
      </div>
      {open.length > 0 && (
        <section aria-labelledby="open-incidents">
          <h2 id="open-incidents">Open incidents</h2>
          <div class="stack">
            {open.map((incident) => (
              <IncidentCard key={incident.id} incident={incident} />
            ))}
          </div>
        </section>
      )}
      <section aria-labelledby="services">
        <h2 id="services">Services</h2>
        <div class="cards">
          {services.map((service) => (
            <ServiceCard key={service.name} service={service} />
          ))}
        </div>
        {services.length === 0 && <Card>No service is configured yet.</Card>}
      </section>
    </>
  );
}
