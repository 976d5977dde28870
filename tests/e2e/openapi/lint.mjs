// Redocly's strictest rules over the document on standard input; a line a finding.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(`${process.argv[2]}/`);
const { createConfig, lintFromString } = require('@redocly/openapi-core');

const config = await createConfig({ extends: ['recommended-strict'] });
const found = await lintFromString({
  source: readFileSync(0, 'utf8'), absoluteRef: 'openapi.json', config,
});
for (const one of found) {
  console.log(`${one.severity} ${one.ruleId} ${one.location?.[0]?.pointer}: ${one.message.split('\n')[0]}`);
}
