// One room, as programs see it. What handles its frames is loaded with the first start of a session.

import { type Lazy, mapLazy } from '../core/lazy.js';
import { Store } from '../core/observable.js';
import type { Room, RoomOptions, RoomState } from './api.js';
import type { Channel } from './channel.js';
import type { Engine, EngineModule } from './engine.js';
import { Emitter, type SignalMap } from './events.js';
import { NO_CAPABILITIES, NO_COUNTS, NO_MUTE } from './initial.js';
import { makeModeration } from './moderation.js';

/** A room of one client, as its session sees it. */
export interface RoomParts<S extends SignalMap> {
  /** The room, as programs see it. */
  readonly room: Room<S>;
  /** What handles the frames of the room. */
  readonly engine: Lazy<Engine>;
  /** Changes how the room is joined and how its signals are parsed. */
  configure(options: RoomOptions<S>): void;
  /** Handles a push about this room, or keeps it until it can be handled. */
  receive(name: string, body: unknown): void;
}

/** Makes a room. */
export function makeRoom<S extends SignalMap>(
  channel: Channel,
  module: Lazy<EngineModule>,
  options: RoomOptions<S>,
): RoomParts<S> {
  const { room: name, notifier } = channel;
  const emitter = new Emitter<S>(notifier);
  const state = new Store<RoomState>(notifier, 'room state', INITIAL);
  const participants = new Store<Room['participants']['value']>(notifier, 'participants', new Map());
  const streams = new Store<Room['streams']['value']>(notifier, 'streams', new Map());
  const { moderation, commands } = makeModeration(channel);
  /** Whether the program ever joined: otherwise there is nothing to leave, and nothing to load for it. */
  let wasWanted = false;
  /** Pushes that came before the engine, of a session that a page before this one started. */
  const early: [name: string, body: unknown][] = [];
  const engine = mapLazy(module, ({ makeEngine }) => {
    const view = { emitter, state, participants, streams, options: () => options };
    const made = makeEngine(channel, view, commands);
    for (const push of early.splice(0)) made.receive(...push);
    return made;
  });
  return {
    room: {
      name,
      state,
      participants,
      streams,
      moderation,
      join(more) {
        wasWanted = true;
        return channel.with(engine, ({ membership }) => membership.join(more), more);
      },
      leave: async (more) => {
        if (wasWanted) await channel.with(engine, ({ membership }) => membership.leave(more), more);
      },
      on: (type, fn, more) => emitter.on(type, fn, more),
      events: (more) => emitter.events(more),
      send: (type, data, { to, ...more } = {}) =>
        channel.callOnce('signal', { room: name, type, data, to }, 'sent', {
          ...more,
          onReply: ({ recipients, order }) => ({ recipients, order }),
        }),
      publish: (stream, more) => channel.with(engine, (of) => of.publish(stream, more), more),
      subscribe: (stream, more) => channel.with(engine, (of) => of.subscribe(stream, more), more),
      async *everybody(more) {
        yield* await channel.with(engine, (of) => Promise.resolve(of.everybody(more)), more);
      },
    },
    engine,
    configure(changed) {
      options = changed;
    },
    receive(push, body) {
      const { value } = engine;
      if (value) {
        value.receive(push, body);
        return;
      }
      if (early.push([push, body]) > MAX_EARLY) early.shift();
      // Without it a join fails, and says so.
      engine.load().catch(() => undefined);
    },
  };
}

const INITIAL: RoomState = {
  membership: 'out',
  me: undefined,
  capabilities: NO_CAPABILITIES,
  locked: false,
  mute: NO_MUTE,
  counts: NO_COUNTS,
  isLarge: false,
};

/** How many pushes wait for the engine; more than the gateway stores for a resume are never in flight. */
const MAX_EARLY = 1_024;
