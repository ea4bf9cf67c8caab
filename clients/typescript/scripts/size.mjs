// Measures what a program pays for an import, minified and gzipped: what it loads at first, and each file that it loads
// later. Every file has a limit.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const limits = JSON.parse(readFileSync(`${root}/size-limits.json`, 'utf8'));
const folder = mkdtempSync(join(tmpdir(), 'stagedoor-size-'));
let isWrong = false;

for (const [name, { entry, limit, external, later = {} }] of Object.entries(limits)) {
  const chunks = await bundle(entry, external);
  const byFile = new Map(chunks.map((chunk) => [chunk.fileName, chunk]));
  // A chunk that a later one shares with the program is loaded at first.
  const first = new Set();
  const add = (fileName) => {
    const chunk = byFile.get(fileName);
    if (!chunk || first.has(chunk)) return;
    first.add(chunk);
    chunk.imports.forEach(add);
  };
  chunks.filter(({ isEntry }) => isEntry).forEach(({ fileName }) => add(fileName));
  report(name, [...first], limit);
  const unnamed = new Set(Object.keys(later));
  for (const chunk of chunks.filter((one) => !first.has(one))) {
    unnamed.delete(chunk.name);
    report(`  later, ${chunk.name}`, [chunk], later[chunk.name]);
  }
  for (const missing of unnamed) {
    isWrong = true;
    console.log(`  later, ${missing}: there is no such file`);
  }
}

rmSync(folder, { recursive: true });
process.exit(isWrong ? 1 : 0);

async function bundle(entry, external) {
  const file = join(folder, 'entry.mjs');
  writeFileSync(file, entry.replaceAll('./packages/', `${root}packages/`));
  const result = await build({
    root,
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      target: 'es2022',
      // As a library: Vite adds nothing of its own. To the first file of an application it adds a helper, once, for all
      // `import()` in it.
      lib: { entry: file, formats: ['es'], fileName: 'entry' },
      rolldownOptions: {
        output: { minify: true },
        // A program exports nothing: its first file may export what the later ones import of it.
        preserveEntrySignatures: 'allow-extension',
        external: [external ?? []].flat().map((one) => (one.startsWith('.') ? join(root, one) : one)),
      },
    },
  });
  return [result]
    .flat()
    .flatMap(({ output }) => output)
    .filter(({ type }) => type === 'chunk');
}

function report(name, chunks, limit) {
  const size = chunks.reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0);
  const minified = chunks.reduce((sum, { code }) => sum + code.length, 0);
  const isAllowed = size <= limit;
  isWrong ||= !isAllowed;
  console.log(
    `${name}: ${size} bytes gzipped, ${minified} minified, limit ${limit ?? 'missing'}${isAllowed ? '' : ' TOO LARGE'}`,
  );
}
