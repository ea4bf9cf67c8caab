// The engine of one room: applies the frames about it to its roster, and combines membership and streams.

import type { Lazy } from '../core/lazy.js';
import type { Store } from '../core/observable.js';
import type { PushBody, PushName, ReplyBody } from '../wire/commands.js';
import type * as wire from '../wire/protocol.js';
import type { Room, RoomOptions, RoomState } from './api.js';
import type { Channel, RequestOptions } from './channel.js';
import type { Emitter, RoomEvents, SignalMap } from './events.js';
import { NO_CAPABILITIES } from './initial.js';
import { type LeaveEvent, Membership } from './membership.js';
import { type Participant, type ParticipantId, participantOf, type Stream, type StreamId } from './model.js';
import type { ModerationCommands } from './moderation-commands.js';
import { makeOwnStreams } from './own-streams.js';
import { isTarget, Roster, type RosterEvent } from './roster.js';
import { parseSignal } from './signals.js';
import { makeSubscriptions } from './subscriptions.js';

/** The pushes of a room, and what the room does with them. */
type PushHandlers = { [K in PushName]?: (body: PushBody<K>) => void };

/** A room, as the engine changes it. */
export interface RoomView<S extends SignalMap> {
  readonly emitter: Emitter<S>;
  readonly state: Store<RoomState>;
  readonly participants: Store<ReadonlyMap<ParticipantId, Participant>>;
  readonly streams: Store<ReadonlyMap<StreamId, Stream>>;
  /** How the room is joined and how its signals are parsed. */
  readonly options: () => RoomOptions<S>;
}

/** The engine of one room. */
export interface Engine extends Pick<Room, 'publish' | 'subscribe' | 'everybody'> {
  /** The id of the room. */
  readonly room: string;
  readonly membership: Membership;
  /** Handles a push about this room. */
  receive(name: string, body: unknown): void;
  /** The session was lost, and with it the membership. */
  lost(): void;
}

/** This module. */
export interface EngineModule {
  readonly makeEngine: typeof makeEngine;
}

/** Makes the engine of a room. */
export function makeEngine<S extends SignalMap>(
  channel: Channel,
  view: RoomView<S>,
  moderation: Lazy<ModerationCommands>,
): Engine {
  const { room, notifier } = channel;
  const { emitter, state, participants, streams } = view;
  const roster = new Roster();
  let me: Participant | undefined;
  let capabilities = NO_CAPABILITIES;

  const membership = new Membership(channel, view.options, {
    changed: () => commit(),
    entered: (joined, isRejoin) => enter(joined, isRejoin),
    left: (event) => leave(event),
  });
  const own = makeOwnStreams(channel, {
    streamPut: (stream) => commit(roster.streamPut(stream)),
    streamEnded: (id) => commit(roster.streamEnded(id, 'unpublished')),
  });
  const subscriptions = makeSubscriptions(channel, (id) => roster.streams.get(id));

  const snapshot = (): RoomState => {
    const { locked, mute, counts, isLarge } = roster;
    return { membership: membership.status, me, capabilities, locked, mute, counts, isLarge };
  };

  /** A moderator's commands are loaded before the first one is called. */
  const grant = (granted: wire.Capabilities): void => {
    capabilities = granted;
    if (granted.moderate) moderation.load().catch(() => undefined);
  };

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
    grant(joined.capabilities);
    const events = roster.reset(joined.room, capabilities.subscribe);
    commit(previous && events);
    emitter.emit('joined', { isRejoin });
    enforceSilence();
    if (!isRejoin || previous?.id === me.id) return;
    channel.release();
    own.republish();
    subscriptions.renew();
    moderation.value?.rejoined();
  };

  const leave = (event: LeaveEvent): void => {
    roster.clear();
    me = undefined;
    capabilities = NO_CAPABILITIES;
    own.suspendAll(true);
    subscriptions.clear();
    moderation.value?.left();
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
        if (granted) grant(granted);
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
        const parsed = { name: type, data: parseSignal(view.options().signals, type, data), from, order };
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
      grant(granted);
      commit(roster.reset(whole, granted.subscribe));
      emitter.emit('reset', { version });
      enforceSilence();
    },
    removed: ({ by, reason, until_ms }) =>
      membership.end('removed', { why: 'removed', by, reason: reason ?? undefined, untilMs: until_ms ?? undefined }),
    room_ended: ({ by }) => membership.end('ended', { why: 'ended', by }),
    moderation: (report) => moderation.value?.report(report),
    session_feed: (feed) => moderation.value?.fed(feed),
    token_expiring: () => membership.renewToken(),
  };

  return {
    room,
    membership,
    publish: own.publish,
    subscribe: subscriptions.subscribe,
    everybody: (options) => everybody(channel, options),
    receive(push, body) {
      const { version } = body as { version?: unknown };
      const isDelta = typeof version === 'number' && !UNVERSIONED.has(push);
      if (isDelta && !roster.isNew(version)) return;
      (handlers[push as PushName] as ((body: unknown) => void) | undefined)?.(body);
    },
    lost() {
      moderation.value?.end();
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
