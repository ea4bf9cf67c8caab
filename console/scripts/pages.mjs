// Builds the pages into `dist`, each file with a compressed twin; with `--check` compares a fresh build with `dist` and
// the size of each page with its limit.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { build } from 'vite';

/** The most that a page may load, compressed, in bytes. */
const LIMITS = { demo: 90 * 1024 };

const folder = fileURLToPath(new URL('..', import.meta.url));
const committed = join(folder, 'dist');
const isCheck = process.argv.includes('--check');

// The pages contain the client package, which is built from its sources.
for (const part of ['.', 'src/webrtc']) {
  const project = join(folder, '../clients/typescript/packages/client', part);
  execFileSync(process.execPath, [join(folder, 'node_modules/typescript/bin/tsc'), '-p', project]);
}

const target = isCheck ? mkdtempSync(join(tmpdir(), 'stagedoor-pages-')) : committed;
try {
  await build({
    configFile: join(folder, 'vite.config.ts'),
    root: join(folder, 'demo'),
    build: { outDir: join(target, 'demo') },
    logLevel: 'warn',
  });
  const problems = isCheck ? compare() : [];
  if (!isCheck) compress();
  problems.push(...checkSizes());
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  if (isCheck) rmSync(target, { recursive: true });
}

function compress() {
  for (const path of filesOf(target)) {
    const plain = readFileSync(path);
    const small = gzipSync(plain, { level: 9 });
    // The operating system is part of the header, and says nothing.
    small[9] = 255;
    if (small.length < plain.length) writeFileSync(`${path}.gz`, small);
  }
}

/** The differences between the fresh build and `dist`. */
function compare() {
  const names = (root) => (existsSync(root) ? filesOf(root).map((path) => relative(root, path)) : []);
  const fresh = names(target);
  const present = names(committed);
  const plain = present.filter((name) => !name.endsWith('.gz'));
  const stale = [
    ...plain.filter((name) => !fresh.includes(name)).map((name) => `dist/${name} is not part of the build`),
    ...fresh
      .filter((name) => !plain.includes(name) || !read(committed, name).equals(read(target, name)))
      .map((name) => `dist/${name} differs from the build`),
    ...present
      .filter((name) => name.endsWith('.gz'))
      .filter((name) => !isTwin(name))
      .map((name) => `dist/${name} does not unpack to its file`),
  ];
  return stale.length === 0 ? [] : [...stale, 'The pages are stale: run `npm run build` in console/ and commit dist.'];
}

function isTwin(name) {
  const plain = join(committed, name.slice(0, -'.gz'.length));
  return existsSync(plain) && gunzipSync(read(committed, name)).equals(readFileSync(plain));
}

function checkSizes() {
  return Object.entries(LIMITS).flatMap(([page, limit]) => {
    const sizes = filesOf(join(target, page))
      .filter((path) => !path.endsWith('.gz'))
      .map((path) => gzipSync(readFileSync(path), { level: 9 }).length);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    console.log(`/${page}: ${(total / 1024).toFixed(1)} KiB compressed, at most ${String(limit / 1024)} KiB`);
    return total > limit ? [`/${page} is larger than its limit`] : [];
  });
}

function read(root, name) {
  return readFileSync(join(root, name));
}

function filesOf(root) {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
