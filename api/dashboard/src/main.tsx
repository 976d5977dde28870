// The frame: who is asked for a token, what is shown, and whether it is live.
import { render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import './style.css';
import { get } from './api';
import { ago, clock, moment, span } from './format';
import { IncidentPage } from './incident';
import { headline, in_order, Overview } from './overview';
import { IncidentList, ServicePage } from './service';
import { sign_in, sign_out, start, store, useClock, useLoaded, useStore } from './store';
import { ResumeButton } from './resume';
import { PauseDialog, SilenceDialog, SilenceList } from './switches';
import type { Incident, List } from './types';
import { Button, Card, Dialog, may, Problem } from './ui';

function useRoute(): string {
  const [route, set] = useState(location.hash.slice(1) || '/');
  useEffect(() => {
    const moved = (): void => {
      set(location.hash.slice(1) || '/');
      scrollTo(0, 0);
      document.getElementById('main')?.focus({ preventScroll: true });
    };
    addEventListener('hashchange', moved);
    return () => removeEventListener('hashchange', moved);
  }, []);
  return route;
}

function Login({ why }: { why: string }) {
  const [token, set_token] = useState('');
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <main class="login" id="main">
      <h1>rollbackd</h1>
      <form onSubmit={(event) => { event.preventDefault(); sign_in(token.trim()); set_token(''); }}>
        <label for="token">Token</label>
        <input ref={field} id="token" type="password" value={token} autoComplete="off" spellcheck={false} aria-describedby="token-hint"
          onInput={(event) => set_token(event.currentTarget.value)} />
        <button type="submit" class="button primary" disabled={token.trim() === ''}>
          Sign in
        </button>
        <p class="quiet small" id="token-hint">
          Any role may look; to approve a plan it must be approve or admin. It is kept for this tab until you close it or sign out.
        </p>
        <Problem text={why} />
      </form>
    </main>
  );
}

/** Green only while it is true: the stream is open and the last answer is young. */
function LinkState() {
  const { link, heard_at } = useStore();
  const now = useClock() + store.ahead_ms;
  if (link === 'live') return <span class="live good-text"><span class="dot good" aria-hidden="true" /> live</span>;
  if (link === 'connecting') return <span class="live quiet"><span class="dot quiet" aria-hidden="true" /> connecting</span>;
  return <span class="live bad-text"><span class="dot bad" aria-hidden="true" /> {heard_at ? `${span((now - heard_at) / 1000)} old` : 'not connected'}</span>;
}

function Stale() {
  const { link, heard_at, problem } = useStore();
  if (link !== 'lost') return null;
  return (
    <div class="stale" role="alert">
      <strong>{heard_at ? `Not live. What you see is from ${clock(heard_at)}.` : 'Not connected.'}</strong> It tries again by itself: {problem}. On the machine: <code>rollbackctl status</code>
    </div>
  );
}

function Notices() {
  const { status } = useStore();
  if (!status) return null;
  return (
    <>
      {!status.journal.writable && <div class="notice bad"><span>The journal cannot be written: nothing is started until it can be. Look at the disk.</span></div>}
      {status.paused && (
        <div class="notice warn">
          <span>Everything is paused{status.paused_by ? ` by ${status.paused_by}` : ''}: no run starts.</span>
          <ResumeButton service={null} label="Resume all" />
        </div>
      )}
      {status.config_problem && <div class="notice warn"><span>The newest configuration was refused: {status.config_problem}</span></div>}
      {status.config_note && <div class="notice"><span>{status.config_note}</span></div>}
      {status.you.name === 'anonymous' && <div class="notice"><span>No token is configured: this page may only look. <code>rollbackctl token new</code> makes one.</span></div>}
      <SilenceList service={null} />
    </>
  );
}

const shortcuts: [string, string][] = [
  ['o', 'overview'],
  ['i', 'all incidents'],
  ['1 … 9', 'the first, second … open incident'],
  ['a', 'of an incident: approve, or it is done'],
  ['r', 'of an incident: reject, or not done'],
  ['?', 'this help'],
];

function Help({ on, onSwitch, onClose }: { on: boolean; onSwitch: (on: boolean) => void; onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl class="facts">
        {shortcuts.map(([key, what]) => (
          <>
            <dt><kbd>{key}</kbd></dt>
            <dd>{what}</dd>
          </>
        ))}
      </dl>
      <p class="understood">
        <input id="keys-on" type="checkbox" checked={on} onChange={(event) => onSwitch(event.currentTarget.checked)} />
        <label for="keys-on">Single keys open these. None of them decides anything.</label>
      </p>
    </Dialog>
  );
}

function useShortcuts(on: boolean, help: () => void): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable;
      if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
      if (event.key === '?') return help();
      if (!on) return;
      const nth = in_order(store.status?.open_incidents ?? [])[Number(event.key) - 1];
      if (event.key === 'o') location.hash = '/';
      else if (event.key === 'i') location.hash = '/incidents';
      else if (nth) location.hash = `/incidents/${nth.id}`;
      else document.dispatchEvent(new CustomEvent('shortcut', { detail: event.key }));
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  });
}

function Incidents() {
  const loaded = useLoaded<List<Incident>>('incidents', () => get('/v1/incidents?limit=100'));
  return (
    <>
      <h1>Incidents</h1>
      <Card>
        {loaded.value?.items.length === 0 && <p class="quiet">None so far.</p>}
        <IncidentList incidents={loaded.value?.items ?? []} />
        <Problem text={loaded.problem} />
      </Card>
    </>
  );
}

function Journal() {
  const { events } = useStore();
  const now = useClock();
  return (
    <>
      <h1>Journal</h1>
      <Card>
        <p class="quiet">As it is written, newest first.</p>
        <ol class="timeline" aria-live="off">
          {events.map((event) => (
            <li key={event.seq}>
              <time dateTime={event.at} title={ago(event.at, now)}>{moment(event.at)}</time>
              <span>
                {event.kind} <span class="quiet">{event.who}</span>
              </span>
            </li>
          ))}
        </ol>
      </Card>
    </>
  );
}

function View({ route }: { route: string }) {
  const [, kind, name] = route.split('/').map(decodeURIComponent);
  if (kind === 'incidents' && name) return <IncidentPage key={name} id={name} />;
  if (kind === 'incidents') return <Incidents />;
  if (kind === 'services' && name) return <ServicePage key={name} name={name} />;
  if (kind === 'journal') return <Journal />;
  return <Overview />;
}

function Page() {
  const { status, services, link } = useStore();
  const route = useRoute();
  const [open, set_open] = useState<'help' | 'pause' | 'silence' | null>(null);
  const [keys_on, set_keys_on] = useState(true);
  useShortcuts(keys_on, () => set_open('help'));
  const close = (): void => set_open(null);
  const sentence = status ? headline(status, services)[0] : 'connecting';
  useEffect(() => {
    const open_count = status?.open_incidents.length ?? 0;
    document.title = `${link === 'lost' ? '(not live) ' : open_count ? `(${open_count}) ` : ''}rollbackd`;
  });
  const here = (to: string) => (route === to || (to !== '/' && route.startsWith(to)) ? 'page' : undefined);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById('main')?.focus(); }}>To the content</a>
      <header class="top">
        <a class="brand" href="#/">rollbackd</a>
        <nav aria-label="Pages">
          <a href="#/" aria-current={here('/')}>Overview</a>
          <a href="#/incidents" aria-current={here('/incidents')}>Incidents</a>
          <a href="#/journal" aria-current={here('/journal')}>Journal</a>
        </nav>
        <LinkState />
      </header>
      <Stale />
      <main id="main" tabIndex={-1} class={link === 'lost' ? 'old' : ''}>
        <p class="offscreen" role="status">{sentence}</p>
        <Notices />
        {status ? <View route={route} /> : <p class="quiet">Asking the daemon …</p>}
      </main>
      {status && (
        <footer>
          <span class="quiet small">
            rollbackd {status.version} · {status.role} · you are {status.you.name} ({status.you.role})
          </span>
          <span class="actions">
            {may('operate') && !status.paused && <Button kind="link" needs="operate" onPress={() => set_open('pause')}>Pause all …</Button>}
            {may('operate') && <Button kind="link" needs="operate" onPress={() => set_open('silence')}>Silence all …</Button>}
            <Button kind="link" onPress={() => set_open('help')}>Keys</Button>
            {status.you.name !== 'anonymous' && <Button kind="link" onPress={sign_out}>Sign out</Button>}
          </span>
        </footer>
      )}
      {open === 'help' && <Help on={keys_on} onSwitch={set_keys_on} onClose={close} />}
      {open === 'pause' && <PauseDialog service={null} onClose={close} />}
      {open === 'silence' && <SilenceDialog service={null} onClose={close} />}
    </>
  );
}

function App() {
  const { login } = useStore();
  return login === null ? <Page /> : <Login why={login} />;
}

const place = document.getElementById('app');
if (place) render(<App />, place);
start();
