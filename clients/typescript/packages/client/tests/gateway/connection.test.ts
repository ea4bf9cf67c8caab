// Checks 14 to 17: attempts, close codes, tokens, and the queue.

import { createServer } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { WebSocketServer } from 'ws';

import { Denied, type Renewal, type StagedoorError } from '../../src/index.js';
import { simulatedClock } from '../harness/clock.js';
import {
  cleanUp,
  deferred,
  faultProxy,
  manager,
  started,
  unique,
  until,
  untilState,
  useGateway,
} from '../harness/index.js';

const used = useGateway();
/** How long a session lasts whose expiry a test waits for, in seconds. */
const SHORT_S = 3;

describe('attempts', () => {
  it('check 14: a handshake without an answer ends and start fails', async () => {
    const proxy = await faultProxy(used.gateway);
    proxy.blackhole(true);
    const one = manager(proxy, { connectTimeoutMs: 50, startTimeoutMs: 400 });
    const waiting = until(one.connection, ({ status }) => status === 'waiting');
    const result = one.start({ guest: unique('ada') });
    expect((await waiting).lastClose).toMatchObject({ reason: 'no answer from the gateway' });
    expect((await result).error).toMatchObject({ code: 'unreachable' });
    expect(one.state.value).toMatchObject({ state: 'notLoggedIn', code: 'unreachable' });
  });

  it('check 14: a first message without an answer ends and start fails', async () => {
    const proxy = await faultProxy(used.gateway);
    proxy.rule({ way: 'up', match: () => true, fault: { kind: 'drop' }, times: 100 });
    const one = manager(proxy, { connectTimeoutMs: 100, startTimeoutMs: 300 });
    expect((await one.start({ guest: unique('ada') })).error).toMatchObject({ code: 'unreachable' });
  });

  it('start waits for a gateway that is not there yet', async () => {
    const proxy = await faultProxy(used.gateway);
    proxy.refuse(true);
    const one = manager(proxy);
    const result = one.start({ guest: unique('ada') });
    const waiting = await until(one.connection, ({ status }) => status === 'waiting');
    expect(waiting.nextAttemptAt).toBeGreaterThan(0);
    proxy.refuse(false);
    one.retryNow();
    expect((await result).succeeded).toBe(true);
  });

  it('another protocol is an error that says so', async () => {
    const server = new WebSocketServer({ port: 0, handleProtocols: () => 'other' });
    cleanUp(() => server.close());
    const { port } = server.address() as { port: number };
    const plain = createServer((socket) => socket.end('HTTP/1.1 404 Not Found\r\n\r\n'));
    cleanUp(() => void plain.close());
    const one = manager({ url: `http://127.0.0.1:${String(port)}` }, { startTimeoutMs: 1_000 });
    const { error } = await one.start({ guest: 'ada' });
    expect(['not_a_gateway', 'unreachable']).toContain(error?.code);
    expect(error?.hint).toMatch(/url/);
  });

  it('malformed frames end the connection, and it is resumed', async () => {
    const proxy = await faultProxy(used.gateway);
    const one = await started(proxy);
    const room = one.room(unique('room'));
    await room.join();
    for (const text of [
      'not json',
      '{"seq":"1"}',
      `{"seq":99,"participant_joined":{"room":"${room.name}","version":1e15}}`,
    ]) {
      const attempts = proxy.connections;
      proxy.inject(text);
      await until(one.connection, ({ status }) => status !== 'live');
      expect(one.connection.value.lastClose?.reason).toBe('a malformed frame');
      one.retryNow();
      await until(one.connection, ({ status }) => status === 'live' && proxy.connections > attempts);
    }
    await until(room.state, ({ membership }) => membership === 'in');
    expect(one.state.value.state).toBe('established');
  });
});

describe('check 15: close codes', () => {
  it.each([1001, 1006, 1012, 4299, 4399, 4799])('after %i the session is resumed', async (code) => {
    const proxy = await faultProxy(used.gateway);
    const one = await started(proxy);
    const id = one.get()?.id;
    if (code === 1006) proxy.cut();
    else proxy.close(code);
    await until(one.connection, ({ status }) => status !== 'live');
    one.retryNow();
    await until(one.connection, ({ status }) => status === 'live');
    expect(one.get()?.id).toBe(id);
    expect(one.state.value.version).toBe(2);
    expect(one.connection.value.lastClose?.code).toBe(code);
  });

  it('after 44xx a new session of the same instance starts, in the same rooms', async () => {
    const proxy = await faultProxy(used.gateway);
    const one = await started(proxy);
    const room = one.room(unique('room'));
    await room.join();
    const { id, instance } = one.get() ?? {};
    const states: string[] = [];
    one.addObserver({ stateChanged: ({ state }) => states.push(state) });
    proxy.close(4499);
    await until(one.session, (session) => session !== null && session.id !== id);
    await until(room.state, ({ membership }) => membership === 'in');
    expect(one.get()?.instance).toBe(instance);
    expect(states).toEqual(['notLoggedIn', 'establishing', 'established']);
  });

  it('after 40xx nothing connects any more', async () => {
    const proxy = await faultProxy(used.gateway);
    const one = await started(proxy);
    proxy.close(4099, 'later');
    expect(await untilState(one, 'terminated')).toMatchObject({ code: 4099 });
    expect(one.connection.value.status).toBe('idle');
    expect(proxy.connections).toBe(1);
  });

  it('a newer session of the instance ends the older one', async () => {
    const instance = unique('instance');
    const name = unique('ada');
    const one = await started(used.gateway, { instance }, name);
    await started(used.gateway, { instance }, name);
    expect(await untilState(one, 'terminated')).toMatchObject({ code: 4013 });
  });
});

describe('check 16: tokens', () => {
  it('an expired token is replaced in the same step as the resume', async () => {
    const proxy = await faultProxy(used.gateway);
    const username = unique('ada');
    const reasons: string[] = [];
    const one = manager(proxy);
    const answers = ['token', new Error('500'), new Error('500'), 'token'];
    const source = async ({ reason }: { reason: string }): Promise<string> => {
      reasons.push(reason);
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return used.gateway.sessionToken({ username, ttl_s: 600 });
    };
    expect((await one.start({ token: source })).succeeded).toBe(true);
    const { id } = one.get() ?? {};
    proxy.cut();
    await until(one.connection, ({ status }) => status === 'waiting');
    const asleep = vi
      .spyOn(Date, 'now')
      .mockImplementation(() => performance.timeOrigin + performance.now() + 3_600_000);
    cleanUp(() => asleep.mockRestore());
    one.retryNow();
    one.retryNow();
    await until(one.connection, ({ status }) => status === 'live');
    expect(reasons).toEqual(['start', 'renew', 'renew', 'renew']);
    const resumes = proxy.texts('up').filter((text) => text.includes('"resume"'));
    expect(resumes).toHaveLength(1);
    expect(resumes[0]).toContain('"auth_token"');
    expect(one.get()?.id).toBe(id);
    expect(proxy.texts('up').filter((text) => text.includes('"renew"'))).toHaveLength(0);
  });

  it('two triggers at once are one renewal by the sessionHandler, of which one method counts', async () => {
    const proxy = await faultProxy(used.gateway);
    const username = unique('ada');
    const tokens = await Promise.all([1, 2].map(() => used.gateway.sessionToken({ username, ttl_s: 600 })));
    const renewals: Renewal[] = [];
    const asked = deferred();
    const one = manager(proxy, {
      sessionHandler: {
        sessionWillRenewAccessToken: (renewal) => {
          renewals.push(renewal);
          asked.resolve();
        },
      },
    });
    await one.start({ token: await used.gateway.sessionToken({ username, ttl_s: SHORT_S }) });
    const before = one.get();
    await asked.promise;
    // The session expires while the program still looks for a token: a second trigger.
    await untilState(one, 'tokenExpired');
    expect(renewals).toHaveLength(1);
    renewals[0]?.renewWithAuthToken(tokens[0] ?? '');
    renewals[0]?.renewWithAuthToken(tokens[1] ?? '');
    renewals[0]?.renew();
    renewals[0]?.unableToRetrieveAuthToken();
    await untilState(one, 'established');
    expect(one.get()?.id).toBe(before?.id);
    expect(one.get()?.expiresAtMs).toBeGreaterThan((before?.expiresAtMs ?? 0) + 500_000);
    const sent = proxy.texts('up').filter((text) => /"renew"|"postpone_renewal"/.test(text));
    expect(sent).toHaveLength(1);
    expect(sent[0]).toContain(tokens[0]);
    expect(renewals).toHaveLength(1);
  });

  it('a token that the sessionHandler gives while the link is lost goes into the resume', async () => {
    const proxy = await faultProxy(used.gateway);
    const username = unique('ada');
    const asked = deferred<Renewal>();
    const handler = vi.fn((renewal: Renewal) => {
      asked.resolve(renewal);
    });
    const one = manager(proxy, { sessionHandler: { sessionWillRenewAccessToken: handler } });
    await one.start({ token: await used.gateway.sessionToken({ username, ttl_s: SHORT_S }) });
    const before = one.get();
    const renewal = await asked.promise;
    proxy.refuse(true);
    proxy.cut();
    await until(one.connection, ({ status }) => status === 'waiting');
    renewal.renewWithAuthToken(await used.gateway.sessionToken({ username, ttl_s: 600 }));
    proxy.refuse(false);
    one.retryNow();
    await until(one.connection, ({ status }) => status === 'live');
    const resumes = proxy.texts('up').filter((text) => text.includes('"resume"'));
    expect(resumes).toHaveLength(1);
    expect(resumes[0]).toContain('"auth_token"');
    expect(one.get()?.id).toBe(before?.id);
    expect(one.get()?.expiresAtMs).toBeGreaterThan((before?.expiresAtMs ?? 0) + 500_000);
    expect(proxy.texts('up').filter((text) => /"renew"|"start"/.test(text))).toHaveLength(1);
    expect(handler).toHaveBeenCalledTimes(1);
  });

  it.each(['has no token', 'throws', 'rejects'])(
    'a sessionHandler that %s is not asked again before the gateway does',
    async (what) => {
      const proxy = await faultProxy(used.gateway);
      const username = unique('ada');
      const failure = new Error('no backend');
      const handler = vi.fn((renewal: Renewal): Promise<void> | undefined => {
        if (what === 'throws') throw failure;
        if (what === 'rejects') return Promise.reject(failure);
        renewal.unableToRetrieveAuthToken();
        return undefined;
      });
      const one = manager(proxy, { sessionHandler: { sessionWillRenewAccessToken: handler } });
      await one.start({ token: await used.gateway.sessionToken({ username, ttl_s: SHORT_S }) });
      await proxy.frame('down', (text) => text.includes('"postponed"'));
      await untilState(one, 'tokenExpired');
      expect(handler).toHaveBeenCalledTimes(1);
      expect(one.errors).toEqual(
        what === 'has no token' ? [] : [{ error: failure, where: 'sessionWillRenewAccessToken' }],
      );
      expect(proxy.texts('up').filter((text) => text.includes('"postpone_renewal"'))).toHaveLength(1);
    },
  );

  it('Denied ends the session with a typed reason', async () => {
    const proxy = await faultProxy(used.gateway);
    const username = unique('ada');
    const one = manager(proxy);
    let isDenied = false;
    await one.start({
      token: async () => {
        if (isDenied) throw new Denied('account closed');
        return used.gateway.sessionToken({ username });
      },
    });
    isDenied = true;
    await used.gateway.api('POST', `users/${username}/revoke`);
    expect(await until(one.state, ({ code }) => code === 'denied')).toMatchObject({ reason: 'account closed' });
    const again = await one.start({
      token: () => {
        throw new Denied('no');
      },
    });
    expect(again.error).toMatchObject({ code: 'denied' });
  });

  it('revoked credentials are asked for again, with reason reauth', async () => {
    const username = unique('ada');
    const reasons: string[] = [];
    const one = manager(used.gateway);
    await one.start({
      token: async ({ reason }) => {
        reasons.push(reason);
        return used.gateway.sessionToken({ username });
      },
    });
    const { id } = one.get() ?? {};
    await used.gateway.api('POST', `users/${username}/revoke`);
    await until(one.session, (session) => session !== null && session.id !== id);
    expect(new Set(reasons)).toEqual(new Set(['start', 'reauth']));
  });

  it('a clock that is an hour off expires nothing', async () => {
    const clock = vi
      .spyOn(Date, 'now')
      .mockImplementation(() => performance.timeOrigin + performance.now() + 3_600_000);
    cleanUp(() => clock.mockRestore());
    const proxy = await faultProxy(used.gateway);
    const username = unique('ada');
    const source = vi.fn(() => used.gateway.sessionToken({ username, ttl_s: 600 }));
    const one = manager(proxy);
    await one.start({ token: source });
    proxy.cut();
    await until(one.connection, ({ status }) => status === 'waiting');
    one.retryNow();
    await until(one.connection, ({ status }) => status === 'live');
    expect(source).toHaveBeenCalledTimes(1);
    expect(one.state.value.state).toBe('established');
  });
});

describe('the queue', () => {
  it('check 17: 64 sends offline keep their order, and five with a deadline of 1 s are never sent', async () => {
    const clock = simulatedClock();
    const proxy = await faultProxy(used.gateway);
    const [one, two] = [await started(proxy, { requestTimeoutMs: 20_000 }), await started(used.gateway)];
    const name = unique('room');
    const [room, other] = [one.room(name), two.room(name)];
    await Promise.all([room.join(), other.join()]);
    const received: unknown[] = [];
    const last = deferred();
    other.on('signal', ({ data }) => {
      received.push(data);
      if (data === 'last') last.resolve();
    });
    proxy.refuse(true);
    proxy.cut();
    await until(one.connection, ({ status }) => status === 'waiting');
    const offlineAt = clock.now();
    const isUrgent = (index: number): boolean => index % 13 === 5;
    const results = Array.from({ length: 64 }, (_, index) =>
      room
        .send('n', index, isUrgent(index) ? { timeoutMs: 1_000 } : {})
        .then(() => clock.now() - offlineAt)
        .catch((error: unknown) => Object.assign(error as StagedoorError, { atMs: clock.now() - offlineAt })),
    );
    const beyond = await room.send('n', 64).catch((error: unknown) => error);
    expect(beyond).toMatchObject({ code: 'queue_full', outcome: 'not-sent' });
    expect(clock.now()).toBe(offlineAt);
    // One second at a time: what an attempt causes on a socket is handled in between.
    for (let second = 0; second < 10; second += 1) {
      await clock.advance(1_000);
      await until(one.connection, ({ status }) => status === 'waiting');
    }
    const late = await Promise.all(results.filter((_, index) => isUrgent(index)));
    expect(late).toHaveLength(5);
    for (const error of late) expect(error).toMatchObject({ code: 'deadline', outcome: 'not-sent', atMs: 1_000 });
    proxy.refuse(false);
    one.retryNow();
    await clock.advance(0);
    const inTime = await Promise.all(results.filter((_, index) => !isUrgent(index)));
    expect(new Set(inTime)).toEqual(new Set([10_000]));
    await room.send('n', 'last');
    await last.promise;
    const expected = [...Array(64).keys()].filter((index) => !isUrgent(index));
    expect(received).toEqual([...expected, 'last']);
    expect(proxy.texts('up').filter((text) => text.includes('"signal"'))).toHaveLength(60);
  });

  it('an aborted call that was not sent never is', async () => {
    const proxy = await faultProxy(used.gateway);
    const one = await started(proxy);
    const room = one.room(unique('room'));
    await room.join();
    proxy.refuse(true);
    proxy.cut();
    await until(one.connection, ({ status }) => status === 'waiting');
    const controller = new AbortController();
    const sent = room.send('n', 1, { signal: controller.signal });
    controller.abort();
    await expect(sent).rejects.toMatchObject({ code: 'aborted', outcome: 'not-sent' });
    proxy.refuse(false);
    one.retryNow();
    await until(one.connection, ({ status }) => status === 'live');
    await room.send('n', 2);
    expect(proxy.texts('up').filter((text) => text.includes('"data":1'))).toEqual([]);
  });
});
