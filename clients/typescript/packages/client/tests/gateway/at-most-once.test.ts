// Check 18: the link is cut after each byte of a request and of its reply, for every command with a `ref`.

import { describe, expect, it } from 'vitest';

import type { OwnStream, Room, StagedoorError, Subscription } from '../../src/index.js';
import {
  deferred,
  demo,
  faultProxy,
  type FaultProxy,
  manager,
  type TestManager,
  unique,
  until,
  untilState,
  useGateway,
} from '../harness/index.js';

const used = useGateway(
  demo(`
[limits]
commands_per_s = 10000
commands_burst = 100000
pings_per_s = 1000
pings_burst = 10000
resumes_per_s = 1000
resumes_burst = 10000
joins_per_s = 1000
starts_per_s_per_address = 1000
rooms_opened_per_minute = 6000
signals_per_s_per_room = 10000
moderator_signals_per_s_per_room = 10000
roster_interval = "1s"
`),
);

/** Every so many bytes the session is lost too, and the reply with it. */
const LOST_SESSION_EACH = 16;

interface Stage {
  /** The client whose link is cut: a moderator. */
  readonly actor: TestManager;
  readonly room: Room;
  readonly proxy: FaultProxy;
  /** The owner of a stream, whose pushes are counted. */
  readonly observer: Room;
  readonly pushes: string[];
  /** Another moderator, who prepares and undoes. */
  readonly boss: Room;
  readonly victim: Room;
  own: OwnStream;
  subscription?: Subscription;
  /** How often the effect took place. */
  count: number;
}

/** One command, ready to take effect once. */
interface Prepared {
  readonly run: (ref: string) => Promise<unknown>;
  /** The pushes at the observer that show the effect. Without them the audit log does. */
  readonly effect?: (push: string) => boolean;
  /** Undoes the effect, so that a second one would show. */
  readonly undo?: () => Promise<unknown>;
}

interface Kind {
  readonly reply: string;
  readonly isAudited: boolean;
  /** It is about the participant of one session. */
  readonly isOfSession?: boolean;
  prepare(stage: Stage): Prepared | Promise<Prepared>;
}

const participantOf = (room: Room): string => room.state.value.me?.id ?? '';
const streamOf = (own: OwnStream): string => own.stream.value?.id ?? '';
const pushOf =
  (name: string, ...parts: string[]) =>
  (push: string): boolean =>
    push.includes(`"${name}":`) && parts.every((part) => push.includes(part));

async function publish(room: Room): Promise<OwnStream> {
  const own = await room.publish({ kind: 'camera', hasAudio: true, hasVideo: false });
  own.onForcedMute(() => undefined);
  return own;
}

async function audible({ boss, own }: Stage): Promise<void> {
  await boss.moderation.endMuteAll();
  await boss.moderation.lift({ stream: streamOf(own) });
  await until(own.stream, (stream) => stream?.muted === false);
  await own.update({ hasAudio: true });
}

/** Of commands that no push shows. */
const NO_EFFECT = (): boolean => false;
const action = (prepare: Kind['prepare']): Kind => ({ isAudited: true, reply: 'accepted', prepare });

const KINDS: Record<string, Kind> = {
  signal: {
    isAudited: false,
    reply: 'sent',
    prepare: ({ room }) => ({ effect: pushOf('signal', '"type":"n"'), run: (ref) => room.send('n', 1, { ref }) }),
  },
  unpublish: {
    isAudited: false,
    reply: 'unpublished',
    prepare: async ({ room }) => {
      const own = await publish(room);
      return { effect: pushOf('stream_unpublished', streamOf(own)), run: (ref) => own.unpublish({ ref }) };
    },
  },
  subscribe: {
    isAudited: false,
    reply: 'subscribed',
    isOfSession: true,
    prepare: async (stage) => {
      const { room, own, subscription } = stage;
      await subscription?.unsubscribe();
      const run = async (ref: string): Promise<void> => {
        stage.subscription = await room.subscribe(streamOf(own), { ref });
      };
      return { effect: pushOf('stream_subscribed'), run };
    },
  },
  unsubscribe: {
    isAudited: false,
    reply: 'unsubscribed',
    isOfSession: true,
    prepare: async ({ room, own }) => {
      const subscription = await room.subscribe(streamOf(own));
      return { effect: pushOf('stream_unsubscribed'), run: (ref) => subscription.unsubscribe({ ref }) };
    },
  },
  force_disconnect: action(async ({ room, victim }) => {
    const target = { username: `victim-${room.name}` };
    return {
      effect: pushOf('participant_left', participantOf(victim)),
      run: (ref) => room.moderation.remove(target, { block: { forMs: 0 }, ref }),
      undo: async () => {
        await until(victim.state, ({ membership }) => membership === 'removed');
        await victim.join();
      },
    };
  }),
  unblock: action(async ({ room, boss }) => {
    const block = (): Promise<unknown> => boss.moderation.remove({ username: 'ghost' }, { block: { forMs: 60_000 } });
    await block();
    return { run: (ref) => room.moderation.unblock('ghost', { ref }), undo: block };
  }),
  force_unpublish: action(async (stage) => {
    stage.own = stage.own.stream.value ? stage.own : await publish(stage.observer);
    const id = streamOf(stage.own);
    return {
      effect: pushOf('stream_unpublished', id),
      run: (ref) => stage.room.moderation.unpublish(id, { ref }),
      undo: () => until(stage.own.stream, (stream) => stream === null),
    };
  }),
  force_mute: action((stage) => ({
    effect: pushOf('mute_forced', '"active":true'),
    run: (ref) => stage.room.moderation.mute({ stream: streamOf(stage.own) }, { ref }),
    undo: () => audible(stage),
  })),
  lift_mute: action(async ({ room, boss, own }) => {
    const mute = (): Promise<unknown> => boss.moderation.mute({ stream: streamOf(own) });
    await mute();
    const run = (ref: string): Promise<unknown> => room.moderation.lift({ stream: streamOf(own) }, { ref });
    return { effect: pushOf('mute_forced', '"active":false'), run, undo: mute };
  }),
  force_mute_all: action((stage) => ({
    effect: pushOf('mute_forced', '"active":true'),
    run: (ref) => stage.room.moderation.muteAll({ ref }),
    undo: () => audible(stage),
  })),
  disable_force_mute: action(async ({ room, boss }) => {
    const mute = (): Promise<unknown> => boss.moderation.muteAll();
    await mute();
    const run = (ref: string): Promise<unknown> => room.moderation.endMuteAll({ ref });
    return { effect: pushOf('mute_forced', '"active":false'), run, undo: mute };
  }),
  request_unmute: action(async ({ room, own }) => {
    await own.update({ hasAudio: false });
    return {
      effect: pushOf('unmute_requested'),
      run: (ref) => room.moderation.askUnmute(streamOf(own), { ref }),
    };
  }),
  set_role: action(({ room, boss, victim }) => {
    const target = participantOf(victim);
    return {
      effect: pushOf('role_changed', '"role":"subscriber"'),
      run: (ref) => room.moderation.setRole(target, 'subscriber', { ref }),
      undo: () => boss.moderation.setRole(target, 'publisher'),
    };
  }),
  lock_room: action(({ room, boss }) => ({
    effect: pushOf('room_state', '"locked":true'),
    run: (ref) => room.moderation.lock({ ref }),
    undo: () => boss.moderation.unlock(),
  })),
  unlock_room: action(async ({ room, boss }) => {
    await boss.moderation.lock();
    return {
      effect: pushOf('room_state', '"locked":false'),
      run: (ref) => room.moderation.unlock({ ref }),
      undo: () => boss.moderation.lock(),
    };
  }),
  end_room: action(({ room, boss, observer, victim }) => ({
    effect: pushOf('room_ended'),
    run: (ref) => room.moderation.endRoom({ ref }),
    undo: async () => {
      for (const one of [boss, observer, victim]) await until(one.state, ({ membership }) => membership === 'ended');
      // In a new session it may have joined the room that is open since then.
      await room.leave();
      await Promise.all([room, boss, observer, victim].map((one) => one.join()));
    },
  })),
};

describe('check 18: a link that is cut after each byte of a request and of its reply', () => {
  it('each promise ends, and a repetition with its ref has no second effect', async () => {
    // Side by side, for the gateway commits to its disk for all of them at once.
    const failed: string[] = [];
    const cut = async ([name, kind]: [string, Kind]): Promise<void> => {
      await cutEverywhere(kind).catch((error: unknown) => failed.push(`${name}: ${String(error)}`));
    };
    await Promise.all(Object.entries(KINDS).map(cut));
    expect(failed).toEqual([]);
  }, 240_000);
});

async function cutEverywhere(kind: Kind): Promise<void> {
  const stage = await setUp();
  const refs = [unique('ref')];
  // The first time whole, in order to learn how many bytes there are.
  const sizes = await round(stage, kind, refs[0] ?? '');
  for (const way of ['up', 'down'] as const) {
    for (let bytes = 0; bytes <= sizes[way]; bytes += 1) {
      const ref = `r${String(refs.length).padStart(4, '0')}`;
      const isSessionLost = !kind.isOfSession && refs.length % LOST_SESSION_EACH === 0;
      refs.push(ref);
      await round(stage, kind, ref, { way, bytes, isSessionLost });
    }
  }
  expect(refs.length).toBeGreaterThan(100);
  if (kind.isAudited) expect(await notAuditedOnce(stage.room.name, refs)).toEqual([]);
}

interface Cut {
  readonly way: 'up' | 'down';
  readonly bytes: number;
  readonly isSessionLost: boolean;
}

/** One command with one cut, and its repetition. Returns the sizes of its frames. */
async function round(stage: Stage, kind: Kind, ref: string, cut?: Cut): Promise<{ up: number; down: number }> {
  const { proxy } = stage;
  const before = stage.count;
  const { run, undo, effect = NO_EFFECT } = await kind.prepare(stage);
  const isRequest = (text: string): boolean => text.includes(`"ref":"${ref}"`);
  const isReply = (text: string): boolean => text.includes(`"ok":{"${kind.reply}":`);
  const since = proxy.frames.length;
  if (cut) {
    const match = cut.way === 'up' ? isRequest : isReply;
    proxy.rule({ way: cut.way, match, fault: { kind: 'cut', bytes: cut.bytes } });
  }
  const failed = run(ref).then(
    () => undefined,
    (error: unknown) => error as StagedoorError,
  );
  if (cut) await comeBack(stage, cut.isSessionLost);
  const error = await failed;
  if (error) {
    expect(error.outcome, `${ref}: ${error.code}, ${error.message}`).toBe('unknown');
    await run(ref);
  }
  await undo?.();
  if (!error) await run(ref);
  stage.count += await effects(stage, effect);
  expect(stage.count - before, `the effects of ${ref}`).toBe(effect === NO_EFFECT ? 0 : 1);
  const size = (way: 'up' | 'down', match: (text: string) => boolean): number =>
    proxy.frames.slice(since).find((frame) => frame.way === way && match(frame.text))?.size ?? 0;
  return { up: size('up', isRequest), down: size('down', isReply) };
}

/** The link broke: the session is resumed, or lost for a new one. */
async function comeBack({ actor, room }: Stage, isSessionLost: boolean): Promise<void> {
  await until(actor.connection, ({ status }) => status !== 'live');
  if (!isSessionLost) {
    actor.retryNow();
    await until(actor.connection, ({ status }) => status === 'live');
    return;
  }
  await used.gateway.api('DELETE', `sessions/${actor.get()?.id ?? ''}`);
  actor.retryNow();
  await untilState(actor, 'terminated');
  await start(actor, room.name);
  await room.join();
}

/** How often the effect was seen since the last call. */
async function effects({ boss, observer, pushes }: Stage, effect: (push: string) => boolean): Promise<number> {
  // All that happened in the room before this signal was pushed before it.
  const mark = unique('mark');
  const arrived = deferred();
  const stop = observer.on('signal', ({ data }) => {
    if (data === mark) arrived.resolve();
  });
  await boss.send('mark', mark);
  await arrived.promise;
  stop();
  return pushes.splice(0).filter(effect).length;
}

/** The refs that the audit log does not have as exactly one command: its rows have the version of the command. */
async function notAuditedOnce(room: string, refs: string[]): Promise<string[]> {
  const versions = new Map<string, Set<number>>();
  let cursor: string | undefined;
  do {
    const query = `audit?room=${room}&limit=100${cursor ? `&cursor=${cursor}` : ''}`;
    const page = await used.gateway.api<{ items: { ref?: string; version: number }[]; next?: string }>('GET', query);
    for (const { ref = '', version } of page.items) versions.set(ref, (versions.get(ref) ?? new Set()).add(version));
    cursor = page.next;
  } while (cursor !== undefined);
  return refs.filter((ref) => versions.get(ref)?.size !== 1);
}

async function start(actor: TestManager, room: string): Promise<void> {
  const token = (): Promise<string> => tokenOf(`actor-${room}`, 'moderator');
  expect((await actor.start({ token })).error).toBeUndefined();
}

function tokenOf(username: string, role: string): Promise<string> {
  return used.gateway.sessionToken({ username, rooms: { '*': role } });
}

async function setUp(): Promise<Stage> {
  const proxy = await faultProxy(used.gateway);
  const name = unique('r');
  const pushes: string[] = [];
  const [actor, chief, watcher, third] = [
    manager(proxy),
    manager(used.gateway),
    manager(used.gateway, {
      onFrame: ({ direction, text }) => {
        if (direction === 'in') pushes.push(text);
      },
    }),
    manager(used.gateway),
  ];
  await start(actor, name);
  await chief.start({ token: await tokenOf(`boss-${name}`, 'moderator') });
  await watcher.start({ token: await tokenOf(`observer-${name}`, 'publisher') });
  await third.start({ token: await tokenOf(`victim-${name}`, 'publisher') });
  const [room, boss, observer, victim] = [actor.room(name), chief.room(name), watcher.room(name), third.room(name)];
  await Promise.all([room.join(), boss.join(), observer.join(), victim.join()]);
  return { actor, room, proxy, observer, pushes, boss, victim, own: await publish(observer), count: 0 };
}
