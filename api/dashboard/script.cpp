#include "api/dashboard/page.hpp"

namespace rollbackd::api {

namespace {

// Text from the daemon is only ever set as text, never as markup.
constexpr std::string_view page_script = R"js('use strict';
const events_max = 50;
const events_before = 20;  // of the time before the page was opened
const refresh_every = 10000;
let token = '';
let last_event = null;
let refreshing = false, again = false, link = null;

const $ = id => document.getElementById(id);
function el(tag, text, cls) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (cls) node.className = cls;
  return node;
}
const badge = (text, cls) => el('span', text, 'badge ' + cls);
const headers = extra => Object.assign(token ? { Authorization: 'Bearer ' + token } : {}, extra);

async function ask(path) {
  const answer = await fetch(path, { headers: headers(), cache: 'no-store', credentials: 'omit' });
  if (answer.ok) return answer.json();
  let why = answer.status + ' ' + answer.statusText;
  try { why = (await answer.json()).detail || why; } catch (error) { /* no problem body */ }
  const failure = new Error(why);
  failure.status = answer.status;
  throw failure;
}

function online(ok, text) {
  $('link').textContent = text;
  $('link').className = 'badge ' + (ok ? 'good' : 'bad');
}

function ago(time) {
  if (!time) return 'never';
  const s = Math.max(0, (Date.now() - Date.parse(time)) / 1000);
  if (s < 90) return Math.round(s) + ' s ago';
  if (s < 5400) return Math.round(s / 60) + ' min ago';
  if (s < 129600) return Math.round(s / 3600) + ' h ago';
  return Math.round(s / 86400) + ' d ago';
}

function value_text(value) {
  if (value === null || value === undefined) return '–';
  if (typeof value !== 'object') return String(value);
  return value.failure + ' failed, ' + value.success + ' ok';
}

function row(cells) {
  const line = el('tr');
  for (const cell of cells) {
    const field = el('td');
    field.append(cell instanceof Node ? cell : document.createTextNode(cell));
    line.append(field);
  }
  return line;
}

function show_incident(incident) {
  const card = el('article', undefined, 'card');
  const title = el('h3', incident.id + ' · ' + incident.service + ' ');
  const bad = incident.severity === 'P0' || incident.state === 'frozen';
  title.append(badge(incident.severity, bad ? 'bad' : 'warn'), ' ',
    badge(incident.state, bad ? 'bad' : 'warn'));
  card.append(title, el('p', incident.summary), el('p', incident.did),
    el('p', 'Next: ' + incident.next), el('p', 'Opened ' + ago(incident.opened_at), 'quiet'));
  if (incident.command) {
    const must = el('p', 'You: ');
    must.append(el('code', incident.command));
    card.append(must);
  }
  return card;
}

function trigger_badge(trigger) {
  if (trigger.verdict === 'true') return badge('true', 'bad');
  return trigger.verdict === 'false' ? badge('false', 'good') : badge('unknown', 'unknown');
}

function signal_badge(signal) {
  if (signal.stale) return badge('stale', 'unknown');
  if (signal.last_value === 'failed') return badge('failed', 'bad');
  return el('span', value_text(signal.last_value));
}

function show_service(service) {
  const card = el('article', undefined, 'card');
  const title = el('h3', service.name + ' ');
  title.append(badge(service.autonomy, 'unknown'));
  if (service.paused) title.append(' ', badge('paused', 'warn'));
  if (service.frozen_by) title.append(' ', badge('frozen by ' + service.frozen_by, 'bad'));
  if (service.mode !== 'normal') title.append(' ', badge(service.mode + ' is on', 'warn'));
  card.append(title);
  card.append(el('p', 'Version ' + (service.current || 'not recorded') +
    (service.target ? ', would go back to ' + service.target : '')));
  if (!service.target && service.target_why) card.append(el('p', service.target_why, 'quiet'));
  if (service.watching) {
    card.append(el('p', 'Watching the deployment of ' + service.watching.version, 'warn'));
  }
  for (const p of service.playbooks.filter((one) => one.ready === false)) {
    card.append(el('p', p.name + ' could not be run: ' + p.ready_why, 'warn'));
  }
  const signals = el('table');
  for (const s of service.signals) {
    signals.append(row([s.name, signal_badge(s), s.last_reason || ago(s.last_at)]));
  }
  const triggers = el('table');
  for (const t of service.triggers) {
    triggers.append(row([t.name, trigger_badge(t), t.why || t.when, t.response]));
  }
  card.append(signals, triggers);
  return card;
}

function fill(id, nodes, empty) {
  $(id).replaceChildren(...(nodes.length ? nodes : [el('p', empty, 'quiet')]));
}

async function all_services() {
  let items = [], cursor = '';
  do {
    const page = await ask('/v1/services?limit=200' +
      (cursor ? '&cursor=' + encodeURIComponent(cursor) : ''));
    items = items.concat(page.items);
    cursor = page.next;
  } while (cursor);
  return items;
}

async function refresh() {
  if (refreshing) { again = true; return; }
  refreshing = true;
  try {
    const [status, services] = await Promise.all([ask('/v1/status'), all_services()]);
    $('login').hidden = true;
    document.querySelector('main').hidden = false;
    $('daemon').textContent = status.version + ' · ' + status.role + ' · ' + status.autonomy +
      (status.paused ? ' · PAUSED by ' + status.paused_by : '') +
      (status.journal.writable ? '' : ' · JOURNAL NOT WRITABLE') +
      (status.config_problem ? ' · configuration: ' + status.config_problem : '');
    fill('incidents', status.open_incidents.map(show_incident), 'None.');
    fill('services', services.map(show_service), 'No service is configured.');
    if (last_event === null) last_event = Math.max(0, status.journal.seq - events_before);
    if (!link) follow();
  } catch (error) {
    if (error.status === 401 || error.status === 403) {
      $('login').hidden = false;
      // What was allowed before may be no more, and empty sections would look like peace.
      document.querySelector('main').hidden = true;
      $('daemon').textContent = '';
      $('refusal').textContent = error.message;
      online(false, 'not allowed');
    } else {
      online(false, 'not reachable');
    }
  }
  refreshing = false;
  if (again) { again = false; setTimeout(refresh, 200); }
}

function show_event(id, kind, data) {
  let line = id + '  ' + kind;
  try { const r = JSON.parse(data); line = r.at.slice(0, 19) + 'Z  ' + kind + '  ' + r.who; }
  catch (error) { /* shown without time */ }
  $('events').prepend(el('li', line));
  while ($('events').children.length > events_max) $('events').lastChild.remove();
}

function take(block) {
  let id = null, kind = '', data = '';
  for (const line of block.split('\n')) {
    if (line.startsWith('id: ')) id = line.slice(4);
    else if (line.startsWith('event: ')) kind = line.slice(7);
    else if (line.startsWith('data: ')) data += line.slice(6);
  }
  if (id === null) return;
  last_event = id;
  show_event(id, kind, data);
  refresh();
}

// EventSource cannot carry a token, so the stream is read by hand.
async function follow() {
  link = new AbortController();
  try {
    const answer = await fetch('/v1/events', { signal: link.signal, credentials: 'omit',
      headers: headers({ 'Last-Event-ID': String(last_event) }) });
    if (!answer.ok) throw new Error(answer.statusText);
    online(true, 'live');
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      text += value;
      const blocks = text.split('\n\n');
      text = blocks.pop();
      blocks.forEach(take);
    }
  } catch (error) { /* shown below; tried again with the next refresh */ }
  online(false, 'reconnecting');
  link = null;
  setTimeout(refresh, 1000);
}

$('login').addEventListener('submit', event => {
  event.preventDefault();
  token = $('token').value.trim();
  $('token').value = '';
  $('refusal').textContent = '';
  if (link) link.abort(); else refresh();
});
setInterval(refresh, refresh_every);
refresh();
)js";

}  // namespace

std::string_view dashboard_script() { return page_script; }

}  // namespace rollbackd::api
