// Watched media: a subscription to a stream, and the connection to its publisher.
//
// Sound that the room shows as off is silent here, also if its publisher ignores a mute.

import {
  type Observable,
  type RequestOptions,
  type Room,
  type SignalMap,
  StagedoorError,
  type StreamId,
  type Subscription,
} from '../index.js';
import { type LinkStatus, type MediaOptions, type MediaRoom, needWebRtc } from './options.js';
import { type Message, messageOf, Peer } from './peer.js';
import { type Playback, type Speaker, speakerOf } from './speaker.js';
import { Value } from './value.js';

/** Options of {@link watchMedia}. */
export interface WatchOptions extends MediaOptions {
  /**
   * The element that plays the sound; by default one of the package, for all streams of the page. Its `muted`, `volume`
   * and `setSinkId` belong to the program. With null nothing is played.
   */
  speaker?: HTMLAudioElement | null | undefined;
}

/** The link to a publisher. */
export interface WatchedLink {
  /** Its status. */
  readonly status: LinkStatus;
  /** Why it ended, if the program did not end it. */
  readonly error?: StagedoorError | undefined;
}

/** A stream of another participant. */
export interface WatchedMedia {
  /** The id of the stream. */
  readonly stream: StreamId;
  /** What arrives, or null. It has the sound as well: mute elements that show it, because the speaker plays it. */
  readonly media: Observable<MediaStream | null>;
  /** The path to the publisher. */
  readonly link: Observable<WatchedLink>;
  /** Whether there is sound, or why not: `off` by its owner, `muted` by a moderator. */
  readonly audio: Observable<'on' | 'off' | 'muted'>;
  /** Whether sound plays; `blocked` means that the browser waits for a gesture: call `resume` in its handler. */
  readonly playback: Observable<Playback>;
  /** Plays sound that is blocked, in the handler of a click or a key. */
  resume(): Promise<void>;
  /** Shows the video in an element, muted, until the returned function is called. */
  attach(element: HTMLVideoElement): () => void;
  /** The platform's statistics of the connection, or null. */
  stats(): Promise<RTCStatsReport | null>;
  /** Ends the subscription, once all who watch the stream in this room stopped. */
  stop(options?: RequestOptions): Promise<void>;
}

/**
 * Subscribes to a stream of another participant and receives its media. Errors end the link: see its `error`. Several
 * calls for one stream share a connection, with the options of the first.
 *
 * @throws StagedoorError `no_webrtc`.
 */
export function watchMedia<S extends SignalMap>(
  room: Room<S>,
  stream: StreamId,
  options: WatchOptions = {},
): WatchedMedia {
  needWebRtc();
  const inRoom = watched.get(room) ?? new Map<StreamId, Watched>();
  watched.set(room, inRoom);
  const former = inRoom.get(stream);
  const shared = former?.isLive ? former : new Watched(room as unknown as MediaRoom, stream, options, former?.stopped);
  inRoom.set(stream, shared);
  return shared.use();
}

const watched = new WeakMap<object, Map<StreamId, Watched>>();

/** A watched stream, shared by all who watch it in one room of the page. */
class Watched {
  readonly #media = new Value<MediaStream | null>(null);
  readonly #link = new Value<WatchedLink>({ status: 'connecting' });
  readonly #audio = new Value<'on' | 'off' | 'muted'>('off');
  readonly #room: MediaRoom;
  readonly #stream: StreamId;
  readonly #options: WatchOptions;
  readonly #speaker: Speaker | undefined;
  readonly #ended = new AbortController();
  readonly #subscription: Promise<Subscription | undefined>;
  #peer: Peer | undefined;
  #me: string | undefined;
  #users = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The end of the subscription: the next one waits for it. */
  stopped: Promise<void> = Promise.resolve();

  constructor(room: MediaRoom, stream: StreamId, options: WatchOptions, former: Promise<void> | undefined) {
    this.#room = room;
    this.#stream = stream;
    this.#options = options;
    this.#speaker = options.speaker === null ? undefined : speakerOf(options.speaker);
    this.#listen();
    this.#subscription = this.#subscribe(former);
  }

  /** Whether it goes on. */
  get isLive(): boolean {
    return !this.#ended.signal.aborted;
  }

  /** One more watches. */
  use(): WatchedMedia {
    this.#users += 1;
    let isStopped = false;
    const media = this.#media;
    return {
      stream: this.#stream,
      media,
      link: this.#link,
      audio: this.#audio,
      playback: this.#speaker?.playback ?? new Value<Playback>('playing'),
      resume: async () => this.#speaker?.play(),
      attach: (element) => {
        element.muted = element.autoplay = element.playsInline = true;
        const detach = media.subscribe((value) => (element.srcObject = value));
        return () => {
          detach();
          element.srcObject = null;
        };
      },
      stats: async () => (await this.#peer?.connection?.getStats()) ?? null,
      stop: async (options) => {
        if (!isStopped) this.#users -= 1;
        isStopped = true;
        if (this.#users === 0 && this.isLive) {
          this.#end();
          this.stopped = this.#unsubscribe(options);
        }
        await this.stopped;
      },
    };
  }

  async #subscribe(former: Promise<void> | undefined): Promise<Subscription | undefined> {
    try {
      await former;
      const subscription = await this.#room.subscribe(this.#stream);
      this.#await();
      return subscription;
    } catch (error) {
      this.#end(error as StagedoorError);
      return undefined;
    }
  }

  async #unsubscribe(options: RequestOptions | undefined): Promise<void> {
    try {
      await (await this.#subscription)?.unsubscribe(options);
    } catch (error) {
      // The subscription ended with the stream, the membership or the session.
      if (!(error instanceof StagedoorError)) throw error;
    }
  }

  #listen(): void {
    const room = this.#room;
    const { signal } = this.#ended;
    this.#me = room.state.value.me?.id;
    room.on(
      'relay',
      ({ stream, data }) => {
        if (stream === this.#stream) this.#receive(messageOf(data));
      },
      { signal },
    );
    room.on(
      'joined',
      () => {
        const me = room.state.value.me?.id;
        if (this.#me === me) return;
        // A new session: the subscription is renewed, and the publisher offers a new connection.
        this.#me = me;
        this.#close();
        this.#link.set({ status: 'connecting' });
        this.#await();
      },
      { signal },
    );
    room.on(
      'streamEnded',
      ({ stream, reason }) => {
        if (stream.id === this.#stream) this.#end(gone(`the stream ended: ${reason}`));
      },
      { signal },
    );
    room.on(
      'left',
      ({ why, error }) => {
        this.#end(error ?? gone(`the room was left: ${why}`));
      },
      { signal },
    );
    room.streams.subscribe(
      () => {
        this.#enforce();
      },
      { signal },
    );
  }

  #receive(message: Message): void {
    const isOther = message.connection !== this.#peer?.id;
    if (message.description?.type === 'offer' && (isOther || !this.#peer)) this.#open(message.connection);
    else if (isOther) return;
    this.#peer?.receive(message);
  }

  /** The publisher offers a connection. */
  #open(id: string | undefined): void {
    this.#close();
    const peer = new Peer({
      id,
      room: this.#room,
      isPublisher: false,
      media: this.#options,
      send: async (message) => {
        await (await this.#subscription)?.relay(message);
      },
      described: (connection) => {
        this.#receiveTracks(connection);
      },
    });
    this.#peer = peer;
    clearTimeout(this.#timer);
    peer.link.subscribe(
      (status) => {
        if (peer === this.#peer) this.#link.set({ status });
      },
      { signal: this.#ended.signal },
    );
  }

  /** Asks for an offer until there is one: the publisher may have missed the subscription. */
  #await(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (!this.isLive || this.#peer) return;
      this.#await();
      if (this.#room.state.value.membership !== 'in') return;
      this.#subscription
        .then((subscription) => subscription?.relay({ restart: true }))
        .catch((error: unknown) => {
          if (!(error instanceof StagedoorError)) throw error;
        });
    }, OFFER_MS);
  }

  #receiveTracks(connection: RTCPeerConnection): void {
    const tracks = connection.getReceivers().map(({ track }) => track);
    const media = this.#media.value ?? new MediaStream();
    const known = media.getTracks();
    for (const track of tracks) {
      if (known.includes(track)) continue;
      media.addTrack(track);
      if (track.kind === 'audio') this.#speaker?.add(track);
    }
    this.#enforce();
    this.#media.set(media);
  }

  /** Silences what the room shows as off. */
  #enforce(): void {
    const stream = this.#room.streams.value.get(this.#stream);
    const isMuted = stream?.muted ?? false;
    const hasAudio = !isMuted && (stream?.hasAudio ?? false);
    for (const track of this.#media.value?.getTracks() ?? [])
      track.enabled = track.kind === 'audio' ? hasAudio : (stream?.hasVideo ?? false);
    this.#audio.set(isMuted ? 'muted' : hasAudio ? 'on' : 'off');
  }

  #close(): void {
    const peer = this.#peer;
    this.#peer = undefined;
    peer?.close();
    for (const track of this.#media.value?.getAudioTracks() ?? []) this.#speaker?.remove(track);
    this.#media.set(null);
  }

  #end(error?: StagedoorError): void {
    if (!this.isLive) return;
    this.#ended.abort();
    clearTimeout(this.#timer);
    this.#close();
    this.#link.set({ status: 'ended', error });
  }
}

function gone(message: string): StagedoorError {
  return new StagedoorError('stream_not_found', message, { hint: 'Watch the streams of `room.streams`.' });
}

/** How long a subscriber waits for an offer before it asks for one, in milliseconds. */
const OFFER_MS = 5_000;
