// One room: applies the frames about it to its roster, and combines membership, streams and moderation.

import type { AbortSignalLike } from '../core/abort.js';
import type { StagedoorError } from '../core/errors.js';
import { Store } from '../core/observable.js';
import type { PushBody, PushName, ReplyBody } from '../wire/commands.js';
import type * as wire from '../wire/protocol.js';
import type {
  MembershipStatus,
  NewStream,
  OwnStream,
  Room,
  RoomOptions,
  RoomState,
  SentSignal,
  Subscription,
} from './api.js';
import type { Channel, RequestOptions } from './channel.js';
import { Emitter, type Parsers, type RoomEvent, type RoomEvents, type SignalMap } from './events.js';
import { Membership } from './membership.js';
import { type Participant, type ParticipantId, participantOf, type Stream, type StreamId } from './model.js';
import { ModerationImpl } from './moderation.js';
import { OwnStreams } from './own-streams.js';
import { isTarget, Roster, type RosterEvent } from './roster.js';
import { parseSignal } from './signals.js';
import { Subscriptions } from './subscriptions.js';

/** The pushes of a room, and what the room does with them. */
type PushHandlers = { [K in PushName]?: (body: PushBody<K>) => void };

/** A room of one client. */
export class RoomImpl<S extends SignalMap> implements Room<S> {
  readonly name: string;
  readonly state: Store<RoomState>;
  readonly participants: Store<ReadonlyMap<ParticipantId, Participant>>;
  readonly streams: Store<ReadonlyMap<StreamId, Stream>>;
  readonly moderation: ModerationImpl;
  readonly #channel: Channel;
  readonly #roster = new Roster();
  readonly #emitter: Emitter<S>;
  readonly #membership: Membership;
  readonly #own: OwnStreams;
  readonly #subscriptions: Subscriptions;
  #parsers: Parsers<S> | undefined;
  #me: Participant | undefined;
  #capabilities = NO_CAPABILITIES;

  constructor(channel: Channel, name: string, options: RoomOptions<S>) {
    this.name = name;
    this.#channel = channel;
    this.#parsers = options.signals;
    this.#emitter = new Emitter<S>(channel.notifier);
    this.#membership = new Membership(channel, name, options, {
      changed: () => {
        this.#commit([]);
      },
      entered: (joined, isRejoin) => {
        this.#enter(joined, isRejoin);
      },
      refused: (error) => {
        this.#leave({ why: 'refused', error });
      },
      left: () => {
        this.#leave({ why: 'left' });
      },
    });
    this.#own = new OwnStreams({
      room: name,
      channel,
      streamPut: (stream) => {
        this.#commit(this.#roster.streamPut(stream));
      },
      streamEnded: (id) => {
        this.#commit(this.#roster.streamEnded(id, 'unpublished'));
      },
    });
    this.#subscriptions = new Subscriptions(channel, name, (id) => this.#roster.streams.get(id));
    this.moderation = new ModerationImpl(channel, name);
    this.state = new Store(channel.notifier, 'room state', this.#snapshot());
    this.participants = new Store(channel.notifier, 'participants', this.#roster.participants);
    this.streams = new Store(channel.notifier, 'streams', this.#roster.streams);
  }

  join(options: RequestOptions = {}): Promise<void> {
    return this.#membership.join(options);
  }

  leave(options: RequestOptions = {}): Promise<void> {
    return this.#membership.leave(options);
  }

  on<K extends keyof RoomEvents<S>>(
    type: K,
    fn: (event: RoomEvents<S>[K]) => unknown,
    options?: { signal?: AbortSignalLike | undefined },
  ): () => void {
    return this.#emitter.on(type, fn, options);
  }

  events(options?: { signal?: AbortSignalLike | undefined; limit?: number | undefined }): AsyncIterable<RoomEvent<S>> {
    return this.#emitter.events(options);
  }

  async send<K extends keyof S & string>(
    name: K,
    data: S[K],
    options: RequestOptions & { to?: ParticipantId | undefined } = {},
  ): Promise<SentSignal> {
    const { to, ref = this.#channel.newRef(), ...rest } = options;
    const signal = { room: this.name, type: name, data, ref, ...(to !== undefined && { to }) };
    const { recipients, order } = await this.#channel.call({ signal }, 'sent', { ...rest, ref, room: this.name });
    return { recipients, order };
  }

  publish(stream: NewStream, options: RequestOptions = {}): Promise<OwnStream> {
    return this.#own.publish(stream, options);
  }

  subscribe(stream: StreamId, options: RequestOptions = {}): Promise<Subscription> {
    return this.#subscriptions.subscribe(stream, options);
  }

  async *everybody(options: RequestOptions = {}): AsyncIterable<Participant> {
    let after: string | null | undefined;
    do {
      const roster = { room: this.name, ...(after && { after }) };
      const page = await this.#channel.call({ roster }, 'roster', { ...options, room: this.name });
      for (const participant of page.participants) yield participantOf(participant);
      after = page.next;
    } while (after);
  }

  /** Changes how the room is joined and how its signals are parsed. */
  configure(options: RoomOptions<S>): void {
    this.#membership.configure(options);
    this.#parsers = options.signals;
  }

  /** Whether this client is in the room. */
  get isInside(): boolean {
    return this.#membership.status === 'in';
  }

  /** Handles a push about this room. */
  receive(name: string, body: unknown): void {
    const version = (body as { version?: unknown }).version;
    const isDelta = typeof version === 'number' && !UNVERSIONED.has(name);
    if (isDelta && !this.#roster.isNew(version)) return;
    (this.#handlers[name as PushName] as ((body: unknown) => void) | undefined)?.(body);
  }

  /** The connection was lost. */
  suspended(): void {
    this.#membership.suspend();
  }

  /** The session was resumed. */
  resumed(): void {
    this.#membership.resumed();
  }

  /** All missed frames of a resumed session arrived, and it is in this room or not. */
  reconcile(isMember: boolean): void {
    this.#membership.reconcile(isMember);
  }

  /** The session was lost, and with it the membership. */
  lost(): void {
    this.moderation.end();
    this.#own.suspendAll(false);
    this.#membership.suspend();
  }

  /** A new session started. */
  renewed(): void {
    this.#membership.rejoin();
  }

  /** The program stopped the session, or the session was terminated. */
  stopped(): void {
    if (!this.#membership.isWanted && this.#membership.status === 'out') return;
    this.#membership.ended('out');
    this.#leave({ why: 'stopped' });
  }

  readonly #handlers: PushHandlers = {
    participant_joined: (push) => {
      this.#commit(this.#roster.participantJoined(push.participant));
    },
    participant_left: (push) => {
      this.#commit(this.#roster.participantLeft(push.participant, push.reason));
    },
    participant_link: (push) => {
      // The receiver of this is connected: the own link is never shown as suspended.
      if (push.participant === this.#me?.id) return;
      this.#commit(this.#roster.participantChanged(push.participant, { link: push.link }));
    },
    role_changed: (push) => {
      if (push.participant === this.#me?.id) {
        this.#me = { ...this.#me, role: push.role };
        this.#capabilities = push.capabilities ?? this.#capabilities;
      }
      this.#commit(this.#roster.participantChanged(push.participant, { role: push.role }));
    },
    counts: (push) => {
      this.#roster.counts = push.counts;
      this.#commit([]);
    },
    stream_published: (push) => {
      this.#commit(this.#roster.streamPut(push.stream));
    },
    stream_updated: (push) => {
      this.#commit(this.#roster.streamPut(push.stream));
    },
    stream_unpublished: (push) => {
      this.#own.ended(push.stream);
      this.#commit(this.#roster.streamEnded(push.stream, push.reason));
    },
    stream_subscribed: ({ stream, participant }) => {
      this.#emitter.emit('subscribed', { stream, participant });
    },
    stream_unsubscribed: ({ stream, participant }) => {
      this.#emitter.emit('unsubscribed', { stream, participant });
    },
    relay: ({ stream, from, data }) => {
      this.#emitter.emit('relay', { stream, from, data });
    },
    signal: (push) => {
      this.#signal(push);
    },
    mute_forced: (push) => {
      this.#mute(push);
    },
    unmute_requested: ({ stream, by }) => {
      this.#emitter.emit('unmuteRequested', { stream, by });
    },
    room_state: (push) => {
      this.#roster.roomState(push);
      this.#commit([]);
    },
    room_reset: (push) => {
      this.#reset(push);
    },
    removed: ({ by, reason, until_ms }) => {
      this.#membership.ended('removed');
      this.#leave({ why: 'removed', by, reason: reason ?? undefined, untilMs: until_ms ?? undefined });
    },
    room_ended: ({ by }) => {
      this.#membership.ended('ended');
      this.#leave({ why: 'ended', by });
    },
    moderation: (push) => {
      this.moderation.report(push);
    },
    session_feed: (push) => {
      this.moderation.fed(push);
    },
    token_expiring: () => {
      this.#membership.renewToken();
    },
  };

  #enter(joined: ReplyBody<'joined'>, isRejoin: boolean): void {
    const isFirst = this.#me === undefined;
    const isSameMembership = this.#me?.id === joined.participant.id;
    this.#me = participantOf(joined.participant);
    this.#capabilities = joined.capabilities;
    const events = this.#roster.reset(joined.room, joined.capabilities.subscribe);
    this.#commit(isFirst ? [] : events);
    this.#emitter.emit('joined', { isRejoin });
    this.#enforceSilence();
    if (!isRejoin || isSameMembership) return;
    this.#channel.release(this.name);
    this.#own.republish();
    this.#subscriptions.renew();
    this.moderation.rejoined();
  }

  #reset(push: wire.RoomReset): void {
    this.#capabilities = push.capabilities;
    this.#commit(this.#roster.reset(push.snapshot, this.#capabilities.subscribe));
    this.#emitter.emit('reset', { version: push.snapshot.version });
    this.#enforceSilence();
  }

  /** A snapshot may show a mute whose push was missed. */
  #enforceSilence(): void {
    for (const stream of this.#roster.streams.values()) {
      if (stream.muted && stream.hasAudio) this.#own.enforce(stream.id, this.#me?.muteLocked ?? false);
    }
  }

  #mute(push: wire.MuteForced): void {
    const { active, lock, by, stream, participant } = push;
    const targets = [...this.#roster.streams.values()].filter((one) => one.hasAudio && isTarget(push, one));
    this.#commit(this.#roster.muteForced(push));
    if (active) for (const target of targets) this.#own.enforce(target.id, lock);
    this.#emitter.emit('mute', {
      active,
      lock,
      by,
      stream: stream ?? undefined,
      participant: participant ?? undefined,
    });
  }

  #signal(push: wire.Signal): void {
    const { type: name, data, order } = push;
    const from = push.from ?? null;
    parseSignal(
      this.#parsers,
      name,
      data,
      (parsed) => {
        this.#emitter.emit('signal', { name, data: parsed, from, order } as RoomEvents<S>['signal']);
      },
      (error) => {
        this.#emitter.emit('invalidSignal', { name, data, error, from });
      },
    );
  }

  #leave(event: { why: RoomEvents<S>['left']['why']; error?: StagedoorError } & Partial<RoomEvents<S>['left']>): void {
    this.#roster.clear();
    this.#me = undefined;
    this.#capabilities = NO_CAPABILITIES;
    this.#own.suspendAll(true);
    this.#subscriptions.clear();
    this.moderation.left();
    this.#commit([]);
    this.#emitter.emit('left', event);
  }

  /** Publishes the roster and the state together, then the events. */
  #commit(events: readonly RosterEvent[]): void {
    const { participants, streams } = this.#roster;
    this.#me = (this.#me && participants.get(this.#me.id)) ?? this.#me;
    this.#channel.notifier.commit(
      this.participants.to(participants),
      this.streams.to(streams),
      this.state.to(this.#snapshot()),
    );
    for (const { type, ...event } of events) {
      if (type === 'streamChanged') this.#own.shown((event as { stream: Stream }).stream);
      if (type === 'streamEnded') this.#subscriptions.ended((event as { stream: Stream }).stream.id);
      this.#emitter.emit(type, event);
    }
  }

  #snapshot(): RoomState {
    const { locked, mute, counts, isLarge } = this.#roster;
    const membership: MembershipStatus = this.#membership.status;
    return { membership, me: this.#me, capabilities: this.#capabilities, locked, mute, counts, isLarge };
  }
}

/** Their version is that of a command, not of the roster. */
const UNVERSIONED: ReadonlySet<string> = new Set<PushName>(['moderation', 'session_feed']);

const NO_CAPABILITIES: wire.Capabilities = Object.freeze({
  publish: false,
  subscribe: false,
  signal: false,
  moderate: false,
});
