// What the page knows, how old that is, and the one loop that keeps it fresh.
import { useEffect, useReducer, useRef, useState } from 'preact/hooks';
import { all, follow, get, has_token, Refused, set_token } from './api';
import type { JournalEvent, Service, Silence, Status } from './types';

const refresh_ms = 5000;
const again_ms = 1000;
const gather_ms = 120; // records come in bursts: one look for all of them
const events_kept = 200;
const events_before = 60; // of the time before the page was opened

export type Link = 'connecting' | 'live' | 'lost';

export interface Store {
  status: Status | null;
  services: Service[];
  silences: Silence[];
  events: JournalEvent[];
  link: Link;
  heard_at: number; // of the last whole answer, by this machine's clock
  ahead_ms: number; // this machine's clock before the daemon's
  problem: string;
  login: string | null; // why a token is asked for; null: it is not
  tick: number; // grows whenever something may have changed
}

export const store: Store = {
  status: null,
  services: [],
  silences: [],
  events: [],
  link: 'connecting',
  heard_at: 0,
  ahead_ms: 0,
  problem: '',
  login: null,
  tick: 0,
};

const listeners = new Set<() => void>();
let stream: AbortController | null = null;
let last_event = -1;
let refreshing = false;
let again = false;
let gathering: ReturnType<typeof setTimeout> | undefined;

function changed(part: Partial<Store>): void {
  Object.assign(store, part);
  for (const listener of [...listeners]) listener();
}

export function useStore(): Store {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    const listener = (): void => redraw(0);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return store;
}

/** Redraws every second: for "12 s ago" and what is elapsed. */
export function useClock(): number {
  const [now, set] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => set(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now - store.ahead_ms;
}

export interface Loaded<T> {
  value: T | null;
  problem: string;
}

/** What `load` answers for `key`, looked at again whenever something may have changed. */
export function useLoaded<T>(key: string, load: () => Promise<T>): Loaded<T> {
  const { tick } = useStore();
  const [state, set] = useState<Loaded<T> & { key: string }>({ key, value: null, problem: '' });
  const current = useRef(key);
  current.current = key;
  useEffect(() => {
    let gone = false;
    const fresh = (part: Loaded<T>): void => {
      if (!gone && current.current === key) set({ key, ...part });
    };
    load().then(
      (value) => fresh({ value, problem: '' }),
      (error: unknown) => {
        // Without a connection what was seen last stays, and the page says how old it is.
        if (error instanceof Refused) fresh({ value: null, problem: error.message });
      },
    );
    return () => void (gone = true);
  }, [key, tick]);
  return state.key === key ? state : { value: null, problem: '' };
}

async function refresh(): Promise<void> {
  if (refreshing) {
    again = true;
    return;
  }
  refreshing = true;
  try {
    const [status, services, silences] = await Promise.all([
      get<Status>('/v1/status'),
      all<Service>('/v1/services'),
      all<Silence>('/v1/silences'),
    ]);
    if (last_event < 0) last_event = Math.max(0, status.journal.seq - events_before);
    const now = Date.now();
    changed({
      status,
      services,
      silences,
      heard_at: now,
      ahead_ms: now - Date.parse(status.now),
      problem: '',
      login: null,
      link: stream ? store.link : 'connecting',
      tick: store.tick + 1,
    });
    if (!stream) void listen();
  } catch (error) {
    refused(error);
  }
  refreshing = false;
  if (again) {
    again = false;
    void refresh();
  }
}

function refused(error: unknown): void {
  if (error instanceof Refused && (error.status === 401 || error.status === 403)) {
    stream?.abort();
    const why = has_token() || error.status === 403 ? error.message : '';
    if (error.status === 401) set_token('');
    // What was allowed before may be no more, and old sections would look like peace.
    changed({ login: why, status: null, services: [], silences: [], events: [], link: 'connecting' });
    return;
  }
  changed({ link: 'lost', problem: error instanceof Refused ? error.message : 'the daemon does not answer' });
}

async function listen(): Promise<void> {
  const mine = new AbortController();
  stream = mine;
  try {
    await follow(last_event, () => changed({ link: 'live' }), take, mine.signal);
  } catch {
    // said below; tried again with the next look
  }
  stream = null;
  if (store.login !== null) return;
  changed({ link: 'lost', problem: store.problem || 'the connection was lost' });
  setTimeout(() => void refresh(), again_ms);
}

function take(event: JournalEvent): void {
  last_event = event.seq;
  store.events = [event, ...store.events].slice(0, events_kept);
  gathering ??= setTimeout(() => {
    gathering = undefined;
    void refresh();
  }, gather_ms);
}

export const look_again = (): Promise<void> => refresh();

export function sign_in(token: string): void {
  set_token(token);
  void refresh();
}

export function sign_out(): void {
  set_token('');
  stream?.abort();
  changed({ login: '', status: null, services: [], silences: [], events: [] });
}

export function start(): void {
  void refresh();
  setInterval(() => {
    if (store.login === null) void refresh();
  }, refresh_ms);
  // A phone that was in a pocket looks at once, not at the next turn.
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && store.login === null) void refresh();
  });
}
