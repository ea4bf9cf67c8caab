// Check 22: the packages in every runtime that they support. An import and a construction have no effects, a session
// starts, and the backend's half signs and verifies.

import { execFile, spawn } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { chromium } from '@playwright/test';
import { Webhook } from 'standardwebhooks';
import { beforeAll, describe, expect, it } from 'vitest';
import { build } from 'vite';

import { cleanUp, freePort, manager, unique, useGateway } from '../../packages/client/tests/harness/index.js';
import { TOOLS, usePacked } from './packed.js';

const PROBES = join(import.meta.dirname, 'probes');
const NODE_22 = join(TOOLS, 'node-22/bin/node');
const NODE_24 = join(TOOLS, 'node-24/bin/node');
const DENO = join(TOOLS, '@deno/linux-x64-glibc/deno');
const BUN = join(TOOLS, '@oven/bun-linux-x64/bin/bun');
const WORKERD = join(TOOLS, '@cloudflare/workerd-linux-64/bin/workerd');
const HOOK = `whsec_${Buffer.from('long-enough-and-random-enough-32').toString('base64')}`;

interface ClientResult {
  readonly names: readonly string[];
  readonly effects: readonly string[];
  readonly error?: { readonly code: string; readonly hint: string };
  readonly membership: string;
}

interface ServerResult {
  readonly session: string;
  readonly room: string;
}

const used = useGateway();
const packed = usePacked();

beforeAll(() => {
  cpSync(PROBES, packed.folder, { recursive: true });
});

describe('with a command line', () => {
  it('Node 20, without the option webSocket', async () => {
    const { client, server } = await runs(process.execPath, ['main.js']);
    expectNoWebSocket(client);
    await expectServer(server);
  });

  it.each([
    ['Node 22', NODE_22, ['main.js']],
    ['Node 24', NODE_24, ['main.js']],
    ['Deno', DENO, ['run', '--cached-only', '--node-modules-dir=manual', '--allow-net', '--allow-env', 'main.js']],
    ['Bun', BUN, ['run', 'main.js']],
  ])('%s', async (_, program, args) => {
    const { client, server } = await runs(program, args);
    expectClient(client);
    await expectServer(server);
  });

  it.each([
    ['Node 20', process.execPath],
    ['Node 24', NODE_24],
  ])('%s without the globals that an edge runtime lacks', async (_, program) => {
    expectNoWebSocket((await runs(program, ['edge.js'])).client);
  });
});

it('workerd', async () => {
  const port = await freePort();
  await bundle('workerd.js');
  writeFileSync(join(packed.folder, 'workerd.capnp'), workerdConfig(port));
  const child = spawn(WORKERD, ['serve', 'workerd.capnp'], { cwd: packed.folder, stdio: 'inherit' });
  cleanUp(() => void child.kill());
  const { client, server } = (await answered(`http://127.0.0.1:${String(port)}/`, await input())) as Results;
  expectClient(client);
  await expectServer(server);
});

describe('in Chromium', () => {
  it.each(['worker', 'service worker'])('a %s', async (kind) => {
    const url = await serveProbes();
    const browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
    });
    cleanUp(() => browser.close());
    const page = await browser.newPage();
    await page.goto(url);
    const result = await page.evaluate(([kind, input]) => (globalThis as unknown as ProbePage).probe(kind, input), [
      kind,
      await input(),
    ] as const);
    expect(result.error).toBeUndefined();
    expectClient(result.client);
  });
});

interface Results {
  readonly client: ClientResult;
  readonly server: ServerResult;
  readonly error?: string;
}

interface ProbePage {
  probe(kind: string, input: unknown): Promise<Results>;
}

/** What the probes get. */
async function input(): Promise<Record<string, unknown>> {
  const { app, app_secret } = used.gateway.ready;
  const { url } = used.gateway;
  const question = (pin: number): object =>
    signed(JSON.stringify({ app, username: 'ada', auth_params: { pin }, purpose: 'start' }));
  return Promise.resolve({
    gateway: url,
    guest: unique('guest'),
    app,
    secret: app_secret,
    username: unique('user'),
    hook: HOOK,
    delivery: signed(JSON.stringify({ id: 'msg_1', type: 'room.opened', app, at_ms: 1 })),
    question: { right: question(1), wrong: question(2) },
  });
}

/** A delivery, signed by the library of Standard Webhooks. */
function signed(body: string): { body: string; headers: Record<string, string> } {
  const at = new Date();
  const headers = {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': new Webhook(HOOK).sign('msg_1', at, body),
  };
  return { body, headers };
}

/** Runs a probe; it prints its results. */
async function runs(program: string, args: readonly string[]): Promise<Results> {
  writeFileSync(join(packed.folder, 'input.js'), `export const input = ${JSON.stringify(await input())};`);
  const { stdout, stderr } = await promisify(execFile)(program, args, { cwd: packed.folder });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Results;
}

function expectEffectless({ names, effects }: ClientResult): void {
  expect(names).toContain('SessionManager');
  expect(effects).toEqual([]);
}

function expectClient(client: ClientResult): void {
  expectEffectless(client);
  expect(client).toMatchObject({ membership: 'in' });
  expect(client.error).toBeUndefined();
}

function expectNoWebSocket(client: ClientResult): void {
  expectEffectless(client);
  expect(client.error).toMatchObject({ code: 'no_websocket' });
  expect(client.error?.hint).toContain('npm install ws');
}

/** The gateway accepts the tokens that the runtime minted. */
async function expectServer(server: ServerResult): Promise<void> {
  expect(server).toMatchObject({
    isListed: true,
    event: 'room.opened',
    forged: [true, 'wrong_signature'],
    tooShort: 'secret: expected at least 32 characters',
    allowed: [200, { rooms: { lobby: 'publisher' } }],
    denied: [403, { message: 'wrong pin' }],
    unsigned: 500,
  });
  const one = manager(used.gateway);
  expect((await one.start({ token: server.session })).error).toBeUndefined();
  await one.room('lobby', { token: server.room }).join();
  expect(one.room('lobby').state.value.capabilities.moderate).toBe(true);
}

/** Bundles a probe into one file, as the tools of Workers do. */
async function bundle(file: string): Promise<void> {
  await build({
    root: packed.folder,
    configFile: false,
    logLevel: 'error',
    build: {
      outDir: 'bundled',
      modulePreload: false,
      target: 'es2022',
      rolldownOptions: {
        input: join(packed.folder, file),
        preserveEntrySignatures: 'strict',
        output: { entryFileNames: file, codeSplitting: false },
      },
    },
  });
}

function workerdConfig(port: number): string {
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "probe", worker = (
      modules = [(name = "workerd.js", esModule = embed "bundled/workerd.js")],
      compatibilityDate = "2026-01-01",
      globalOutbound = "loopback",
    )),
    (name = "loopback", network = (allow = ["local", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${String(port)}", http = (), service = "probe")],
);
`;
}

/** What a server answers, as soon as it listens. */
async function answered(url: string, body: unknown): Promise<unknown> {
  for (;;) {
    try {
      const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
      const text = await response.text();
      if (!response.ok) throw new TypeError(text);
      return JSON.parse(text);
    } catch (error) {
      if (!(error instanceof TypeError && error.message === 'fetch failed')) throw error;
    }
  }
}

/** A page that runs the probes in workers: their imports are those of the one file of the package. */
async function serveProbes(): Promise<string> {
  const page = `<!doctype html><script>
    globalThis.probe = async (kind, input) => {
      if (kind === 'worker') {
        const worker = new Worker('/worker.js', { type: 'module' });
        worker.postMessage(input);
        return await new Promise((resolve, reject) => {
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = (event) => reject(new Error(event.message));
        });
      }
      await navigator.serviceWorker.register('/worker.js', { type: 'module' });
      const { active } = await navigator.serviceWorker.ready;
      active.postMessage(input);
      return await new Promise((resolve) => (navigator.serviceWorker.onmessage = ({ data }) => resolve(data)));
    };
  </script>`;
  const server = createServer(({ url = '/' }, response) => {
    if (url === '/') return response.setHeader('content-type', 'text/html').end(page);
    const path = url === '/stagedoor.js' ? 'node_modules/@stagedoor/client/dist/stagedoor.js' : url;
    const isKnown = url === '/stagedoor.js' || ['/worker.js', '/client.js', '/watch.js'].includes(url);
    if (!isKnown) return response.writeHead(204).end();
    const text = readFileSync(join(packed.folder, path), 'utf8').replace("'@stagedoor/client'", "'/stagedoor.js'");
    return response.setHeader('content-type', 'text/javascript').end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${String((server.address() as { port: number }).port)}/`;
}
