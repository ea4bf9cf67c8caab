// Check 20, and rooms in general: rosters, signals, streams, new sessions.

import { describe, expect, it } from 'vitest';

import type { Participant, RoomEvent } from '../../src/index.js';
import { deferred, faultProxy, manager, started, unique, until, useGateway } from '../harness/index.js';

const used = useGateway();

describe('joining', () => {
  it('check 20: a signal right behind joined reaches a later handler', async () => {
    const proxy = await faultProxy(used.gateway);
    const name = unique('room');
    const [one, two] = [await started(proxy), await started(used.gateway)];
    const other = two.room(name);
    await other.join();
    const joined = deferred();
    other.on('participantJoined', () => joined.resolve());
    proxy.rule({ way: 'down', match: (text) => text.includes('"joined"'), fault: { kind: 'hold' } });
    const joining = one.room(name).join();
    await joined.promise;
    for (let n = 0; n < 3; n += 1) await other.send('n', n);
    await proxy.frame('down', (text) => text.includes('"data":2'));
    proxy.release('down');
    await joining;
    const seen: unknown[] = [];
    const all = deferred();
    one.room(name).on('signal', ({ data }) => {
      seen.push(data);
      if (seen.length === 3) all.resolve();
    });
    await all.promise;
    expect(seen).toEqual([0, 1, 2]);
  });

  it('needs a session, and asks the loader for one', async () => {
    const bare = manager(used.gateway);
    await expect(bare.room('lobby').join()).rejects.toMatchObject({ code: 'no_active_session', outcome: 'not-sent' });
    expect(bare.room('lobby').state.value.membership).toBe('out');
    let loads = 0;
    const expired: unknown[] = [];
    const one = manager(used.gateway, {
      loader: {
        load: async (of, session) => {
          loads += 1;
          expired.push(session?.id);
          await of.start({ guest: unique('loaded') });
        },
      },
    });
    const [first, second] = [one.room(unique('room')), one.room(unique('room'))];
    await Promise.all([first.join(), second.join()]);
    expect(loads).toBe(1);
    const { id } = one.get() ?? {};
    await used.gateway.api('DELETE', `sessions/${id ?? ''}`);
    await until(one.state, ({ state }) => state === 'terminated');
    await first.join();
    expect(loads).toBe(2);
    expect(expired).toEqual([undefined, id]);
    const failing = manager(used.gateway, { loader: { load: () => undefined } });
    await expect(failing.room('lobby').join()).rejects.toMatchObject({ code: 'loader_failed' });
  });

  it('a refused join says why', async () => {
    const one = await started(used.gateway);
    const room = one.room(unique('room'), { token: 'wrong' });
    await expect(room.join()).rejects.toMatchObject({ code: 'token_invalid', outcome: 'refused' });
    expect(room.state.value.membership).toBe('out');
    expect(() => one.room('not a room')).toThrow(/room id/);
  });

  it('a join of a blocked user says until when', async () => {
    const one = await started(used.gateway);
    const room = one.room(unique('room'));
    await room.join();
    const left = new Promise<{ untilMs?: number | undefined }>((resolve) => room.on('left', resolve));
    const { username } = one.get()?.user ?? {};
    await used.gateway.api('POST', `rooms/${room.name}/force_disconnect`, { username, block: { for_ms: 60_000 } });
    const { untilMs } = await left;
    expect(untilMs).toBeGreaterThan(Date.now());
    await expect(room.join()).rejects.toMatchObject({ code: 'blocked', outcome: 'refused', untilMs });
  });

  it('a join that took effect too late is left again', async () => {
    const proxy = await faultProxy(used.gateway);
    const one = await started(proxy);
    const name = unique('room');
    proxy.rule({ way: 'down', match: (text) => text.includes('"joined"'), fault: { kind: 'hold' } });
    await expect(one.room(name).join({ timeoutMs: 200 })).rejects.toMatchObject({ code: 'deadline' });
    await proxy.frame('down', (text) => text.includes('"joined"'));
    proxy.release('down');
    await proxy.frame('down', (text) => text.includes('"left"'));
    expect(await used.gateway.usernames(name).catch(() => [])).toEqual([]);
  });
});

describe('the roster', () => {
  it('survives a new session: joined again, streams and subscriptions too', async () => {
    const proxy = await faultProxy(used.gateway);
    const name = unique('room');
    const [one, two] = [await started(proxy), await started(used.gateway)];
    const [room, other] = [one.room(name), two.room(name)];
    await Promise.all([room.join(), other.join()]);
    const theirs = await other.publish({ kind: 'camera', hasAudio: true, hasVideo: true });
    await until(room.streams, (all) => all.size === 1);
    await room.subscribe(theirs.stream.value?.id ?? '');
    const own = await room.publish({ kind: 'screen', hasAudio: false, hasVideo: true, name: 'slides' });
    const [me, stream] = [room.state.value.me, own.stream.value];
    const before = [...room.participants.value.values()].find(({ id }) => id !== me?.id);
    const subscribed = deferred();
    other.on('streamPublished', () => undefined);
    theirs.stream.subscribe(() => undefined);
    other.on('subscribed', () => subscribed.resolve());
    proxy.close(4400);
    await until(own.stream, (now) => now !== null && now.id !== stream?.id);
    await subscribed.promise;
    expect(room.state.value.me?.id).not.toBe(me?.id);
    expect(own.stream.value?.name).toBe('slides');
    expect(room.participants.value.get(before?.id ?? '')).toBe(before);
    await room.send('n', 1);
  });

  it('pages through everybody', async () => {
    const name = unique('room');
    const one = await started(used.gateway);
    await one.room(name).join();
    const all: Participant[] = [];
    for await (const participant of one.room(name).everybody()) all.push(participant);
    expect(all.map(({ id }) => id)).toEqual([one.room(name).state.value.me?.id]);
  });
});

describe('signals', () => {
  it('parsers type the data, and failures are events', async () => {
    const name = unique('room');
    const [one, two] = [await started(used.gateway), await started(used.gateway)];
    const room = one.room<{ chat: { text: string }; size: number }>(name, {
      signals: {
        chat: (data) => {
          const { text } = data as { text: unknown };
          if (typeof text !== 'string') throw new TypeError('text');
          return { text };
        },
        size: {
          '~standard': {
            validate: (data) =>
              typeof data === 'number' ? { value: data + 1 } : { issues: [{ message: 'no number' }] },
          },
        },
      },
    });
    const other = two.room(name);
    await Promise.all([room.join(), other.join()]);
    const events: RoomEvent<{ chat: { text: string }; size: number }>[] = [];
    const done = deferred();
    const reader = (async () => {
      for await (const event of room.events()) {
        if (event.type !== 'signal' && event.type !== 'invalidSignal') continue;
        events.push(event);
        if (events.length === 5) break;
      }
      done.resolve();
    })();
    for (const [type, data] of [
      ['chat', { text: 'hi' }],
      ['chat', {}],
      ['size', 1],
      ['size', 'x'],
      ['other', 1],
    ] as const) {
      await other.send(type, data);
    }
    await done.promise;
    await reader;
    expect(events.map((event) => [event.type, 'name' in event && event.name])).toEqual([
      ['signal', 'chat'],
      ['invalidSignal', 'chat'],
      ['signal', 'size'],
      ['invalidSignal', 'size'],
      ['invalidSignal', 'other'],
    ]);
    expect(events[2]).toMatchObject({ data: 2 });
  });

  it('a slow reader gets an error, not unbounded memory', async () => {
    const name = unique('room');
    const [one, two] = [await started(used.gateway), await started(used.gateway)];
    const [room, other] = [one.room(name), two.room(name)];
    await Promise.all([room.join(), other.join()]);
    const iterator = room.events({ limit: 2 })[Symbol.asyncIterator]();
    const third = deferred();
    let count = 0;
    room.on('signal', () => {
      count += 1;
      if (count === 3) third.resolve();
    });
    for (let n = 0; n < 3; n += 1) await other.send('n', n);
    await third.promise;
    await iterator.next();
    await iterator.next();
    await expect(iterator.next()).rejects.toMatchObject({ code: 'lagged' });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it('relay reaches both ends of a subscription', async () => {
    const name = unique('room');
    const [one, two] = [await started(used.gateway), await started(used.gateway)];
    const [room, other] = [one.room(name), two.room(name)];
    await Promise.all([room.join(), other.join()]);
    const own = await room.publish({ kind: 'camera', hasAudio: true, hasVideo: true });
    await until(other.streams, (all) => all.size === 1);
    const answered = deferred<unknown>();
    room.on('relay', ({ from, data }) => void own.relay(from, { answer: data }));
    other.on('relay', ({ data }) => answered.resolve(data));
    const subscription = await other.subscribe(own.stream.value?.id ?? '');
    await subscription.relay({ offer: 1 });
    expect(await answered.promise).toEqual({ answer: { offer: 1 } });
    await subscription.unsubscribe();
    await own.unpublish();
    expect(own.stream.value).toBeNull();
  });
});
