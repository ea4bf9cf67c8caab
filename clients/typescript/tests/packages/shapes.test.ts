// Check 24: the packed client in four shapes: one file in a page, bundled by Vite, bundled by webpack, and `require`.

import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { beforeAll, expect, it } from 'vitest';
import { build } from 'vite';

import { unique, useGateway } from '../../packages/client/tests/harness/index.js';
import { serve, show, useBrowser } from '../stories/site.js';
import { TOOLS, usePacked } from './packed.js';

interface Shown {
  readonly names: readonly string[];
  readonly membership: string;
}

const used = useGateway();
const browser = useBrowser();
const packed = usePacked();
let exported: readonly string[] = [];

beforeAll(async () => {
  exported = Object.keys(await import('../../packages/client/src/index.js')).sort();
});

/** A program that imports the client from `source` and joins a room. */
function program(source: string): string {
  return `import * as client from '${source}';
const manager = new client.SessionManager({ url: '${used.gateway.url}', app: 'demo' });
const { error } = await manager.start({ guest: '${unique('guest')}' });
if (error) throw error;
const room = manager.room('lobby');
await room.join();
globalThis.shown = { names: Object.keys(client).sort(), membership: room.state.value.membership };
`;
}

/** What a page with this script shows. */
async function shownBy(script: string): Promise<Shown> {
  const name = script.replace('.js', '.html');
  writeFileSync(
    join(packed.folder, name),
    `<!doctype html><link rel="icon" href="data:,"><script type="module" src="${script}"></script>`,
  );
  const { page, errors } = await show(await browser.open(), `${await serve(packed.folder)}${name}`);
  const handle = await page.waitForFunction(() => (globalThis as unknown as { shown?: Shown }).shown);
  expect(errors).toEqual([]);
  return (await handle.jsonValue()) as Shown;
}

it('one file in a page', async () => {
  writeFileSync(join(packed.folder, 'native.js'), program('./node_modules/@stagedoor/client/dist/stagedoor.js'));
  expect(await shownBy('native.js')).toEqual({ names: exported, membership: 'in' });
});

it('bundled by Vite', async () => {
  writeFileSync(join(packed.folder, 'vite-entry.js'), program('@stagedoor/client'));
  await build({
    root: packed.folder,
    configFile: false,
    logLevel: 'error',
    build: {
      outDir: '.',
      emptyOutDir: false,
      rolldownOptions: { input: join(packed.folder, 'vite-entry.js'), output: { entryFileNames: 'vite.js' } },
    },
  });
  expect(await shownBy('vite.js')).toEqual({ names: exported, membership: 'in' });
});

it('bundled by webpack', async () => {
  writeFileSync(join(packed.folder, 'webpack-entry.js'), program('@stagedoor/client'));
  const configuration = {
    mode: 'production',
    context: packed.folder,
    entry: './webpack-entry.js',
    output: { path: packed.folder, filename: 'webpack.js' },
  };
  const warnings = await new Promise<unknown>((resolve, reject) => {
    webpack()(configuration, (error, stats) => {
      if (error) reject(error);
      else resolve(stats.toJson({ all: false, errors: true, warnings: true }));
    });
  });
  expect(warnings).toMatchObject({ errors: [], warnings: [] });
  expect(await shownBy('webpack.js')).toEqual({ names: exported, membership: 'in' });
});

it.each([
  ['Node 20', process.execPath],
  ['Node 24', join(TOOLS, 'node-24/bin/node')],
])('required in %s', async (_, node) => {
  const code =
    "const { __esModule, ...client } = require('@stagedoor/client'); console.log(JSON.stringify(Object.keys(client).sort()))";
  writeFileSync(join(packed.folder, 'require.cjs'), code);
  const { stdout, stderr } = await promisify(execFile)(node, ['require.cjs'], { cwd: packed.folder });
  expect(JSON.parse(stdout)).toEqual(exported);
  // Node 20.19 and later print no warning.
  expect(stderr).toBe('');
});

it.each(['client', 'server'])('the package %s has a README and the licence', (name) => {
  const folder = join(packed.folder, 'node_modules/@stagedoor', name);
  expect(readdirSync(folder).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json']);
  expect(readFileSync(join(folder, 'LICENSE'), 'utf8')).toContain('Apache License');
  const { publishConfig } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
  expect(publishConfig).toEqual({ access: 'public', provenance: true });
});

type Webpack = (
  configuration: object,
  done: (error: Error | null, stats: { toJson(options: object): unknown }) => void,
) => void;

function webpack(): Webpack {
  return createRequire(join(TOOLS, 'anything.js'))('webpack') as Webpack;
}
