// Check 19, and random sequences of faults: after any of them, the roster is that of the server API.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { OwnStream, Participant, Room, Stream } from '../../src/index.js';
import {
  deferred,
  demo,
  faultProxy,
  type FaultProxy,
  started,
  type TestManager,
  unique,
  until,
  useGateway,
} from '../harness/index.js';
import { overflow, SMALL_RING } from '../harness/small-ring.js';
import { truthOf, viewOf } from '../harness/truth.js';

const used = useGateway(
  demo(`
subscriber_signals = true
[limits]
commands_per_s = 1000
commands_burst = 10000
resumes_per_s = 100
resumes_burst = 1000
joins_per_s = 1000
starts_per_s_per_address = 1000
rooms_opened_per_minute = 6000
signals_per_s_per_room = 10000
[drain]
spread = "1ms"
${SMALL_RING}`),
);

function named(room: Room, of: TestManager): Participant | undefined {
  return [...room.participants.value.values()].find(({ username }) => username === of.get()?.user.username);
}

describe('check 19: changes while suspended', () => {
  it('3 joins, 5 leaves, a role change and a reset', async () => {
    const proxy = await faultProxy(used.gateway);
    const name = unique('room');
    const one = await started(proxy);
    const room = one.room(name);
    await room.join();
    const others = await Promise.all(Array.from({ length: 8 }, () => started(used.gateway)));
    for (const other of others) await other.room(name).join();
    const [gone, changed, untouched] = [others.slice(0, 5), others[5], others[6]];
    const sender = others[7]?.room(name);
    if (!changed || !untouched || !sender) throw new Error('eight others');
    const own = await untouched.room(name).publish({ kind: 'camera', hasAudio: true, hasVideo: true });
    await until(room.participants, (all) => all.size === 9);
    await until(room.streams, (all) => all.size === 1);
    const [before, kept] = [named(room, changed), named(room, untouched)];
    const stream = room.streams.value.get(own.stream.value?.id ?? '');
    const events: string[] = [];
    const reset = deferred();
    room.on('participantLeft', ({ participant }) => events.push(`left ${participant.username}`));
    room.on('participantJoined', ({ participant }) => events.push(`joined ${participant.username}`));
    room.on('participantChanged', ({ participant }) => events.push(`changed ${participant.username}`));
    room.on('streamChanged', () => events.push('stream'));
    room.on('reset', () => {
      reset.resolve();
    });

    proxy.refuse(true);
    proxy.cut();
    await until(room.state, ({ membership }) => membership === 'suspended');
    for (const other of gone) await other.room(name).leave();
    await used.gateway.api('POST', `rooms/${name}/set_role`, { participant: before?.id, role: 'subscriber' });
    const fresh = await Promise.all(Array.from({ length: 3 }, () => started(used.gateway)));
    for (const other of fresh) await other.room(name).join();
    await overflow(sender);
    proxy.refuse(false);
    one.retryNow();
    await reset.promise;

    expect(viewOf(room)).toEqual(await truthOf(used.gateway, name));
    const usernames = (all: TestManager[]): string[] => all.map((other) => other.get()?.user.username ?? '');
    const expected = [
      ...usernames(gone).map((username) => `left ${username}`),
      ...usernames(fresh).map((username) => `joined ${username}`),
      `changed ${changed.get()?.user.username ?? ''}`,
    ];
    expect(events.sort()).toEqual(expected.sort());
    expect(room.participants.value.get(before?.id ?? '')).toMatchObject({ role: 'subscriber' });
    expect(room.participants.value.get(kept?.id ?? '')).toBe(kept);
    expect(room.streams.value.get(stream?.id ?? '')).toBe(stream);
  });
});

const OTHERS = 3;
const index = fc.nat({ max: OTHERS - 1 });
type Step =
  | { readonly what: 'cut' | 'stall' | 'release' | 'reset' | 'new session' | 'restart' | 'crash' | 'lock' | 'check' }
  | { readonly what: 'join' | 'leave' | 'publish' | 'unpublish'; readonly who: number }
  | { readonly what: 'role'; readonly who: number; readonly role: string };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constantFrom('cut', 'stall', 'release', 'reset', 'lock') }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constantFrom('new session', 'restart', 'crash') }) },
  { weight: 6, arbitrary: fc.record({ what: fc.constantFrom('join', 'leave', 'publish', 'unpublish'), who: index }) },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('role'),
      who: index,
      role: fc.constantFrom('moderator', 'publisher', 'subscriber'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('check') }) },
);

/** One client behind the proxy, others beside it, and what its events say. */
class World {
  readonly name = unique('room');
  readonly own = new Map<number, OwnStream>();
  readonly byEvents = { participants: new Map<string, Participant>(), streams: new Map<string, Stream>() };
  isLocked = false;

  private constructor(
    readonly proxy: FaultProxy,
    readonly one: TestManager,
    readonly host: TestManager,
    readonly others: readonly TestManager[],
  ) {}

  static async make(): Promise<World> {
    const proxy = await faultProxy(used.gateway);
    const [one, host, ...others] = await Promise.all([
      started(proxy),
      ...Array.from({ length: OTHERS + 1 }, () => started(used.gateway)),
    ]);
    if (!host) throw new Error('a host');
    const world = new World(proxy, one, host, others);
    await Promise.all([world.room.join(), host.room(world.name).join()]);
    world.#follow();
    return world;
  }

  get room(): Room {
    return this.one.room(this.name);
  }

  async take(step: Step): Promise<void> {
    switch (step.what) {
      case 'cut':
        this.proxy.refuse(true);
        this.proxy.cut();
        await until(this.one.connection, ({ status }) => status !== 'live');
        return;
      case 'stall':
        this.proxy.hold('down');
        return;
      case 'release':
        this.#heal();
        return;
      case 'reset':
        await overflow(this.host.room(this.name));
        return;
      case 'new session':
        this.#heal();
        await this.#allBack([this.one]);
        this.proxy.close(4499);
        await until(this.one.connection, ({ status }) => status !== 'live');
        return;
      case 'restart':
      case 'crash':
        await used.gateway.end(step.what === 'crash' ? 'SIGKILL' : 'SIGTERM');
        for (const one of [this.one, this.host, ...this.others])
          await until(one.connection, ({ status }) => status !== 'live');
        await used.gateway.again();
        await this.#allBack([this.host, ...this.others]);
        await this.#returnToLocked(this.host);
        return;
      case 'lock':
        this.isLocked = !this.isLocked;
        await used.gateway.api('POST', `rooms/${this.name}/${this.isLocked ? 'lock' : 'unlock'}`, {});
        return;
      case 'check':
        await this.check();
        return;
      case 'role': {
        const id = this.#other(step.who).state.value.me?.id;
        if (id) await used.gateway.api('POST', `rooms/${this.name}/set_role`, { participant: id, role: step.role });
        return;
      }
      case 'join':
      case 'leave':
      case 'publish':
      case 'unpublish':
        await this.#act(step.what, step.who);
    }
  }

  /** Nothing happens any more: the roster, its events and the server API agree. */
  async check(): Promise<void> {
    this.#heal();
    await this.#allBack([this.one, this.host, ...this.others]);
    await this.#returnToLocked(this.host, this.one);
    await Promise.all([this.#host, ...this.others.keys()].map((who) => this.#mark(who)));
    const truth = await truthOf(used.gateway, this.name);
    expect(viewOf(this.room)).toEqual(truth);
    expect(this.byEvents).toEqual({ participants: this.room.participants.value, streams: this.room.streams.value });
    expect(this.one.errors).toEqual([]);
  }

  async stop(): Promise<void> {
    await Promise.all([this.one, this.host, ...this.others].map((one) => one.stop()));
    await this.proxy.stop();
  }

  readonly #host = -1;

  #other(who: number): Room {
    return (this.others[who] ?? this.host).room(this.name);
  }

  async #act(what: 'join' | 'leave' | 'publish' | 'unpublish', who: number): Promise<void> {
    const room = this.#other(who);
    // A locked room, a role that does not publish, and a stream that ended are refused; what took place is compared.
    const isRefused = (): undefined => undefined;
    if (what === 'join') await room.join().catch(isRefused);
    if (what === 'leave') await room.leave();
    if (what === 'publish' && !this.own.get(who)?.stream.value) {
      const stream = { kind: 'camera', hasAudio: true, hasVideo: true } as const;
      const own = await room.publish(stream).catch(isRefused);
      if (own) this.own.set(who, own);
    }
    if (what === 'unpublish') await this.own.get(who)?.unpublish().catch(isRefused);
  }

  /** A signal of a participant: all that it did before is known when the signal arrives. */
  async #mark(who: number): Promise<void> {
    const room = this.#other(who);
    if (room.state.value.membership !== 'in') return;
    const mark = unique('mark');
    const arrived = deferred();
    const stop = this.room.on('signal', ({ data }) => {
      if (data === mark) arrived.resolve();
    });
    await room.send('mark', mark);
    await arrived.promise;
    stop();
  }

  /** A locked room refuses a new session: that ends the membership, and no participant is listed. */
  async #returnToLocked(...all: readonly TestManager[]): Promise<void> {
    for (const one of all) {
      const room = one.room(this.name);
      if (room.state.value.membership === 'in') continue;
      expect(room.state.value).toMatchObject({ membership: 'out', me: undefined });
      expect([room.participants.value.size, room.streams.value.size]).toEqual([0, 0]);
      this.isLocked = false;
      await used.gateway.api('POST', `rooms/${this.name}/unlock`, {});
      await room.join();
    }
  }

  #heal(): void {
    this.proxy.refuse(false);
    this.proxy.release('down');
    this.one.retryNow();
  }

  /** Waits until all are connected, and in the room as they wish. */
  async #allBack(all: readonly TestManager[]): Promise<void> {
    for (const one of all) {
      const stop = one.connection.subscribe(({ status }) => {
        if (status === 'waiting') one.retryNow();
      });
      await until(one.connection, ({ status }) => status === 'live');
      stop();
      await until(one.room(this.name).state, ({ membership }) => !/joining|suspended/.test(membership));
    }
  }

  #follow(): void {
    const { room, byEvents } = this;
    const start = (): void => {
      byEvents.participants = new Map(room.participants.value);
      byEvents.streams = new Map(room.streams.value);
    };
    start();
    const { participants, streams } = {
      participants: (participant: Participant) => byEvents.participants.set(participant.id, participant),
      streams: (stream: Stream) => byEvents.streams.set(stream.id, stream),
    };
    room.on('participantJoined', ({ participant }) => participants(participant));
    room.on('participantChanged', ({ participant }) => participants(participant));
    room.on('participantLeft', ({ participant }) => byEvents.participants.delete(participant.id));
    room.on('streamPublished', ({ stream }) => streams(stream));
    room.on('streamChanged', ({ stream }) => streams(stream));
    room.on('streamEnded', ({ stream }) => byEvents.streams.delete(stream.id));
    room.on('joined', ({ isRejoin }) => {
      if (!isRejoin) start();
    });
  }
}

describe('random sequences of faults', () => {
  it('the roster equals the truth whenever nothing happens', async () => {
    const sequences = fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 16 }), async (steps) => {
      const world = await World.make();
      for (const one of steps) await world.take(one);
      await world.check();
      await world.stop();
    });
    await fc.assert(sequences, { numRuns: 25, plugins: [fc.timeout(30_000)], endOnFailure: true });
  }, 240_000);
});
