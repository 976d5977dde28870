// What a trigger's call amounts to over time, computed from samples as the daemon does (docs/conditions.md):
// the plot shows what is judged, beside its threshold.
import { seconds_of } from './format';
import type { Reading, Sample } from './types';

export interface Series {
  title: string;
  unit: 'share' | 'seconds' | 'count' | 'plain';
  times: number[]; // seconds
  values: (number | null)[];
  threshold: number | null;
  comparison: string;
  stepped: boolean;
  failed: number[]; // times of failures
}

const time_of = (sample: Sample): number => Date.parse(sample.at) / 1000;

/** Success, failure and neutral of one sample of either kind. */
function counts_of(sample: Sample): [number, number, number] {
  const { value } = sample;
  if (value === 'ok') return [1, 0, 0];
  if (value === 'failed') return [0, 1, 0];
  if (value !== null && typeof value === 'object') return [value.success, value.failure, value.neutral];
  return [0, 0, 0];
}

const measure_of = (sample: Sample): number | null =>
  typeof sample.value === 'number' ? sample.value : sample.value === 'ok' || sample.value === 'failed' ? (sample.latency_seconds ?? null) : null;

function quantile(values: number[], share: number): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}

const mean = (values: number[]): number | null => (values.length ? values.reduce((a, b) => a + b, 0) / values.length : null);

type Fold = (window: Sample[], seconds: number) => number | null;
const sum = (window: Sample[], which: 0 | 1 | 2): number => window.reduce((total, sample) => total + counts_of(sample)[which], 0);
const measures = (window: Sample[]): number[] => window.map(measure_of).filter((value) => value !== null);

const folds: Record<string, [Fold, Series['unit']]> = {
  failure_ratio: [(window) => { const [s, f, n] = [sum(window, 0), sum(window, 1), sum(window, 2)]; return s + f + n ? f / (s + f + n) : null; }, 'share'],
  failures: [(window) => sum(window, 1), 'count'],
  count: [(window) => sum(window, 0) + sum(window, 1) + sum(window, 2), 'count'],
  rate: [(window, seconds) => (sum(window, 0) + sum(window, 1) + sum(window, 2)) / seconds, 'plain'],
  min: [(window) => { const all = measures(window); return all.length ? Math.min(...all) : null; }, 'plain'],
  max: [(window) => { const all = measures(window); return all.length ? Math.max(...all) : null; }, 'plain'],
  avg: [(window) => mean(measures(window)), 'plain'],
  p50: [(window) => quantile(measures(window), 0.5), 'plain'],
  p95: [(window) => quantile(measures(window), 0.95), 'plain'],
  p99: [(window) => quantile(measures(window), 0.99), 'plain'],
  delta: [(window) => { const all = measures(window); return all.length > 1 ? (all.at(-1) ?? 0) - (all[0] ?? 0) : null; }, 'plain'],
};

/** At each sample, and at the end: what leaves the window changes the value too. */
function rolling(samples: Sample[], times: number[], seconds: number, fold: Fold): (number | null)[] {
  let from = 0;
  return times.map((time, at) => {
    while (from < samples.length && times[from]! <= time - seconds) from += 1;
    return fold(samples.slice(from, at + 1), seconds);
  });
}

/** What lasts until the next sample lasts until now. */
const lasting = (values: (number | null)[]): (number | null)[] => [...values, values.at(-1) ?? null];

function streaks(samples: Sample[]): number[] {
  let streak = 0;
  return samples.map((sample) => {
    const [success, failure] = counts_of(sample);
    if (success > 0) streak = 0;
    else streak += failure;
    return streak;
  });
}

function plain(kind: string, samples: Sample[], times: number[]): Pick<Series, 'title' | 'unit' | 'values'> {
  if (kind === 'state') return { title: 'latency', unit: 'seconds', values: lasting(samples.map(measure_of)) };
  if (kind === 'outcomes') return { title: 'failure ratio over 1m', unit: 'share', values: rolling(samples, times, 60, folds['failure_ratio']![0]) };
  return { title: 'value', unit: 'plain', values: lasting(samples.map(measure_of)) };
}

/** One series for each thing triggers ask of the signal; without any, the signal itself. */
export function series_of(kind: string, samples: Sample[], readings: Reading[], now: number): Series[] {
  const times = [...samples.map(time_of), now];
  const base = {
    times,
    failed: samples.filter((sample) => counts_of(sample)[1] > 0 || sample.value === 'failed').map(time_of),
    threshold: null,
    comparison: '',
    stepped: false,
  };
  const out: Series[] = [];
  for (const reading of readings) {
    const fold = folds[reading.function];
    const rest = { threshold: reading.threshold, comparison: reading.comparison };
    if (reading.function === 'consecutive_failures') {
      out.push({ ...base, ...rest, title: 'failures in a row', unit: 'count', values: lasting(streaks(samples)), stepped: true });
    } else if (fold && reading.window) {
      const unit = kind === 'state' && fold[1] === 'plain' && reading.function !== 'rate' ? 'seconds' : fold[1];
      const values = rolling(samples, times, seconds_of(reading.window), fold[0]);
      out.push({ ...base, ...rest, title: `${reading.function.replaceAll('_', ' ')} over ${reading.window}`, unit, values });
    } else if (reading.function === 'value' || reading.function === 'latency') {
      out.push({ ...base, ...rest, title: reading.function, unit: kind === 'state' ? 'seconds' : 'plain', values: lasting(samples.map(measure_of)) });
    }
  }
  if (out.length === 0 && kind !== 'text') out.push({ ...base, ...plain(kind, samples, times) });
  const seen = new Set<string>();
  return out.filter((one) => {
    const key = `${one.title} ${one.comparison} ${one.threshold}`;
    return !seen.has(key) && seen.add(key);
  });
}
