// Measures what a program pays for `import { SessionManager }`, and the packages as a whole: minified and gzipped.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const limits = JSON.parse(readFileSync(`${root}/size-limits.json`, 'utf8'));
const folder = mkdtempSync(join(tmpdir(), 'stagedoor-size-'));
let isTooLarge = false;

for (const [name, { entry, limit, external }] of Object.entries(limits)) {
  const file = join(folder, 'entry.mjs');
  writeFileSync(file, entry.replaceAll('./packages/', `${root}packages/`));
  const result = await build({
    root,
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      minify: true,
      modulePreload: false,
      target: 'es2022',
      rolldownOptions: {
        input: file,
        preserveEntrySignatures: 'strict',
        external: [external ?? []].flat().map((one) => (one.startsWith('.') ? join(root, one) : one)),
      },
    },
  });
  const chunks = [result]
    .flat()
    .flatMap(({ output }) => output)
    .filter(({ type }) => type === 'chunk');
  const code = chunks.map((chunk) => chunk.code).join('');
  const size = gzipSync(code, { level: 9 }).length;
  isTooLarge ||= size > limit;
  console.log(
    `${name}: ${size} bytes gzipped, ${code.length} minified, limit ${limit}${size > limit ? ' TOO LARGE' : ''}`,
  );
}

rmSync(folder, { recursive: true });
process.exit(isTooLarge ? 1 : 0);
