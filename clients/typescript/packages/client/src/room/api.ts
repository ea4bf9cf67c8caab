// A room as programs see it.

import type { AbortSignalLike } from '../core/abort.js';
import type { Observable } from '../core/observable.js';
import type { TokenSource } from '../core/tokens.js';
import type { RequestOptions } from './channel.js';
import type { AnySignals, Parsers, RoomEvent, RoomEvents, SignalMap } from './events.js';
import type {
  Capabilities,
  Counts,
  Participant,
  ParticipantId,
  RoomMute,
  Stream,
  StreamId,
  StreamKind,
} from './model.js';
import type { Moderation } from './moderation-api.js';

/** How a room is joined. */
export interface RoomOptions<S extends SignalMap = AnySignals> {
  /** A room token, or a function that gets one; it is asked again when the room is joined again. */
  token?: TokenSource | undefined;
  /** Connection data, visible to all participants; that of a room token takes precedence. */
  data?: string | undefined;
  /** The parsers of the room's signals: they run on arrival and give the data its type. */
  signals?: Parsers<S> | undefined;
}

/** Where this client stands in a room. */
export type MembershipStatus = 'out' | 'joining' | 'in' | 'suspended' | 'removed' | 'ended';

/** The state of a room. */
export interface RoomState {
  /** Where this client stands; `suspended` while the connection is lost. */
  readonly membership: MembershipStatus;
  /** This client's own participant. */
  readonly me: Participant | undefined;
  /** What this client may do. */
  readonly capabilities: Capabilities;
  /** Whether the room rejects new participants. */
  readonly locked: boolean;
  /** The mute of the room. */
  readonly mute: RoomMute;
  /** Totals; in a large room not everybody is listed. */
  readonly counts: Counts;
  /** Whether only moderators and publishers are listed. */
  readonly isLarge: boolean;
}

/** The result of sending a signal. */
export interface SentSignal {
  /** Number of receiving sessions. */
  readonly recipients: number;
  /** The position among the signals of the room. */
  readonly order: number;
}

/** A track of media that can be switched off: a `MediaStreamTrack`. */
export interface TrackLike {
  /** `audio` or `video`. */
  readonly kind: string;
  /** Whether it carries media. */
  enabled: boolean;
}

/** A stream to publish. */
export interface NewStream {
  /** The source. */
  readonly kind: StreamKind;
  /** Whether its audio is on. */
  readonly hasAudio: boolean;
  /** Whether its video is on. */
  readonly hasVideo: boolean;
  /** The display name. */
  readonly name?: string | undefined;
  /** The layout classes. */
  readonly layoutClasses?: readonly string[] | undefined;
  /** Tracks that this package may switch off when a moderator mutes the stream. */
  readonly tracks?: readonly TrackLike[] | undefined;
}

/** A change of an own stream; absent fields do not change. */
export interface StreamChange {
  readonly hasAudio?: boolean | undefined;
  readonly hasVideo?: boolean | undefined;
  readonly name?: string | undefined;
  readonly layoutClasses?: readonly string[] | undefined;
}

/** A mute that a moderator set on an own stream. */
export interface ForcedMute {
  /** The stream. */
  readonly stream: StreamId;
  /** Whether this client is kept from undoing it. */
  readonly lock: boolean;
}

/** A stream that this client publishes. It is published again in a new session, with another id. */
export interface OwnStream {
  /** The stream as the room sees it; null while it is not published. */
  readonly stream: Observable<Stream | null>;
  /** Changes the stream. */
  update(change: StreamChange, options?: RequestOptions): Promise<void>;
  /** Ends the stream. */
  unpublish(options?: RequestOptions): Promise<void>;
  /** Sends media negotiation to a subscriber. */
  relay(to: ParticipantId, data: unknown, options?: RequestOptions): Promise<void>;
  /**
   * Registers a callback that switches the audio off when a moderator mutes the stream. The mute is acknowledged only
   * after it resolved. If it throws, or takes more than two seconds, the package disables the tracks it was given, and
   * unpublishes the stream if it was given none.
   */
  onForcedMute(fn: (mute: ForcedMute) => void | Promise<void>): () => void;
}

/** A subscription to a stream. It is renewed in a new session. */
export interface Subscription {
  /** The stream. */
  readonly stream: StreamId;
  /** Sends media negotiation to the publisher. */
  relay(data: unknown, options?: RequestOptions): Promise<void>;
  /** Ends the subscription. */
  unsubscribe(options?: RequestOptions): Promise<void>;
}

/** A room: a wish that survives a lost connection, a reset and a new session, until `leave`. */
export interface Room<S extends SignalMap = AnySignals> {
  /** The id of the room. */
  readonly name: string;
  /** The state of the room. */
  readonly state: Observable<RoomState>;
  /** The listed participants; an entry that did not change stays the same object. */
  readonly participants: Observable<ReadonlyMap<ParticipantId, Participant>>;
  /** The visible streams. */
  readonly streams: Observable<ReadonlyMap<StreamId, Stream>>;
  /** The moderation commands. */
  readonly moderation: Moderation;
  /** Joins the room. */
  join(options?: RequestOptions): Promise<void>;
  /** Leaves the room. */
  leave(options?: RequestOptions): Promise<void>;
  /** Calls `fn` with each event of a type, until the returned function is called or `signal` aborts. */
  on<K extends keyof RoomEvents<S>>(
    type: K,
    fn: (event: RoomEvents<S>[K]) => unknown,
    options?: { signal?: AbortSignalLike | undefined },
  ): () => void;
  /** All events from now on; throws `LaggedError` when more than `limit` (1 024) wait. */
  events(options?: { signal?: AbortSignalLike | undefined; limit?: number | undefined }): AsyncIterable<RoomEvent<S>>;
  /** Sends a signal to all other participants, or to one. */
  send<K extends keyof S & string>(
    name: K,
    data: S[K],
    options?: RequestOptions & { to?: ParticipantId | undefined },
  ): Promise<SentSignal>;
  /** Publishes a stream. */
  publish(stream: NewStream, options?: RequestOptions): Promise<OwnStream>;
  /** Subscribes to a stream. */
  subscribe(stream: StreamId, options?: RequestOptions): Promise<Subscription>;
  /** All participants, page by page; also those that a large room does not list. */
  everybody(options?: RequestOptions): AsyncIterable<Participant>;
}
