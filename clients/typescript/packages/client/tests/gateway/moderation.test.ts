// Moderation commands with their receipts, and forced mutes.

import { describe, expect, it } from 'vitest';

import type { Action, OwnStream, Room } from '../../src/index.js';
import { deferred, faultProxy, started, type TestManager, unique, until, useGateway } from '../harness/index.js';

const used = useGateway();

interface Call {
  readonly moderator: Room;
  readonly room: Room;
  readonly own: OwnStream;
  readonly member: TestManager;
}

/** A moderator, and a member who publishes a stream. */
async function call(
  at: { readonly url: string } = used.gateway,
  audio: { tracks?: { kind: string; enabled: boolean }[] } = {},
): Promise<Call> {
  const name = unique('room');
  const [boss, member] = [await started(used.gateway), await started(at)];
  const moderator = boss.room(name, { token: () => used.gateway.roomToken({ room: name, role: 'moderator' }) });
  const room = member.room(name);
  await Promise.all([moderator.join(), room.join()]);
  const own = await room.publish({ kind: 'camera', hasAudio: true, hasVideo: true, ...audio });
  await until(moderator.streams, (all) => all.size === 1);
  return { moderator, room, own, member };
}

const streamOf = (own: OwnStream): string => own.stream.value?.id ?? '';

describe('forced mutes', () => {
  it('is acknowledged only after the callback switched off', async () => {
    const proxy = await faultProxy(used.gateway);
    const { moderator, own } = await call(proxy);
    const off = deferred();
    const called = deferred<boolean>();
    own.onForcedMute(async ({ lock }) => {
      called.resolve(lock);
      await off.promise;
    });
    const action = await moderator.moderation.mute({ stream: streamOf(own) }, { lock: true });
    expect(action.targets).toBe(1);
    expect(await called.promise).toBe(true);
    expect(proxy.texts('up').some((text) => text.includes('update_stream'))).toBe(false);
    off.resolve();
    expect((await action.settled()).counts).toMatchObject({ enforced: 1, pending: 0, ignored: 0 });
    expect(own.stream.value).toMatchObject({ hasAudio: false, muted: true });
    await expect(own.update({ hasAudio: true })).rejects.toMatchObject({ code: 'muted_by_moderator' });
    await (await moderator.moderation.lift({ stream: streamOf(own) })).settled();
    await until(own.stream, (stream) => stream?.muted === false);
    await own.update({ hasAudio: true });
  });

  it.each(['throws', 'hangs', 'is missing'])('a callback that %s ends in an unpublished stream', async (what) => {
    const { moderator, room, own, member } = await call();
    if (what === 'throws') own.onForcedMute(() => Promise.reject(new Error('device busy')));
    if (what === 'hangs') own.onForcedMute(() => new Promise(() => undefined));
    const action = await moderator.moderation.mute({ stream: streamOf(own) });
    await until(own.stream, (stream) => stream === null);
    await until(moderator.streams, (all) => all.size === 0);
    expect((await action.settled()).counts.pending).toBe(0);
    expect(room.streams.value.size).toBe(0);
    expect(member.errors.length).toBe(what === 'is missing' ? 0 : 1);
  });

  it('tracks that the package was given are switched off', async () => {
    const tracks = [
      { kind: 'audio', enabled: true },
      { kind: 'video', enabled: true },
    ];
    const { moderator, own } = await call(used.gateway, { tracks });
    const action = await moderator.moderation.muteAll();
    expect((await action.settled()).counts.enforced).toBe(1);
    expect(tracks.map(({ enabled }) => enabled)).toEqual([false, true]);
    expect(own.stream.value?.hasAudio).toBe(false);
  });

  it('a mute while suspended is enforced after the resume', async () => {
    const proxy = await faultProxy(used.gateway);
    const { moderator, own, member } = await call(proxy);
    const called = deferred();
    own.onForcedMute(() => called.resolve());
    proxy.refuse(true);
    proxy.cut();
    await until(member.connection, ({ status }) => status === 'waiting');
    await until(moderator.participants, (all) => [...all.values()].some(({ link }) => link === 'suspended'));
    const action = await moderator.moderation.mute({ stream: streamOf(own) });
    proxy.refuse(false);
    member.retryNow();
    await called.promise;
    expect((await action.settled()).counts.enforced).toBe(1);
  });

  it('a stream published under a mute of the room is silenced', async () => {
    const { moderator, own, room } = await call();
    await own.unpublish();
    await (await moderator.moderation.muteAll({ lock: true })).settled();
    const next = await room.publish({ kind: 'camera', hasAudio: true, hasVideo: true });
    const called = deferred();
    next.onForcedMute(() => called.resolve());
    if (next.stream.value?.hasAudio) await called.promise;
    await until(next.stream, (stream) => stream !== null && stream.muted && !stream.hasAudio);
  });
});

describe('commands', () => {
  it('each is an action with receipts', async () => {
    const { moderator, room, own, member } = await call();
    const { moderation } = moderator;
    const me = room.state.value.me?.id ?? '';
    const asked = deferred();
    room.on('unmuteRequested', () => asked.resolve());
    await own.update({ hasAudio: false });
    await moderation.askUnmute(streamOf(own));
    await asked.promise;
    await own.update({ hasAudio: true });
    for (const action of [
      await moderation.lock(),
      await moderation.unlock(),
      await moderation.muteAll({ except: [streamOf(own)] }),
      await moderation.endMuteAll(),
      await moderation.setRole(me, 'subscriber'),
    ]) {
      expect((await action.settled()).counts.pending).toBe(0);
    }
    await until(room.state, ({ me: now }) => now?.role === 'subscriber');
    expect(room.state.value.capabilities.publish).toBe(false);
    expect(own.stream.value).toBeNull();
    const { username } = member.get()?.user ?? { username: '' };
    const left = deferred<string>();
    room.on('left', ({ why, reason }) => left.resolve(`${why} ${reason ?? ''}`));
    await (await moderation.remove({ participant: me }, { block: { forMs: 60_000 }, reason: 'spam' })).settled();
    expect(await left.promise).toBe('removed spam');
    expect(room.state.value.membership).toBe('removed');
    await expect(room.join()).rejects.toMatchObject({ code: 'blocked' });
    await moderation.unblock(username);
    await room.join();
    await (await moderation.endRoom()).settled();
    await until(room.state, ({ membership }) => membership === 'ended');
  });

  it('receipts say whether the store has the command, once and for all', async () => {
    const proxy = await faultProxy(used.gateway);
    const name = unique('room');
    const [boss, member] = [await started(proxy), await started(used.gateway)];
    const room = boss.room(name, { token: () => used.gateway.roomToken({ room: name, role: 'moderator' }) });
    await Promise.all([room.join(), member.room(name).join()]);
    const { moderation } = room;
    const me = member.room(name).state.value.me?.id ?? '';
    const durable = async (action: Action): Promise<void> => {
      const seen: boolean[] = [];
      action.receipts.subscribe((receipts) => seen.push(receipts.durable));
      await until(action.receipts, (receipts) => receipts.durable);
      expect(seen[0]).toBe(false);
    };
    await durable(await moderation.muteAll({ lock: true }));
    await durable(await moderation.setRole(me, 'subscriber'));
    await durable(await moderation.remove({ participant: me }, { block: { forMs: 60_000 } }));
    const action = await moderation.lock();
    await durable(action);
    // Another node, to which the session moved, may not know it.
    const frames = proxy.texts('down').map((text) => JSON.parse(text) as { seq?: number });
    const last = frames.findLast((frame) => JSON.stringify(frame).includes('"durable":true')) as {
      moderation: object;
    };
    const seq = Math.max(...frames.map((frame) => frame.seq ?? 0)) + 1;
    proxy.inject(JSON.stringify({ seq, moderation: { ...last.moderation, elapsed_ms: 7_000, durable: false } }));
    expect(await until(action.receipts, ({ elapsedMs }) => elapsedMs === 7_000)).toMatchObject({ durable: true });
  });

  it('the end of a room is durable after the room was left', async () => {
    const { moderator } = await call();
    const action = await moderator.moderation.endRoom();
    await until(moderator.state, ({ membership }) => membership === 'ended');
    await until(action.receipts, ({ durable }) => durable);
  });

  it('exactly one target, also at run time', async () => {
    const { moderator } = await call();
    for (const target of [{}, { stream: 'a', username: 'b' }, { participant: undefined }]) {
      await expect(moderator.moderation.mute(target as never)).rejects.toMatchObject({ code: 'invalid_argument' });
    }
  });

  it('a refused command is an error with its scope', async () => {
    const { room } = await call();
    await expect(room.moderation.lock()).rejects.toMatchObject({
      code: 'forbidden',
      missing: 'moderate',
      outcome: 'refused',
    });
  });

  it('the feed shows all sessions until it is aborted', async () => {
    const { moderator, member } = await call();
    const controller = new AbortController();
    const feed = moderator.moderation.feed({ signal: controller.signal });
    const entries = await until(feed, (all) => all.size === 2);
    expect([...entries.values()].map(({ username }) => username)).toContain(member.get()?.user.username);
    await member.stop();
    await until(feed, (all) => all.size === 1);
    controller.abort();
    expect(feed.value.size).toBe(0);
  });
});
