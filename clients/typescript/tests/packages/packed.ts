// The packages as their users get them: packed, and unpacked into a folder with `node_modules`.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The programs that `npm run tools` installs. */
export const TOOLS = join(ROOT, 'tests/packages/tools/node_modules');

/** A folder in which both packages are installed, for all tests of a file. */
export function usePacked(): { readonly folder: string } {
  const used = { folder: '' };
  beforeAll(() => {
    used.folder = mkdtempSync(join(tmpdir(), 'stagedoor-packed-'));
    for (const name of ['client', 'server']) {
      const source = join(ROOT, 'packages', name);
      execFileSync('npm', ['pack', '--silent', '--pack-destination', used.folder], { cwd: source });
      const tarball = readdirSync(used.folder).find((file) => file.includes(`-${name}-`)) ?? '';
      const target = join(used.folder, 'node_modules/@stagedoor', name);
      mkdirSync(target, { recursive: true });
      execFileSync('tar', ['-xzf', join(used.folder, tarball), '-C', target, '--strip-components=1']);
    }
    symlinkSync(join(TOOLS, '@types'), join(used.folder, 'node_modules/@types'));
    symlinkSync(join(TOOLS, 'undici-types'), join(used.folder, 'node_modules/undici-types'));
    const dependencies = { '@stagedoor/client': '*', '@stagedoor/server': '*' };
    writeFileSync(join(used.folder, 'package.json'), JSON.stringify({ type: 'module', dependencies }));
  });
  afterAll(() => {
    rmSync(used.folder, { recursive: true, force: true });
  });
  return used;
}
