// Checks the packed packages with publint, and their types for every resolver.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name) => join(root, 'node_modules/.bin', name);
const folder = mkdtempSync(join(tmpdir(), 'stagedoor-packages-'));
const run = (command, args, cwd = root) => {
  console.log(`$ ${command.replace(root, '')} ${args.join(' ')}`);
  execFileSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
};

try {
  for (const name of ['client', 'server', 'react']) {
    const source = join(root, 'packages', name);
    run(bin('publint'), ['--strict', source]);
    execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: source });
    const tarball = readdirSync(folder).find((file) => file.includes(`-${name}-`));
    run(bin('attw'), [join(folder, tarball), '--profile', 'esm-only']);
    const target = join(folder, 'node_modules/@stagedoor', name);
    mkdirSync(target, { recursive: true });
    execFileSync('tar', ['-xzf', join(folder, tarball), '-C', target, '--strip-components=1']);
  }
  // The packed hooks, with the types of React.
  for (const name of ['react', '@types', 'csstype']) {
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'hooks.tsx'), hooks());
  const strict = '--strict --noEmit --skipLibCheck false --exactOptionalPropertyTypes --target es2022'.split(' ');
  const jsx = ['--jsx', 'react-jsx', '--types', 'react', '--lib', 'es2022,dom,esnext.disposable'];
  run(bin('tsc'), [...strict, ...jsx, '--module', 'nodenext', 'hooks.tsx'], folder);
} finally {
  rmSync(folder, { recursive: true });
}

/** A program that uses the hooks, with `undefined` for every optional option. */
function hooks() {
  return `
import type { SessionManager } from '@stagedoor/client';
import { StagedoorProvider, useParticipants, useRoom, useSession, useSignal } from '@stagedoor/react';
import { useMedia } from '@stagedoor/react/media';
function Lobby() {
  const room = useRoom<{ chat: string }>('lobby', { token: undefined, data: undefined, signals: undefined });
  const names = useParticipants(room, (all) => all.map(({ username }) => username));
  useSignal(room, 'chat', ({ data }) => data.length);
  return <video ref={useMedia(room, 'stream', { speaker: undefined })} title={names.join() + useSession().state} />;
}
export const app = (manager: SessionManager) => <StagedoorProvider manager={manager}><Lobby /></StagedoorProvider>;
`;
}
