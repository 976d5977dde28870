// The small parts every view is made of.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Tone } from './format';
import { store, useStore } from './store';

type Children = { children?: ComponentChildren };

export function Chip({ tone = 'quiet', children, title }: Children & { tone?: Tone; title?: string }) {
  return (
    <span class={`chip ${tone}`} title={title}>
      {children}
    </span>
  );
}

export function Card({ title, aside, children, tone, id, level = 2 }: Children & { title?: ComponentChildren; aside?: ComponentChildren; tone?: Tone; id?: string; level?: 2 | 3 }) {
  const name = useId();
  const Heading = `h${level}` as 'h2';
  return (
    <section class={`card ${tone ?? ''}`} id={id} aria-labelledby={title ? name : undefined} tabIndex={id ? -1 : undefined}>
      {title && (
        <header class="card-head">
          <Heading id={name}>{title}</Heading>
          {aside}
        </header>
      )}
      {children}
    </section>
  );
}

export function Link({ to, children, class: style }: Children & { to: string; class?: string }) {
  return (
    <a href={`#${to}`} class={style}>
      {children}
    </a>
  );
}

const ranks: Record<string, string[]> = { operate: ['operate', 'admin'], approve: ['approve', 'admin'] };
export const may = (role: 'operate' | 'approve'): boolean => (ranks[role] ?? []).includes(store.status?.you.role ?? '');

type Press = Children & {
  onPress: () => void;
  kind?: 'primary' | 'danger' | 'plain' | 'link';
  needs?: 'operate' | 'approve';
  busy?: boolean;
  disabled?: boolean;
  keys?: string;
  label?: string;
};

/** Does nothing while what is shown may be out of date, or for who has not the role; and says so. */
export function Button({ onPress, kind = 'plain', needs, busy, disabled, keys, label, children }: Press) {
  const { link } = useStore();
  const forbidden = needs !== undefined && !may(needs);
  const stale = needs !== undefined && link === 'lost';
  const why = forbidden ? `needs the role ${needs}` : stale ? 'not while the connection is lost' : undefined;
  return (
    <button type="button" class={`button ${kind}`} title={why} aria-label={label} aria-keyshortcuts={keys}
      aria-busy={busy} disabled={disabled || busy || forbidden || stale} onClick={onPress}>
      {children}
      {keys && <kbd aria-hidden="true">{keys}</kbd>}
    </button>
  );
}

export function Field({ label, hint, children }: { label: string; hint?: string; children: (id: string) => JSX.Element }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(id)}
      {hint && <p class="quiet small">{hint}</p>}
    </div>
  );
}

/** A question with its consequences. Escape and the first button leave everything as it is. */
export function Dialog({ title, onClose, children, actions }: Children & { title: string; onClose: () => void; actions?: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const name = useId();
  useEffect(() => {
    const element = dialog.current;
    const before = document.activeElement;
    element?.showModal();
    return () => {
      element?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={name} onCancel={(event) => { event.preventDefault(); onClose(); }}>
      <div class="dialog">
        <h2 id={name}>{title}</h2>
        {children}
        <div class="actions">
          <button type="button" class="button plain" onClick={onClose}>
            {actions ? 'Not now' : 'Close'}
          </button>
          {actions}
        </div>
      </div>
    </dialog>
  );
}

export function Problem({ text }: { text: string }) {
  return text ? (
    <p class="problem" role="alert">
      {text}
    </p>
  ) : null;
}

export const message_of = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.name === 'TimeoutError' || error instanceof TypeError
    ? 'No answer: look at what is shown once the connection is back before you try again.'
    : error.message;
};

/** A call that changes something: pressed once, its refusal shown where it was asked for. */
export function useCall(): { busy: boolean; problem: string; call: (work: () => Promise<void>) => void } {
  const [busy, set_busy] = useState(false);
  const [problem, set_problem] = useState('');
  const here = useRef(true);
  useEffect(() => () => void (here.current = false), []);
  const call = (work: () => Promise<void>): void => {
    set_busy(true);
    set_problem('');
    work()
      .catch((error: unknown) => here.current && set_problem(message_of(error)))
      .finally(() => here.current && set_busy(false));
  };
  return { busy, problem, call };
}

export function CopyButton({ text, label }: { text: () => Promise<string> | string; label: string }) {
  const [said, say] = useState('');
  const copy = async (): Promise<void> => {
    try {
      await copy_text(await text());
      say('copied');
    } catch (error) {
      say(message_of(error));
    }
  };
  return (
    <>
      <button type="button" class="button plain" onClick={() => void copy()}>
        {label}
      </button>
      <span role="status" class="quiet small">
        {said}
      </span>
    </>
  );
}

/** The clipboard's own interface is for secure origins alone; plain HTTP on a private address is none. */
async function copy_text(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'offscreen';
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (!done) throw new Error('the browser does not let this page copy');
}

export function Command({ text }: { text: string }) {
  return <code class="command">{text}</code>;
}
