// One room: applies the frames about it to its roster, and combines membership, streams and moderation.

import { Store } from '../core/observable.js';
import type { PushBody, PushName, ReplyBody } from '../wire/commands.js';
import type * as wire from '../wire/protocol.js';
import type { Room, RoomOptions, RoomState } from './api.js';
import type { Channel, RequestOptions } from './channel.js';
import { Emitter, type RoomEvents, type SignalMap } from './events.js';
import { type LeaveEvent, Membership } from './membership.js';
import { type Participant, participantOf, type Stream } from './model.js';
import { makeModeration } from './moderation.js';
import { makeOwnStreams } from './own-streams.js';
import { isTarget, Roster, type RosterEvent } from './roster.js';
import { parseSignal } from './signals.js';
import { makeSubscriptions } from './subscriptions.js';

/** The pushes of a room, and what the room does with them. */
type PushHandlers = { [K in PushName]?: (body: PushBody<K>) => void };

/** A room of one client, as its session sees it. */
export interface RoomParts<S extends SignalMap> {
  /** The room, as programs see it. */
  readonly room: Room<S>;
  readonly membership: Membership;
  /** Changes how the room is joined and how its signals are parsed. */
  configure(options: RoomOptions<S>): void;
  /** Handles a push about this room. */
  receive(name: string, body: unknown): void;
  /** The session was lost, and with it the membership. */
  lost(): void;
}

/** Makes a room. */
export function makeRoom<S extends SignalMap>(channel: Channel, options: RoomOptions<S>): RoomParts<S> {
  const { room: name, notifier } = channel;
  const roster = new Roster();
  const emitter = new Emitter<S>(notifier);
  let { signals: parsers } = options;
  let me: Participant | undefined;
  let capabilities = NO_CAPABILITIES;

  const membership = new Membership(channel, options, {
    changed: () => commit(),
    entered: (joined, isRejoin) => enter(joined, isRejoin),
    left: (event) => leave(event),
  });
  const own = makeOwnStreams(channel, {
    streamPut: (stream) => commit(roster.streamPut(stream)),
    streamEnded: (id) => commit(roster.streamEnded(id, 'unpublished')),
  });
  const subscriptions = makeSubscriptions(channel, (id) => roster.streams.get(id));
  const moderation = makeModeration(channel);

  const snapshot = (): RoomState => {
    const { locked, mute, counts, isLarge } = roster;
    return { membership: membership.status, me, capabilities, locked, mute, counts, isLarge };
  };
  const state = new Store(notifier, 'room state', snapshot());
  const participants = new Store(notifier, 'participants', roster.participants);
  const streams = new Store(notifier, 'streams', roster.streams);

  /** Publishes the roster and the state together, then the events. */
  const commit = (events: readonly RosterEvent[] = []): void => {
    me = (me && roster.participants.get(me.id)) ?? me;
    notifier.commit(participants.to(roster.participants), streams.to(roster.streams), state.to(snapshot()));
    for (const { type, ...event } of events) {
      if (type === 'streamChanged') own.shown((event as { stream: Stream }).stream);
      if (type === 'streamEnded') subscriptions.ended((event as { stream: Stream }).stream.id);
      emitter.emit(type, event);
    }
  };

  const enter = (joined: ReplyBody<'joined'>, isRejoin: boolean): void => {
    const previous = me;
    me = participantOf(joined.participant);
    capabilities = joined.capabilities;
    const events = roster.reset(joined.room, capabilities.subscribe);
    commit(previous && events);
    emitter.emit('joined', { isRejoin });
    enforceSilence();
    if (!isRejoin || previous?.id === me.id) return;
    channel.release();
    own.republish();
    subscriptions.renew();
    moderation.rejoined();
  };

  const leave = (event: LeaveEvent): void => {
    roster.clear();
    me = undefined;
    capabilities = NO_CAPABILITIES;
    own.suspendAll(true);
    subscriptions.clear();
    moderation.left();
    commit();
    emitter.emit('left', event);
  };

  /** A snapshot may show a mute whose push was missed. */
  const enforceSilence = (): void => {
    for (const { muted, hasAudio, id } of roster.streams.values()) {
      if (muted && hasAudio) own.enforce(id, me?.muteLocked ?? false);
    }
  };

  const handlers: PushHandlers = {
    participant_joined: ({ participant }) => commit(roster.participantJoined(participant)),
    participant_left: ({ participant, reason }) => commit(roster.participantLeft(participant, reason)),
    participant_link({ participant, link }) {
      // The receiver of this is connected: the own link is never shown as suspended.
      if (participant !== me?.id) commit(roster.participantChanged(participant, { link }));
    },
    role_changed({ participant, role, capabilities: granted }) {
      if (participant === me?.id) {
        me = { ...me, role };
        capabilities = granted ?? capabilities;
      }
      commit(roster.participantChanged(participant, { role }));
    },
    counts({ counts }) {
      roster.counts = counts;
      commit();
    },
    stream_published: ({ stream }) => commit(roster.streamPut(stream)),
    stream_updated: ({ stream }) => commit(roster.streamPut(stream)),
    stream_unpublished({ stream, reason }) {
      own.ended(stream);
      commit(roster.streamEnded(stream, reason));
    },
    stream_subscribed: ({ stream, participant }) => emitter.emit('subscribed', { stream, participant }),
    stream_unsubscribed: ({ stream, participant }) => emitter.emit('unsubscribed', { stream, participant }),
    relay: ({ stream, from, data }) => emitter.emit('relay', { stream, from, data }),
    signal({ type, data, order, from: sender }) {
      const from = sender ?? null;
      try {
        const parsed = { name: type, data: parseSignal(parsers, type, data), from, order };
        emitter.emit('signal', parsed as RoomEvents<S>['signal']);
      } catch (error) {
        emitter.emit('invalidSignal', { name: type, data, error, from });
      }
    },
    mute_forced(push) {
      const { active, lock, by, stream, participant } = push;
      const targets = [...roster.streams.values()].filter((one) => one.hasAudio && isTarget(push, one));
      commit(roster.muteForced(push));
      if (active) for (const target of targets) own.enforce(target.id, lock);
      emitter.emit('mute', { active, lock, by, stream: stream ?? undefined, participant: participant ?? undefined });
    },
    unmute_requested: ({ stream, by }) => emitter.emit('unmuteRequested', { stream, by }),
    room_state(push) {
      roster.roomState(push);
      commit();
    },
    room_reset({ capabilities: granted, snapshot: { version }, snapshot: whole }) {
      capabilities = granted;
      commit(roster.reset(whole, granted.subscribe));
      emitter.emit('reset', { version });
      enforceSilence();
    },
    removed: ({ by, reason, until_ms }) =>
      membership.end('removed', { why: 'removed', by, reason: reason ?? undefined, untilMs: until_ms ?? undefined }),
    room_ended: ({ by }) => membership.end('ended', { why: 'ended', by }),
    moderation: moderation.report,
    session_feed: moderation.fed,
    token_expiring: () => membership.renewToken(),
  };

  return {
    room: {
      name,
      state,
      participants,
      streams,
      moderation: moderation.moderation,
      join: (more) => membership.join(more),
      leave: (more) => membership.leave(more),
      on: (type, fn, more) => emitter.on(type, fn, more),
      events: (more) => emitter.events(more),
      send: (type, data, { to, ...more } = {}) =>
        channel.callOnce('signal', { room: name, type, data, to }, 'sent', {
          ...more,
          onReply: ({ recipients, order }) => ({ recipients, order }),
        }),
      publish: own.publish,
      subscribe: subscriptions.subscribe,
      everybody: (more) => everybody(channel, more),
    },
    membership,
    configure(changed) {
      membership.configure(changed);
      parsers = changed.signals;
    },
    receive(push, body) {
      const { version } = body as { version?: unknown };
      const isDelta = typeof version === 'number' && !UNVERSIONED.has(push);
      if (isDelta && !roster.isNew(version)) return;
      (handlers[push as PushName] as ((body: unknown) => void) | undefined)?.(body);
    },
    lost() {
      moderation.end();
      own.suspendAll(false);
      membership.suspend();
    },
  };
}

async function* everybody(channel: Channel, options?: RequestOptions): AsyncIterable<Participant> {
  let after: string | null | undefined;
  do {
    const page = await channel.call('roster', { room: channel.room, after }, 'roster', options);
    for (const participant of page.participants) yield participantOf(participant);
    after = page.next;
  } while (after);
}

/** Their version is that of a command, not of the roster. */
const UNVERSIONED: ReadonlySet<string> = new Set<PushName>(['moderation', 'session_feed']);

const NO_CAPABILITIES: wire.Capabilities = Object.freeze({
  publish: false,
  subscribe: false,
  signal: false,
  moderate: false,
});
