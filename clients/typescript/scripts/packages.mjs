// Checks the packed packages: publint, the types for every resolver, and a strict type check of their users.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
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
  for (const name of ['client', 'server']) {
    const source = join(root, 'packages', name);
    run(bin('publint'), ['--strict', source]);
    execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: source });
    const tarball = readdirSync(folder).find((file) => file.includes(`-${name}-`));
    run(bin('attw'), [join(folder, tarball), '--profile', 'esm-only']);
    const target = join(folder, 'node_modules/@stagedoor', name);
    mkdirSync(target, { recursive: true });
    execFileSync('tar', ['-xzf', join(folder, tarball), '-C', target, '--strip-components=1']);
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'undefined.ts'), UNDEFINED_OPTIONS());
  writeFileSync(
    join(folder, 'server.ts'),
    "import { mintSessionToken } from '@stagedoor/server';\nvoid mintSessionToken;\n",
  );
  writeFileSync(join(folder, 'media.ts'), MEDIA());
  const strict = [
    '--strict',
    '--noEmit',
    '--skipLibCheck',
    'false',
    '--exactOptionalPropertyTypes',
    '--target',
    'es2022',
  ];
  const dom = ['--lib', 'es2022,dom,esnext.disposable'];
  // Without `lib: dom`, and with it.
  run(bin('tsc'), [...strict, '--module', 'nodenext', '--lib', 'es2022', 'undefined.ts'], folder);
  run(bin('tsc'), [...strict, '--module', 'nodenext', ...dom, 'undefined.ts', 'server.ts', 'media.ts'], folder);
  run(
    bin('tsc'),
    [...strict, '--module', 'esnext', '--moduleResolution', 'bundler', ...dom, 'undefined.ts', 'server.ts', 'media.ts'],
    folder,
  );
  // ES modules, also by `require`.
  writeFileSync(join(folder, 'require.cjs'), REQUIRE());
  run(process.execPath, ['require.cjs'], folder);
} finally {
  rmSync(folder, { recursive: true });
}

/** A program that passes `undefined` for every optional option. */
function UNDEFINED_OPTIONS() {
  return `
import { SessionManager, type Options } from '@stagedoor/client';
const options: Required<{ [K in keyof Options]: Options[K] | undefined }> = {
  url: 'https://gateway.example.com', app: 'demo', client: undefined, instance: undefined, storage: undefined,
  sessionHandler: undefined, loader: undefined, webSocket: undefined, requestTimeoutMs: undefined,
  startTimeoutMs: undefined, connectTimeoutMs: undefined, queue: undefined, onListenerError: undefined, onFrame: undefined,
};
export const manager = new SessionManager(options as Options);
export const room = manager.room<{ chat: { text: string } }>('lobby', { token: undefined, data: undefined, signals: undefined });
export const sent = room.send('chat', { text: 'hi' }, { to: undefined, timeoutMs: undefined, signal: undefined, ref: undefined });
`;
}

/** A program that publishes and watches media in rooms of any signals. */
function MEDIA() {
  return `
import type { Room, SignalMap } from '@stagedoor/client';
import { publishMedia, watchMedia } from '@stagedoor/client/webrtc';
export const publish = (room: Room<{ chat: { text: string } }>, media: MediaStream) =>
  publishMedia(room, media, { kind: undefined, name: undefined, layoutClasses: undefined, muted: undefined,
    configuration: undefined, onError: undefined, signal: undefined, timeoutMs: undefined, ref: undefined });
export const watch = <S extends SignalMap>(room: Room<S>, stream: string) =>
  watchMedia(room, stream, { speaker: undefined, configuration: undefined, onError: undefined });
`;
}

/** A program that compares the names by \`require\` and by \`import\`. */
function REQUIRE() {
  return `
const required = Object.keys(require('@stagedoor/client')).filter((name) => name !== '__esModule').sort();
import('@stagedoor/client').then((imported) => {
  if (Object.keys(imported).sort().join() !== required.join()) throw new Error(required.join());
  console.log(required.join(' '));
});
`;
}
