// Bad input: each is an error with a code and a hint. Nothing hangs, and the harness fails on unhandled rejections.

import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { WebSocketServer } from 'ws';

import type { KeyValueStore, StagedoorError, StartWith, TokenSource } from '../../src/index.js';
import { type FakeLocks, fakePage } from '../harness/fake-page.js';
import { cleanUp, deferred, faultProxy, manager, started, unique, until, useGateway } from '../harness/index.js';

const used = useGateway();
const HOUR_MS = 3_600_000;

function listening(server: Server | ReturnType<typeof createTcpServer>): Promise<string> {
  cleanUp(() => void server.close());
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(`http://127.0.0.1:${String(typeof address === 'object' && address ? address.port : 0)}`);
    });
  });
}

/** A text that says what to change. */
function hint(match: RegExp): unknown {
  return expect.stringMatching(match);
}

/** Times for servers that do not answer. Others get the default ones. */
const SHORT = { startTimeoutMs: 1_000, connectTimeoutMs: 200 };

/** The error of a start that must fail. */
async function failure(url: string, times: Partial<typeof SHORT> = {}): Promise<StagedoorError | undefined> {
  const one = manager({ url }, times);
  const { error } = await one.start({ guest: 'ada' });
  expect(one.state.value).toMatchObject({ state: 'notLoggedIn', code: error?.code });
  expect(one.connection.value.status).toBe('idle');
  expect(error?.hint).not.toBe('');
  return error;
}

describe('servers that are no gateway', () => {
  it('unreachable', async () => {
    expect(await failure('http://127.0.0.1:1', SHORT)).toMatchObject({
      code: 'unreachable',
      hint: hint(/url/),
    });
  });

  it('a name that does not resolve', async () => {
    expect(await failure('http://gateway.invalid', SHORT)).toMatchObject({ code: 'unreachable' });
  });

  it('a black hole', async () => {
    const url = await listening(createTcpServer(() => undefined));
    expect(await failure(url, SHORT)).toMatchObject({ code: 'unreachable', outcome: 'refused' });
  });

  it('a web server', async () => {
    const url = await listening(createServer((_, response) => response.writeHead(404).end()));
    expect(await failure(url, SHORT)).toMatchObject({ code: 'unreachable' });
  });

  it.each(['other.v1', ''])('a WebSocket with the subprotocol %j', async (protocol) => {
    const http = createServer();
    const url = await listening(http);
    const sockets = new WebSocketServer({ server: http, handleProtocols: () => protocol || false });
    cleanUp(() => {
      for (const socket of sockets.clients) socket.terminate();
    });
    expect(['not_a_gateway', 'unreachable']).toContain((await failure(url, SHORT))?.code);
  });

  it.each([
    'x',
    '{}',
    '[1]',
    '{"id":1}',
    '{"id":1,"ok":{}}',
    '{"id":1,"ok":{"started":{}}}',
    '{"id":1,"ok":{"joined":{}}}',
    '{"seq":"x"}',
  ])('one that answers %s', async (text) => {
    const http = createServer();
    const url = await listening(http);
    const sockets = new WebSocketServer({ server: http, handleProtocols: () => 'stagedoor.v1.json' });
    sockets.on('connection', (socket) => {
      socket.on('message', () => {
        socket.send(text);
      });
    });
    cleanUp(() => {
      for (const socket of sockets.clients) socket.terminate();
    });
    expect(await failure(url)).toMatchObject({ code: 'not_a_gateway', hint: hint(/url/) });
  });

  it('one of another version', async () => {
    const http = createServer();
    const url = await listening(http);
    const sockets = new WebSocketServer({ server: http, handleProtocols: () => 'stagedoor.v1.json' });
    sockets.on('connection', (socket) => {
      socket.send('{"disconnect":{"code":4001,"reason":"unsupported_version","action":"stop"}}');
      socket.close(4001, 'unsupported_version');
    });
    const one = manager({ url });
    expect((await one.start({ guest: 'ada' })).error).toMatchObject({
      code: 'unsupported_version',
      hint: hint(/version/),
    });
  });
});

describe('tokens of the wrong kind', () => {
  const room = (): Promise<string> => used.gateway.roomToken({ room: 'lobby', role: 'publisher' });

  it.each([
    ['a room token', room],
    ['no token at all', () => 'x'],
    ['a server key', () => used.gateway.ready.server_key],
  ] as [string, () => string | Promise<string>][])('%s to start', async (_, token) => {
    const one = manager(used.gateway);
    const { error } = await one.start({ token: await token() });
    expect(error).toMatchObject({
      code: 'auth_denied',
      outcome: 'refused',
      hint: hint(/credentials/),
    });
  });

  it('a session token to join', async () => {
    const one = await started(used.gateway);
    const token = await used.gateway.sessionToken({ username: unique('ada') });
    const joined = one.room(unique('room'), { token }).join();
    await expect(joined).rejects.toMatchObject({ code: 'token_invalid', outcome: 'refused' });
  });

  it.each([[undefined], [null], [1], [{}], ['']])('a token function that returns %j', async (value) => {
    const one = manager(used.gateway, { startTimeoutMs: 300 });
    const source = vi.fn(() => value as unknown as string);
    const { error } = await one.start({ token: source });
    expect(error?.code).toBe('unreachable');
    expect(source).toHaveBeenCalled();
    expect(one.errors[0]).toMatchObject({ where: 'token', error: expect.any(TypeError) as unknown });
  });

  it('a token function that never returns', async () => {
    const one = manager(used.gateway, { startTimeoutMs: 200 });
    let signal: AbortSignal | undefined;
    const source: TokenSource = (request) => {
      signal = request.signal;
      return new Promise(() => undefined);
    };
    expect((await one.start({ token: source })).failed).toBe(true);
    expect(signal?.aborted).toBe(true);
  });
});

describe('callbacks', () => {
  it('that throw or reject are reported, and everything goes on', async () => {
    const thrown = new Error('from the program');
    const fail = (): never => {
      throw thrown;
    };
    const rejects = async (): Promise<void> => fail();
    const name = unique('room');
    const one = manager(used.gateway, { onFrame: fail });
    one.state.subscribe(fail);
    const observer = { connectionChanged: fail, sessionChanged: rejects };
    one.addObserver(observer);
    const room = one.room(name, { signals: { n: fail } });
    room.state.subscribe(fail);
    room.on('joined', rejects);
    const invalid = deferred<unknown>();
    room.on('invalidSignal', ({ error }) => {
      invalid.resolve(error);
    });
    expect((await one.start({ guest: unique('ada') })).succeeded).toBe(true);
    await room.join();
    const other = await started(used.gateway);
    await other.room(name).join();
    await other.room(name).send('n', 1);
    expect(await invalid.promise).toBe(thrown);
    expect(new Set(one.errors.map(({ error }) => error))).toEqual(new Set([thrown]));
    expect(new Set(one.errors.map(({ where }) => where))).toEqual(
      new Set(['state', 'session', 'connection', 'room state', 'on joined', 'onFrame']),
    );
  });

  it('onListenerError itself may throw', async () => {
    const report = vi.fn();
    vi.stubGlobal('reportError', report);
    cleanUp(() => void vi.unstubAllGlobals());
    const second = new Error('second');
    const one = manager(used.gateway, {
      onListenerError: () => {
        throw second;
      },
    });
    one.state.subscribe(() => {
      throw new Error('first');
    });
    expect((await one.start({ guest: unique('ada') })).succeeded).toBe(true);
    expect(report).toHaveBeenCalledWith(second);
  });

  it.each([false, true])(
    'a loader that never returns holds a call only until its deadline (failed start: %s)',
    async (fails) => {
      const load = async (of: { start(how: StartWith): Promise<unknown> }): Promise<void> => {
        if (fails) await of.start({ token: 'wrong' });
        return new Promise(() => undefined);
      };
      const one = manager(used.gateway, { loader: { load } });
      const [first, second] = [one.room(unique('room')), one.room(unique('room'))];
      const joined = first.join({ timeoutMs: 500 });
      const sent = second.send('n', 1, { timeoutMs: 500 });
      await expect(joined).rejects.toMatchObject({ code: 'deadline' });
      await expect(sent).rejects.toMatchObject({ code: 'deadline', outcome: 'not-sent' });
      expect(first.state.value.membership).toBe('out');
    },
  );

  it('a sessionHandler that never returns does not hold the session', async () => {
    const asked = deferred();
    const one = manager(used.gateway, {
      sessionHandler: {
        sessionWillRenewAccessToken: () => {
          asked.resolve();
          return new Promise(() => undefined);
        },
      },
    });
    await one.start({
      token: await used.gateway.sessionToken({ username: unique('ada'), rooms: { '*': 'publisher' }, ttl_s: 3 }),
    });
    await asked.promise;
    await one.room(unique('room')).join();
    await one.stop();
    expect(one.state.value.state).toBe('notLoggedIn');
  });
});

describe('platforms', () => {
  it('a store whose every method throws', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    cleanUp(() => {
      warn.mockRestore();
    });
    const refuse = (): never => {
      throw new Error('refused');
    };
    const storage: KeyValueStore = { getItem: refuse, setItem: refuse, removeItem: refuse };
    const one = await started(used.gateway, { storage });
    await one.room(unique('room')).join();
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it('a store with another program’s data', async () => {
    const storage: KeyValueStore = {
      getItem: () => '{"instance":7',
      setItem: () => undefined,
      removeItem: () => undefined,
    };
    await started(used.gateway, { storage });
  });

  it('locks that are refused', async () => {
    fakePage({ locks: { request: () => Promise.reject(new Error('SecurityError')) } as unknown as FakeLocks });
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const one = await started(used.gateway, { storage: 'memory' });
    expect(one.get()?.instance).toMatch(/^i-/);
  });

  it.each([-HOUR_MS, HOUR_MS])('a clock that is off by %i ms: start, resume and renewal work', async (offMs) => {
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => performance.timeOrigin + performance.now() + offMs);
    cleanUp(() => {
      clock.mockRestore();
    });
    const proxy = await faultProxy(used.gateway);
    const username = unique('ada');
    const reasons: string[] = [];
    const one = manager(proxy);
    const renewed = deferred();
    await one.start({
      token: async ({ reason }) => {
        reasons.push(reason);
        if (reason === 'renew') renewed.resolve();
        return used.gateway.sessionToken({ username, ttl_s: reasons.length === 1 ? 3 : 600 });
      },
    });
    const { id, expiresAtMs = 0 } = one.get() ?? {};
    proxy.cut();
    await until(one.connection, ({ status }) => status === 'waiting');
    one.retryNow();
    await until(one.connection, ({ status }) => status === 'live');
    expect(reasons).toEqual(['start']);
    await renewed.promise;
    await until(one.session, (session) => (session?.expiresAtMs ?? 0) > expiresAtMs);
    expect(reasons).toEqual(['start', 'renew']);
    expect(one.get()?.id).toBe(id);
  });
});
