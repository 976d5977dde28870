// Calls to the daemon. The token goes into a header that only this page's own code can set, so no other
// site, and no other port of this host, can make a browser use it (docs/dashboard.md, Login).
import type { JournalEvent, List } from './types';

const token_key = 'rollbackd-token';
const answer_ms_max = 10_000;
const silence_ms_max = 20_000; // the daemon is heard at least every 15 s

let token = sessionStorage.getItem(token_key) ?? '';

export class Refused extends Error {
  constructor(
    public status: number,
    message: string,
  ) {
    super(message);
  }
}

export const has_token = (): boolean => token !== '';

/** Kept for this tab until it is closed: a reload at three in the morning asks for nothing. */
export function set_token(given: string): void {
  token = given;
  if (given) sessionStorage.setItem(token_key, given);
  else sessionStorage.removeItem(token_key);
}

function headers(more: Record<string, string> = {}): Record<string, string> {
  return token ? { Authorization: `Bearer ${token}`, ...more } : more;
}

async function refusal_of(answer: Response): Promise<Refused> {
  let why = `${answer.status} ${answer.statusText}`;
  try {
    const problem = (await answer.json()) as { detail?: string; errors?: { detail: string; pointer: string }[] };
    why = problem.detail || why;
    const mistakes = (problem.errors ?? []).map((one) => `${one.pointer.replace(/^\//, '')} ${one.detail}`.trim());
    if (mistakes.length > 0 && !mistakes.some((text) => why.includes(text))) why += `: ${mistakes.join('; ')}`;
  } catch {
    // not a problem document: the status says what there is to say
  }
  return new Refused(answer.status, why);
}

async function call(method: string, path: string, body?: unknown, more: Record<string, string> = {}): Promise<Response> {
  const sent: Record<string, string> = { ...more };
  if (body !== undefined) sent['Content-Type'] = 'application/json';
  const answer = await fetch(path, {
    method,
    headers: headers(sent),
    cache: 'no-store',
    credentials: 'omit',
    signal: AbortSignal.timeout(method === 'GET' ? answer_ms_max : 3 * answer_ms_max),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw await refusal_of(answer);
  return answer;
}

export async function get<T>(path: string): Promise<T> {
  return (await call('GET', path)).json() as Promise<T>;
}

export async function get_text(path: string): Promise<string> {
  return (await call('GET', path, undefined, { Accept: 'text/markdown' })).text();
}

export async function all<T>(path: string): Promise<T[]> {
  const items: T[] = [];
  const join = path.includes('?') ? '&' : '?';
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: List<T> = await get(`${path}${join}limit=500${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
    items.push(...page.items);
    cursor = page.next;
  }
  return items;
}

function new_key(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** One press is one decision, however often the network makes us send it. */
export async function post<T>(path: string, body: unknown = {}): Promise<T> {
  return (await call('POST', path, body, { 'Idempotency-Key': new_key() })).json() as Promise<T>;
}

export async function remove(path: string): Promise<void> {
  await call('DELETE', path, undefined, { 'Idempotency-Key': new_key() });
}

export const at = (...parts: (string | number)[]): string => `/v1/${parts.map((part) => encodeURIComponent(part)).join('/')}`;

function event_of(block: string): JournalEvent | null {
  let data = '';
  for (const line of block.split('\n')) if (line.startsWith('data: ')) data += line.slice(6);
  return data ? (JSON.parse(data) as JournalEvent) : null;
}

/**
 * Follows the journal from behind `last` until the stream ends, which it answers by returning or
 * throwing. EventSource cannot carry a token, so the stream is read by hand.
 */
export async function follow(last: number, opened: () => void, take: (event: JournalEvent) => void, stop: AbortSignal): Promise<void> {
  const quiet = new AbortController();
  const give_up = (): void => quiet.abort(new Error('nothing was heard'));
  let timer = setTimeout(give_up, silence_ms_max);
  stop.addEventListener('abort', give_up, { once: true });
  try {
    const answer = await fetch('/v1/events', {
      headers: headers({ 'Last-Event-ID': String(last) }),
      cache: 'no-store',
      credentials: 'omit',
      signal: quiet.signal,
    });
    if (!answer.ok || !answer.body) throw await refusal_of(answer);
    opened();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ''; ; ) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(give_up, silence_ms_max);
      const blocks = (text + value).split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = event_of(block);
        if (event) take(event);
      }
    }
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', give_up);
  }
}
