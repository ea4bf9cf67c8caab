// The pure parts: backoff, frames, close codes, states, the request table, observables, roster, tokens.

import { describe, expect, it, vi } from 'vitest';

import { Backoff, CAP_MS } from '../../src/core/backoff.js';
import { actionAfter } from '../../src/core/close.js';
import { Denied, StagedoorError } from '../../src/core/errors.js';
import { decodeFrame } from '../../src/core/frames.js';
import { Notifier, Store } from '../../src/core/observable.js';
import { Requests, type RequestSpec } from '../../src/core/requests.js';
import { pathTo } from '../../src/core/states.js';
import { subjectOf, Tokens } from '../../src/core/tokens.js';
import { Roster } from '../../src/room/roster.js';

describe('backoff', () => {
  it('is anywhere below a bound that doubles up to the cap', () => {
    const highest = new Backoff(() => 0.999_999);
    const waits = Array.from({ length: 8 }, () => Math.round(highest.next()));
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, CAP_MS, CAP_MS, CAP_MS]);
    const lowest = new Backoff(() => 0);
    expect([lowest.next(), lowest.next(5_000)]).toEqual([0, 5_000]);
  });

  it('is reset only by a connection that proved usable', () => {
    const backoff = new Backoff(() => 0.5);
    expect([backoff.next(), backoff.next()]).toEqual([500, 1_000]);
    backoff.recordUptime(9_999);
    expect(backoff.next()).toBe(2_000);
    backoff.recordUptime(10_000);
    expect(backoff.next()).toBe(500);
  });
});

describe('close codes', () => {
  it.each([
    [1000, 'stop'],
    [1001, 'retry'],
    [1005, 'retry'],
    [1006, 'retry'],
    [1012, 'retry'],
    [3000, 'retry'],
    [4099, 'stop'],
    [4199, 'reauth'],
    [4250, 'retry'],
    [4333, 'resume'],
    [4444, 'start'],
    [4599, 'stop'],
    [4700, 'retry'],
  ])('%i means %s', (code, action) => {
    expect(actionAfter(code)).toBe(action);
  });

  it('the disconnect takes precedence', () => {
    expect(actionAfter(1006, { code: 4300, reason: '', action: 'resume' })).toBe('resume');
    expect(actionAfter(4300, { code: 4300, reason: '', action: 'later' as 'resume' })).toBe('resume');
  });
});

describe('frames', () => {
  it.each([
    '',
    '[]',
    'null',
    '{}',
    '{"id":1}',
    '{"id":"1","ok":{}}',
    '{"seq":-1,"signal":{}}',
    '{"disconnect":{}}',
    'x',
  ])('rejects %s', (text) => {
    expect(decodeFrame(text)).toBeUndefined();
  });

  it('accepts an unknown push, for its number counts', () => {
    expect(decodeFrame('{"seq":7,"later":{"room":"x"}}')).toMatchObject({ kind: 'push', seq: 7 });
    expect(decodeFrame(new ArrayBuffer(2))).toBeUndefined();
  });
});

describe('states', () => {
  it('only legal ways are taken', () => {
    expect(pathTo('established', 'established')).toEqual([]);
    expect(pathTo('established', 'establishing')).toEqual(['notLoggedIn', 'establishing']);
    expect(pathTo('terminated', 'notLoggedIn')).toEqual([]);
    expect(pathTo('tokenExpired', 'established')).toEqual(['established']);
  });
});

describe('requests', () => {
  function add(table: Requests, over: Partial<RequestSpec> = {}): { id: number; end: () => unknown } {
    let end: unknown;
    const id = table.add({
      command: { leave: { room: 'x' } },
      deadline: 100,
      resolve: (reply) => (end = reply),
      reject: (error) => (end = error),
      ...over,
    });
    return { id, end: () => end };
  }

  it('never sends a request past its deadline', () => {
    const table = new Requests({ requests: 4, bytes: 1_000 });
    const late = add(table, { deadline: 10 });
    const early = add(table);
    expect(table.takeSendable(10)).toHaveLength(1);
    table.expire(10);
    expect(late.end()).toMatchObject({ code: 'deadline', outcome: 'not-sent' });
    table.expire(100);
    expect(early.end()).toMatchObject({ code: 'deadline', outcome: 'unknown' });
    expect(table.takeSendable(0)).toEqual([]);
  });

  it('is bounded in requests and bytes', () => {
    const table = new Requests({ requests: 2, bytes: 1_000 });
    add(table);
    add(table);
    expect(() => add(table)).toThrow(expect.objectContaining({ code: 'queue_full', outcome: 'not-sent' }));
    expect(() => add(new Requests({ requests: 2, bytes: 10 }))).toThrow(/too many/);
  });

  it('sends again only what a resumed session proves unreceived', () => {
    const table = new Requests({ requests: 4, bytes: 1_000 });
    const [answered, pending, unreceived] = [add(table), add(table), add(table)];
    const texts = table.takeSendable(0);
    table.connectionLost();
    expect(table.takeSendable(0)).toEqual([]);
    table.resumed([pending.id]);
    table.settle(answered.id, { ok: { left: {} } });
    table.replayFinished();
    expect(table.takeSendable(0)).toEqual([texts[2]]);
    table.sessionLost();
    expect(pending.end()).toMatchObject({ code: 'connection_lost', outcome: 'unknown' });
    expect(unreceived.end()).toMatchObject({ outcome: 'unknown' });
    expect(answered.end()).toEqual({ left: {} });
  });

  it('holds the requests of a room, and respects the bound in flight', () => {
    const table = new Requests({ requests: 8, bytes: 1_000 });
    table.setInFlight(2);
    table.hold('lobby');
    add(table, { room: 'lobby' });
    const join = add(table, { room: 'lobby', isUrgent: true });
    add(table);
    add(table);
    expect(table.takeSendable(0)).toHaveLength(2);
    table.release('lobby');
    table.settle(join.id, { ok: { left: {} } });
    expect(table.takeSendable(0)).toHaveLength(1);
  });

  it('reports a reply that came too late', () => {
    const table = new Requests({ requests: 8, bytes: 1_000 });
    const onLate = vi.fn();
    const { id } = add(table, { onLate });
    table.takeSendable(0);
    table.expire(100);
    expect(table.settle(id, { ok: { left: {} } })).toBe(false);
    expect(onLate).toHaveBeenCalledWith({ left: {} });
  });
});

describe('observables', () => {
  it('notifications are in order, one at a time, and agree', () => {
    const errors: unknown[] = [];
    const store = new Store(new Notifier((error) => errors.push(error)), 'test', 0);
    const seen: [number, number][] = [];
    store.subscribe((value) => {
      seen.push([value, store.value]);
      if (value === 1) store.set(2);
      if (value === 1) throw new Error('listener');
    });
    const second: number[] = [];
    store.subscribe((value) => second.push(value));
    store.set(1);
    store.set(2);
    expect(seen).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
    ]);
    expect(second).toEqual([0, 1, 2]);
    expect(errors).toHaveLength(1);
  });

  it('equal values are no change, and values are frozen', () => {
    const store = new Store<{ a: number }>(new Notifier(() => undefined), 'test', { a: 1 });
    const before = store.value;
    const listener = vi.fn();
    const stop = store.subscribe(listener);
    store.set({ a: 1 });
    expect(store.value).toBe(before);
    expect(Object.isFrozen(store.value)).toBe(true);
    stop();
    store.set({ a: 2 });
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it('an iterator yields the newest value only', async () => {
    const store = new Store(new Notifier(() => undefined), 'test', 0);
    const iterator = store[Symbol.asyncIterator]();
    expect(await iterator.next()).toEqual({ done: false, value: 0 });
    for (let value = 1; value <= 1_000; value += 1) store.set(value);
    expect(await iterator.next()).toEqual({ done: false, value: 1_000 });
    const last = iterator.next();
    await iterator.return?.();
    expect(await last).toEqual({ done: true, value: undefined });
  });

  it('each subscription is its own, also of one function', () => {
    const store = new Store(new Notifier(() => undefined), 'test', 0);
    const listener = vi.fn();
    const controller = new AbortController();
    store.subscribe(listener, { signal: controller.signal });
    store.subscribe(listener);
    controller.abort();
    store.set(1);
    expect(listener.mock.calls).toEqual([[0], [0], [1]]);
  });
});

describe('roster', () => {
  const participant = (id: string, role = 'publisher'): never =>
    ({ id, username: id, role, link: 'live', mute_locked: false }) as never;
  const stream = (id: string, owner: string): never =>
    ({ id, participant: owner, kind: 'camera', has_audio: true, has_video: true, muted: false }) as never;
  const snapshot = (version: number, ids: string[], streams: never[] = [], isLarge = false): never =>
    ({
      version,
      participants: ids.map((id) => participant(id)),
      streams,
      counts: { participants: ids.length, publishers: 0, streams: 0 },
      mute: { active: false, lock: false },
      locked: false,
      is_large: isLarge,
    }) as never;

  it('a reset emits what changed and keeps identities', () => {
    const roster = new Roster();
    roster.reset(snapshot(5, ['a', 'b', 'c']), true);
    const before = roster.participants;
    const events = roster.reset(snapshot(9, ['b', 'c', 'd']), true);
    expect(events.map((event) => event.type)).toEqual(['participantLeft', 'participantJoined']);
    expect(roster.participants.get('b')).toBe(before.get('b'));
    expect(roster.isNew(9)).toBe(false);
    expect(roster.isNew(10)).toBe(true);
    const same = roster.participants;
    expect(roster.reset(snapshot(11, ['b', 'c', 'd']), true)).toEqual([]);
    expect(roster.participants).toBe(same);
  });

  it('a participant who leaves takes the streams along', () => {
    const roster = new Roster();
    roster.reset(snapshot(1, ['a', 'b'], [stream('s', 'a')]), true);
    const events = roster.participantLeft('a', 'left');
    expect(events.map((event) => event.type)).toEqual(['streamEnded', 'participantLeft']);
    expect(roster.counts).toEqual({ participants: 1, publishers: 0, streams: 0 });
  });

  it('a mute turns off what it is of, and its end turns nothing on', () => {
    const roster = new Roster();
    roster.reset(snapshot(1, ['a', 'b'], [stream('s', 'a'), stream('t', 'b')]), true);
    const by = { server: {} };
    roster.muteForced({ room: 'x', version: 2, participant: 'a', active: true, lock: true, by });
    expect(roster.streams.get('s')).toMatchObject({ muted: true, hasAudio: false });
    expect(roster.streams.get('t')).toMatchObject({ muted: false, hasAudio: true });
    expect(roster.participants.get('a')?.muteLocked).toBe(true);
    roster.muteForced({ room: 'x', version: 3, participant: 'a', active: false, lock: false, by });
    expect(roster.streams.get('s')).toMatchObject({ muted: false, hasAudio: false });
    roster.muteForced({ room: 'x', version: 4, except: ['b'], active: true, lock: false, by });
    expect(roster.streams.get('t')?.hasAudio).toBe(true);
    expect(roster.mute).toEqual({ active: true, lock: false });
  });

  it('a large room lists moderators and publishers only', () => {
    const roster = new Roster();
    roster.reset(snapshot(1, ['a', 'b'], [stream('s', 'a')], true), true);
    expect(roster.streamEnded('s', 'left').map((event) => event.type)).toEqual(['streamEnded']);
    expect([...roster.participants.keys()]).toEqual(['b']);
    expect(roster.counts.participants).toBe(2);
  });
});

describe('tokens', () => {
  const make = (): { tokens: Tokens; errors: unknown[] } => {
    const errors: unknown[] = [];
    const tokens = new Tokens(
      (ms, signal) =>
        ms > 20_000
          ? new Promise((resolve) => {
              signal.addEventListener('abort', resolve);
            })
          : Promise.resolve(),
      () => 0,
      (error) => errors.push(error),
    );
    return { tokens, errors };
  };

  it('failures are tried again, and concurrent questions are one', async () => {
    const { tokens, errors } = make();
    const answers = [new Error('500'), new Error('500'), 'token'];
    const attempts: number[] = [];
    const source = async ({ attempt }: { attempt: number }): Promise<string> => {
      attempts.push(attempt);
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer ?? '';
    };
    const both = [tokens.get(source, 'renew'), tokens.get(source, 'reauth')];
    expect(await Promise.all(both)).toEqual(['token', 'token']);
    expect(attempts).toEqual([0, 1, 2]);
    expect(errors).toHaveLength(2);
  });

  it('Denied stops, and so does a cancel', async () => {
    const { tokens } = make();
    const denied = async (): Promise<string> => {
      throw new Denied('no');
    };
    await expect(tokens.get(denied, 'start')).rejects.toBeInstanceOf(Denied);
    const hanging = tokens.get(() => new Promise<string>(() => undefined), 'start');
    tokens.cancel();
    await expect(hanging).rejects.toBeInstanceOf(StagedoorError);
  });

  it('reads the subject of a token', () => {
    const payload = Buffer.from(JSON.stringify({ sub: 'adä' })).toString('base64url');
    expect(subjectOf(`x.${payload}.y`)).toBe('adä');
    expect(subjectOf('opaque')).toBeUndefined();
  });
});
