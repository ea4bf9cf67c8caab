// Copies the generated wire types into the client. With `--check`, fails if the copy is out of date.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../../../proto/schema/stagedoor.v1.d.ts', import.meta.url));
const target = fileURLToPath(new URL('../packages/client/src/wire/protocol.ts', import.meta.url));

const body = readFileSync(source, 'utf8')
  .replace(/^(?:\/\/.*\n)+/, '')
  .replaceAll(/\bError\b(?=( \{|;$))/gm, 'WireError');
const text = `// Copied from proto/schema/stagedoor.v1.d.ts by \`npm run wire-types\`; do not edit.\n${body}`;

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    console.error('packages/client/src/wire/protocol.ts is out of date: run `npm run wire-types`');
    process.exit(1);
  }
} else {
  writeFileSync(target, text);
}
