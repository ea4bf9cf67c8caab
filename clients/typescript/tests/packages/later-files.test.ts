// The files that a bundled page loads later: when it asks for them, and what happens while they are slow or missing.

import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';

import type { Page } from '@playwright/test';
import { beforeAll, describe, expect, it } from 'vitest';
import { build } from 'vite';

import type { Room, SessionManager } from '../../packages/client/src/index.js';
import {
  cleanUp,
  deferred,
  faultProxy,
  type FaultProxy,
  started,
  unique,
  useGateway,
} from '../../packages/client/tests/harness/index.js';
import { show, useBrowser } from '../stories/site.js';
import { usePacked } from './packed.js';

// Globals of the page.
declare const make: (url: string) => SessionManager;
declare const manager: SessionManager;
declare const room: Room;
declare const seen: readonly unknown[];

const used = useGateway();
const browser = useBrowser();
const packed = usePacked();

beforeAll(async () => {
  writeFileSync(
    join(packed.folder, 'app.js'),
    `import { SessionManager } from '@stagedoor/client';
globalThis.make = (url) => new SessionManager({ url, app: 'demo' });
`,
  );
  await build({
    root: packed.folder,
    configFile: false,
    logLevel: 'error',
    build: {
      outDir: 'site',
      rolldownOptions: {
        input: join(packed.folder, 'app.js'),
        output: { entryFileNames: 'app.js', chunkFileNames: '[name].js' },
      },
    },
  });
});

type Deferred = ReturnType<typeof deferred<void>>;

/** The web server of an app. */
class Site {
  readonly url: string;
  readonly requests: string[] = [];
  readonly #missing = new Set<string>();
  readonly #held = new Map<string, Set<ServerResponse>>();
  readonly #served = new Map<string, Deferred>();

  private constructor(port: number) {
    this.url = `http://127.0.0.1:${String(port)}/`;
  }

  static async start(): Promise<Site> {
    const server = createServer((request, response) => {
      site.#answer((request.url ?? '').slice(1), response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanUp(() => {
      server.closeAllConnections();
      server.close();
    });
    const site = new Site((server.address() as { port: number }).port);
    return site;
  }

  /** A new version of the app was deployed: these files are gone. */
  remove(...files: string[]): void {
    for (const file of files) this.#missing.add(file);
  }

  /** The files are back. */
  restore(): void {
    this.#missing.clear();
  }

  /** Answers no request of this file until the release. */
  hold(file: string): void {
    this.#held.set(file, new Set());
  }

  release(file: string): void {
    const responses = this.#held.get(file) ?? [];
    this.#held.delete(file);
    for (const response of responses) this.#answer(file, response);
  }

  /** Resolves when the file was sent. */
  served(file: string): Promise<void> {
    return this.#of(file).promise;
  }

  #of(file: string): Deferred {
    const one: Deferred = this.#served.get(file) ?? deferred();
    this.#served.set(file, one);
    return one;
  }

  #answer(file: string, response: ServerResponse): void {
    this.requests.push(file);
    const held = this.#held.get(file);
    if (held) {
      held.add(response);
      return;
    }
    if (file === '') {
      response.setHeader('content-type', 'text/html');
      response.end('<!doctype html><link rel="icon" href="data:,"><script type="module" src="app.js"></script>');
    } else if (this.#missing.has(file)) {
      response.writeHead(404).end();
    } else {
      response.on('finish', () => this.#of(file).resolve());
      response.setHeader('content-type', 'text/javascript');
      response.setHeader('cache-control', 'no-store').end(readFileSync(join(packed.folder, 'site', file)));
    }
  }
}

const ROOMS = 'after-start.js';
const MODERATION = 'moderation-commands.js';

/** A page with a manager, connected through the proxy. */
async function open(site: Site): Promise<{ page: Page; proxy: FaultProxy }> {
  const proxy = await faultProxy(used.gateway);
  const { page } = await show(await browser.open(), site.url);
  return { page, proxy };
}

/** Starts a session in the page, and declares a room. */
async function start(page: Page, url: string, name: string, token?: string): Promise<void> {
  await page.waitForFunction(() => 'make' in globalThis);
  await page.evaluate(
    async ([url, name, guest, token]) => {
      const one = make(url);
      const events: unknown[] = [];
      const declared = one.room(name, { token });
      declared.on('signal', ({ data }) => events.push(data));
      Object.assign(globalThis, { manager: one, room: declared, seen: events });
      const stored = await one.start({ stored: true });
      if (stored.failed && (await one.start({ guest })).failed) throw new Error('not started');
    },
    [url, name, unique('guest'), token] as const,
  );
}

const moderatorOf = (room: string): Promise<string> => used.gateway.roomToken({ room, role: 'moderator' });
const isRequest =
  (name: string) =>
  (text: string): boolean =>
    text.includes(`"${name}":`);

describe('the files of a page', () => {
  it('are asked for with the first start, and as a moderator', async () => {
    const site = await Site.start();
    const { page, proxy } = await open(site);
    const name = unique('room');
    await page.waitForFunction(() => 'make' in globalThis);
    expect(site.requests).toEqual(['', 'app.js']);
    await start(page, proxy.url, name, await moderatorOf(name));
    await page.evaluate(() => room.join());
    await site.served(MODERATION);
    expect(site.requests).toEqual(['', 'app.js', ROOMS, MODERATION]);
  });

  it('may be gone after that: a moderator goes on', async () => {
    const site = await Site.start();
    const { page, proxy } = await open(site);
    const name = unique('room');
    await start(page, proxy.url, name, await moderatorOf(name));
    await page.evaluate(() => room.join());
    await site.served(MODERATION);
    site.remove('app.js', ROOMS, MODERATION);
    const targets = await page.evaluate(async () => (await room.moderation.lock()).targets);
    expect(targets).toBe(1);
    await page.evaluate(() => room.publish({ kind: 'screen', hasAudio: false, hasVideo: true }));
  });

  it('that are missing are a typed error, and are asked for again', async () => {
    const site = await Site.start();
    const { page, proxy } = await open(site);
    const name = unique('room');
    site.remove(MODERATION);
    await start(page, proxy.url, name, await moderatorOf(name));
    await page.evaluate(() => room.join());
    const lock = (): Promise<object> =>
      page.evaluate(async () => {
        try {
          return { targets: (await room.moderation.lock()).targets };
        } catch (error) {
          const { code, outcome, hint } = error as Record<string, unknown>;
          return { code, outcome, hint };
        }
      });
    expect(await lock()).toMatchObject({
      code: 'module_not_loaded',
      outcome: 'not-sent',
      hint: expect.stringContaining('Reload the page') as unknown,
    });
    expect(proxy.texts('up').some(isRequest('lock_room'))).toBe(false);
    site.restore();
    expect(await lock()).toEqual({ targets: 1 });
  });

  it('that are slow keep the calls of a room in order', async () => {
    const site = await Site.start();
    const { page, proxy } = await open(site);
    const name = unique('room');
    site.hold(ROOMS);
    site.hold(MODERATION);
    await start(page, proxy.url, name, await moderatorOf(name));
    const done = page.evaluate(async () => {
      await Promise.all([
        room.join(),
        room.moderation.lock(),
        room.send('n', 1),
        room.publish({ kind: 'screen', hasAudio: false, hasVideo: true }),
        room.moderation.unlock(),
      ]);
    });
    site.release(ROOMS);
    await proxy.frame('down', isRequest('joined'));
    expect(proxy.texts('up').some(isRequest('signal'))).toBe(false);
    site.release(MODERATION);
    await done;
    const names = ['join', 'lock_room', 'signal', 'publish', 'unlock_room'];
    const sent = proxy.texts('up').map((text) => names.find((one) => isRequest(one)(text)));
    expect(sent.filter((one) => one !== undefined)).toEqual(names);
  });

  it('that are slow do not delay the acknowledgement of a mute', async () => {
    const site = await Site.start();
    const { page, proxy } = await open(site);
    const name = unique('room');
    const boss = (await started(used.gateway)).room(name, { token: () => moderatorOf(name) });
    await boss.join();
    site.hold(MODERATION);
    await start(page, proxy.url, name, await moderatorOf(name));
    const stream = await page.evaluate(async () => {
      await room.join();
      const own = await room.publish({ kind: 'audio', hasAudio: true, hasVideo: false });
      own.onForcedMute(() => undefined);
      void room.moderation.lock();
      return own.stream.value?.id ?? '';
    });
    const action = await boss.moderation.mute({ stream });
    expect((await action.settled()).counts).toMatchObject({ enforced: 1 });
    expect(proxy.texts('up').some(isRequest('lock_room'))).toBe(false);
    site.release(MODERATION);
    await proxy.frame('up', isRequest('lock_room'));
  });

  it('that are slow lose no push: a reload sees the signals that came meanwhile', async () => {
    const site = await Site.start();
    const { page, proxy } = await open(site);
    const name = unique('room');
    const other = (await started(used.gateway)).room(name);
    await other.join();
    await start(page, proxy.url, name);
    await page.evaluate(() => room.join());
    site.hold(ROOMS);
    await page.reload();
    await start(page, proxy.url, name);
    for (const n of [1, 2, 3]) await other.send('n', n);
    await proxy.frame('down', (text) => text.includes('"data":3'));
    expect(await page.evaluate(() => seen)).toEqual([]);
    site.release(ROOMS);
    await page.waitForFunction(() => seen.length === 3);
    expect(await page.evaluate(() => seen)).toEqual([1, 2, 3]);
  });

  it('that never come hold a call only until its deadline', async () => {
    const site = await Site.start();
    const { page, proxy } = await open(site);
    const name = unique('room');
    site.hold(ROOMS);
    await start(page, proxy.url, name);
    const error = await page.evaluate(() =>
      room.join({ timeoutMs: 200 }).then(
        () => ({}),
        (error: unknown) => ({ ...(error as object) }),
      ),
    );
    expect(error).toMatchObject({ code: 'deadline', outcome: 'not-sent' });
    site.release(ROOMS);
    await site.served(ROOMS);
    await page.evaluate(() => manager.stop());
    expect(proxy.texts('up').some(isRequest('join'))).toBe(false);
  });
});
