// Check 23: programs of users compile, strictly and with the declarations of the packages checked too, with each
// version of TypeScript that is supported. Packed packages.

import { execFile } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { beforeAll, describe, expect, it } from 'vitest';

import { TOOLS, usePacked } from './packed.js';

const VERSIONS = ['5.6', '5.7', '5.8', '5.9', '6.0', '7.0'];

const NODE = { module: 'nodenext', moduleResolution: 'nodenext' };
const BUNDLER = { module: 'esnext', moduleResolution: 'bundler' };
const CONFIGURATIONS = {
  'the client without lib dom': { ...NODE, lib: ['es2022'], types: [], files: ['core.ts'] },
  'both in Node': { ...NODE, lib: ['es2022'], types: ['node'], files: ['core.ts', 'backend.ts'] },
  'both in a page with a bundler': {
    ...BUNDLER,
    lib: ['es2022', 'dom', 'dom.iterable'],
    types: [],
    files: ['core.ts', 'backend.ts', 'media.ts'],
  },
};

const packed = usePacked();

beforeAll(() => {
  cpSync(join(import.meta.dirname, 'programs'), packed.folder, { recursive: true });
  for (const [name, { files, ...options }] of Object.entries(CONFIGURATIONS)) {
    const compilerOptions = {
      ...options,
      target: 'es2022',
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      noEmit: true,
    };
    writeFileSync(join(packed.folder, fileOf(name)), JSON.stringify({ compilerOptions, files }));
  }
});

describe.each(VERSIONS)('TypeScript %s', (version) => {
  const isOutermost = version === VERSIONS[0] || version === VERSIONS.at(-1);
  // Those of Node are large: the oldest and the newest compiler read them.
  const names = Object.keys(CONFIGURATIONS).filter((name) => isOutermost || name !== 'both in Node');

  it.concurrent.each(names)('%s', async (name) => {
    const compiler = join(TOOLS, `typescript-${version}`);
    const { version: installed } = JSON.parse(readFileSync(join(compiler, 'package.json'), 'utf8')) as Installed;
    expect(installed).toMatch(new RegExp(`^${version}\\.`));
    const args = [join(compiler, 'bin/tsc'), '-p', fileOf(name)];
    const compiled = promisify(execFile)(process.execPath, args, { cwd: packed.folder });
    // What it prints says what is wrong.
    const { stdout } = await compiled.catch((error: unknown) => error as { stdout: string });
    expect(stdout).toBe('');
  });
});

interface Installed {
  readonly version: string;
}

it('undefined for each optional option is as if it were left out', async () => {
  // Node 24 runs TypeScript.
  const node = join(TOOLS, 'node-24/bin/node');
  const { stdout } = await promisify(execFile)(node, ['core.ts'], { cwd: packed.folder });
  expect(stdout).toBe('');
});

function fileOf(configuration: string): string {
  return `tsconfig.${configuration.replaceAll(' ', '-')}.json`;
}
