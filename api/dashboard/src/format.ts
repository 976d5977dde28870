// Times, durations and values in words.
import type { Incident, IncidentState, SampleValue } from './types';

export function span(seconds: number): string {
  const s = Math.max(0, seconds);
  if (s < 90) return `${Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 129600) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86400)} d`;
}

/** "2:07", for what runs now. */
export function clock_span(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(s / 60);
  const rest = String(s % 60).padStart(2, '0');
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${rest}`;
}

export const ago = (time: string | null, now: number): string =>
  time ? `${span((now - Date.parse(time)) / 1000)} ago` : 'never';

export function clock(time: string | number): string {
  return new Date(time).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
}

export function moment(time: string): string {
  const date = new Date(time);
  const today = new Date().toDateString() === date.toDateString();
  return today ? clock(time) : `${date.toLocaleDateString(undefined, { day: 'numeric', month: 'short' })} ${clock(time)}`;
}

const units: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86400, w: 604800 };

/** "1h30m" → 5400. */
export function seconds_of(duration: string | null): number {
  let total = 0;
  for (const [, number, unit] of (duration ?? '').matchAll(/([\d.]+)(ms|[smhdw])/g)) {
    total += Number(number) * (units[unit ?? ''] ?? 0);
  }
  return total;
}

export function number(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || size < 1e-3)) return value.toPrecision(3);
  return String(Number(value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 3)));
}

export const percent = (share: number): string => `${number(share * 100)} %`;

export function value_text(value: SampleValue): string {
  if (value === null) return '–';
  if (typeof value === 'number') return number(value);
  if (typeof value === 'string') return value;
  return `${value.failure} failed, ${value.success} ok`;
}

/** A commit's name in full fills a phone; what is short stays as it is. */
export const short = (version: string | null): string =>
  version === null ? 'not recorded' : /^[0-9a-f]{20,64}$/.test(version) ? version.slice(0, 10) : version;

export type Tone = 'good' | 'bad' | 'warn' | 'info' | 'quiet';

export const state_words: Record<IncidentState, [string, Tone]> = {
  open: ['open', 'warn'],
  waiting: ['waits for you', 'bad'],
  acting: ['acting', 'info'],
  verifying: ['verifying', 'info'],
  unverified: ['not verified', 'warn'],
  resolved: ['resolved', 'good'],
  frozen: ['frozen', 'bad'],
};

const step_tones: Record<string, Tone> = {
  done: 'good',
  succeeded: 'good',
  failed: 'bad',
  unknown: 'warn',
  running: 'info',
  waiting: 'warn',
  aborted: 'bad',
  interrupted: 'bad',
};
export const tone_of = (state: string): Tone => step_tones[state] ?? 'quiet';
/** "shop: payments", the arithmetic of the worst trigger, and since which version. */
export function broken(incident: Incident): { title: string; why: string } {
  const worst = [...incident.triggers].sort((a, b) => a.severity.localeCompare(b.severity))[0];
  const said = incident.summary.replace(/^P\d \S+: /, '');
  if (!worst) return { title: `${incident.service}: ${said}`, why: '' };
  const names = incident.triggers.length > 1 ? `${worst.name} and ${incident.triggers.length - 1} more` : worst.name;
  const since = incident.blamed ? `; since version ${short(incident.blamed)}` : '';
  return { title: `${incident.service}: ${names}`, why: worst.why + since };
}

/** What a person must do, without the command: here a button does it. */
export const must_text = (incident: Incident): string =>
  incident.asks.for === 'nothing' ? incident.must : incident.must.replace(/(, then)?:? rollbackctl .*$/, '');

export const words = (name: string): string => name.replaceAll('_', ' ');
