// Drives Chromium for tests in another language: each line in is {"on", "chain": [[method, ...arguments], …]},
// a chain of calls on the browser's context or its page; each line out is {"value"} or {"error"}.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const [packages, executablePath] = process.argv.slice(2);
const { chromium } = createRequire(`${packages}/`)('playwright-core');

const browser = await chromium.launch({ executablePath, args: process.getuid() === 0 ? ['--no-sandbox'] : [] });
const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce', timezoneId: 'UTC', locale: 'en-GB' });
context.setDefaultTimeout(30_000);
const page = await context.newPage();
const seen = [];
page.on('console', (message) => { if (message.type() === 'error' || message.type() === 'warning') seen.push(message.text()); });
page.on('pageerror', (error) => seen.push(String(error)));
const things = { page, context, keyboard: page.keyboard, log: { errors: () => seen } };

async function carry_out({ on, chain }) {
  let value = things[on];
  for (const [method, ...given] of chain) value = await value[method](...given);
  return value;
}

const plain = (value) => (value === null || ['string', 'number', 'boolean'].includes(typeof value) || Array.isArray(value) || Object.getPrototypeOf(value ?? 0) === Object.prototype ? value : undefined);

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = { value: plain(await carry_out(JSON.parse(line))) };
  } catch (error) {
    answer = { error: String(error.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
process.exit(0);
