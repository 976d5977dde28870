// A signal over time, with the threshold its trigger has and marks of what happened.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { number, percent } from './format';
import type { Series } from './series';

export interface Mark {
  at: number; // seconds
  text: string;
  kind: 'deployment' | 'incident';
  until?: number;
}

const plot_height = 132;
const label_room = 84;
const seconds_from = 600; // a shorter time has seconds on its axis
const points_max = 400; // more than a phone has pixels for

export function shown(value: number, unit: Series['unit']): string {
  if (unit === 'share') return percent(value);
  if (unit === 'seconds') return value < 1 ? `${number(value * 1000)} ms` : `${number(value)} s`;
  return number(value);
}

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function line(u: uPlot, from: [number, number], to: [number, number], stroke: string, dash: number[]): void {
  const { ctx } = u;
  ctx.save();
  ctx.strokeStyle = stroke;
  ctx.lineWidth = devicePixelRatio * 1.5;
  ctx.setLineDash(dash.map((length) => length * devicePixelRatio));
  ctx.beginPath();
  ctx.moveTo(...from);
  ctx.lineTo(...to);
  ctx.stroke();
  ctx.restore();
}

function label(u: uPlot, text: string, x: number, y: number, fill: string, align: CanvasTextAlign): void {
  const { ctx } = u;
  ctx.save();
  ctx.fillStyle = fill;
  ctx.font = `600 ${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = align;
  ctx.textBaseline = 'bottom';
  ctx.fillText(text, x, y);
  ctx.restore();
}

function draw_marks(u: uPlot, marks: Mark[]): void {
  const { left, top, width, height } = u.bbox;
  let free = Infinity; // newest first: the label nearest to now is the one to read
  for (const mark of [...marks].sort((a, b) => b.at - a.at)) {
    const x = u.valToPos(mark.at, 'x', true);
    const until = mark.until === undefined ? x : u.valToPos(mark.until, 'x', true);
    if (until < left || x > left + width) continue;
    if (mark.kind === 'incident') {
      u.ctx.save();
      u.ctx.fillStyle = colour('--band');
      u.ctx.fillRect(Math.max(x, left), top, Math.max(2, Math.min(until, left + width) - Math.max(x, left)), height);
      u.ctx.restore();
    } else {
      line(u, [x, top], [x, top + height], colour('--accent'), [2, 3]);
      const right = x > left + width - label_room * devicePixelRatio;
      const end = right ? x : x + label_room * devicePixelRatio;
      if (end <= free) {
        label(u, mark.text, right ? x - 4 : x + 4, top + 13 * devicePixelRatio, colour('--accent'), right ? 'right' : 'left');
        free = right ? x - label_room * devicePixelRatio : x;
      }
    }
  }
}

function draw_threshold(u: uPlot, series: Series): void {
  if (series.threshold === null) return;
  const { left, top, width, height } = u.bbox;
  const y = u.valToPos(series.threshold, 'y', true);
  if (y < top || y > top + height) return;
  line(u, [left, y], [left + width, y], colour('--bad'), [6, 4]);
  const under = y < top + 16 * devicePixelRatio;
  label(u, `${series.comparison} ${shown(series.threshold, series.unit)}`, left + 4, under ? y + 14 * devicePixelRatio : y - 2, colour('--bad'), 'left');
}

function draw_failures(u: uPlot, failed: number[]): void {
  const { left, top, width, height } = u.bbox;
  u.ctx.save();
  u.ctx.fillStyle = colour('--bad');
  for (const at of failed) {
    const x = u.valToPos(at, 'x', true);
    if (x >= left && x <= left + width) u.ctx.fillRect(x - devicePixelRatio, top + height - 4 * devicePixelRatio, 2 * devicePixelRatio, 4 * devicePixelRatio);
  }
  u.ctx.restore();
}

/** The worst of each stretch stays: a peak must not vanish between two pixels. */
function thinned(series: Series): [number[], (number | null)[]] {
  const every = Math.ceil(series.times.length / points_max);
  if (every <= 1) return [series.times, series.values];
  const low = series.comparison.startsWith('<');
  const times: number[] = [];
  const values: (number | null)[] = [];
  for (let at = 0; at < series.times.length; at += every) {
    let worst = at;
    for (let other = at; other < Math.min(at + every, series.times.length); other += 1) {
      const [a, b] = [series.values[other] ?? null, series.values[worst] ?? null];
      if (a !== null && (b === null || (low ? a < b : a > b))) worst = other;
    }
    times.push(series.times[worst]!);
    values.push(series.values[worst] ?? null);
  }
  return [times, values];
}

function options(series: Series, marks: Mark[], range: [number, number], width: number): uPlot.Options {
  const axis = (): string => colour('--quiet');
  const grid = { stroke: () => colour('--line'), width: 1 };
  const highest = Math.max(series.threshold ?? 0, ...series.values.map((value) => value ?? 0), 0);
  const lowest = Math.min(series.threshold ?? 0, ...series.values.map((value) => value ?? 0), 0);
  const room = (highest - lowest || 1) * 0.15;
  return {
    width,
    height: plot_height,
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    padding: [6, 24, 0, 0],
    scales: { x: { time: true, range: () => range }, y: { range: () => [lowest < 0 ? lowest - room : 0, highest + room] } },
    axes: [
      { stroke: axis, grid: { show: false }, ticks: { show: false }, size: 26, font: '11px system-ui', values: (_u, ticks) => ticks.map((at) => new Date(at * 1000).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', hour12: false, ...(range[1] - range[0] < seconds_from ? { second: '2-digit' } : {}) })), space: 72 },
      { stroke: axis, grid, ticks: { show: false }, size: 58, font: '11px system-ui', space: 34, values: (_u, ticks) => ticks.map((value) => (series.unit === 'count' && !Number.isInteger(value) ? '' : shown(value, series.unit))) },
    ],
    series: [{}, { stroke: () => colour('--plot'), fill: () => colour('--plot-fill'), width: 1.5, points: { show: series.times.length < 3 }, spanGaps: true, ...(series.stepped && uPlot.paths.stepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}) }],
    hooks: {
      drawClear: [(u) => draw_marks(u, marks.filter((mark) => mark.kind === 'incident'))],
      draw: [(u) => { draw_marks(u, marks.filter((mark) => mark.kind === 'deployment')); draw_failures(u, series.failed); draw_threshold(u, series); }],
    },
  };
}

/** For who cannot see it: what the plot comes to. */
function in_words(name: string, series: Series): string {
  const last = series.values.findLast((value) => value !== null);
  const now = last === undefined || last === null ? 'no value yet' : `now ${shown(last, series.unit)}`;
  const limit = series.threshold === null ? '' : `, threshold ${series.comparison} ${shown(series.threshold, series.unit)}`;
  return `${name}, ${series.title}: ${now}${limit}; ${series.failed.length} failures among ${series.times.length - 1} samples`;
}

export function Plot({ name, series, marks, range }: { name: string; series: Series; marks: Mark[]; range: [number, number] }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const plot = new uPlot(options(series, marks, range, element.clientWidth), thinned(series) as uPlot.AlignedData, element);
    const resized = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: plot_height }));
    resized.observe(element);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const redraw = (): void => plot.redraw(false);
    dark.addEventListener('change', redraw);
    return () => {
      dark.removeEventListener('change', redraw);
      resized.disconnect();
      plot.destroy();
    };
  });
  const last = series.values.findLast((value) => value !== null);
  const over = typeof last === 'number' && series.threshold !== null && passes(last, series.comparison, series.threshold);
  return (
    <figure class="plot">
      <figcaption>
        <span>{series.title}</span>
        <strong class={over ? 'bad-text' : ''}>{typeof last === 'number' ? shown(last, series.unit) : '–'}</strong>
      </figcaption>
      <div ref={place} class="canvas" role="img" aria-label={in_words(name, series)} />
    </figure>
  );
}

function passes(value: number, comparison: string, threshold: number): boolean {
  if (comparison === '>') return value > threshold;
  if (comparison === '>=') return value >= threshold;
  if (comparison === '<') return value < threshold;
  if (comparison === '<=') return value <= threshold;
  return comparison === '==' && value === threshold;
}
