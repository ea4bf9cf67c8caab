// Published media: one stream of a room, and a connection to each of its subscribers.
//
// A track is sent only while this client wants it and the room shows the stream with it. So a mute by a moderator is in
// force before it is acknowledged, and a new track of a muted stream is not sent.

import {
  type Observable,
  type OwnStream,
  type ParticipantId,
  type RequestOptions,
  type Room,
  type SignalMap,
  StagedoorError,
  type Stream,
  type StreamKind,
} from '../index.js';
import { hasCode, type LinkStatus, type MediaOptions, type MediaRoom, needWebRtc } from './options.js';
import { type Message, messageOf, Peer, type TrackKind } from './peer.js';
import { Value } from './value.js';

/** Options of {@link publishMedia}. */
export interface PublishOptions extends MediaOptions, RequestOptions {
  /** The source; by default `camera` if there is a video track, else `audio`. */
  kind?: StreamKind | undefined;
  /** The display name. */
  name?: string | undefined;
  /** The layout classes. */
  layoutClasses?: readonly string[] | undefined;
  /** Whether the audio starts switched off. */
  muted?: boolean | undefined;
}

/**
 * Whether audio or video is sent, or why not: `off` by this client, `muted` by a moderator, `lost` because the device
 * was unplugged or its permission revoked, `none` without a track.
 */
export type SourceStatus = 'on' | 'off' | 'muted' | 'lost' | 'none';

/** A published `MediaStream`. */
export interface PublishedMedia {
  /** The stream as the room sees it; null while it is not published, also between two sessions. */
  readonly stream: Observable<Stream | null>;
  /** Whether audio is sent, or why not. */
  readonly audio: Observable<SourceStatus>;
  /** Whether video is sent, or why not. */
  readonly video: Observable<SourceStatus>;
  /** The connection to each subscriber. */
  readonly subscribers: Observable<ReadonlyMap<ParticipantId, LinkStatus>>;
  /** Whether it is over: stopped, ended by a moderator, or the room was left. */
  readonly ended: Observable<boolean>;
  /**
   * Sends another track, or none. It is sent at once, without a negotiation if there was one of its kind. While the
   * stream is muted it starts switched off. The former track is not stopped.
   */
  replaceTrack(kind: TrackKind, track: MediaStreamTrack | null): Promise<void>;
  /**
   * Switches audio (or video) off or on. Off takes effect at once. On is rejected with `muted_by_moderator` while a
   * moderator locks the mute, and takes effect once the room shows it.
   */
  setMuted(muted: boolean, kind?: TrackKind): Promise<void>;
  /** The platform's statistics of the connection to each subscriber. */
  stats(): Promise<ReadonlyMap<ParticipantId, RTCStatsReport>>;
  /** Ends the stream and its connections. The tracks are not stopped. */
  stop(options?: RequestOptions): Promise<void>;
}

/**
 * Publishes the first audio and the first video track of `media`, peer to peer to each subscriber.
 *
 * @throws StagedoorError `no_webrtc`, `invalid_options` without a live track, `not_in_room`, `forbidden`,
 *   `too_many_streams`, and what any request may be rejected with.
 */
export async function publishMedia<S extends SignalMap>(
  room: Room<S>,
  media: MediaStream,
  options: PublishOptions = {},
): Promise<PublishedMedia> {
  needWebRtc();
  const published = new Published(room as unknown as MediaRoom, media, options);
  await published.publish();
  return published;
}

class Published implements PublishedMedia {
  readonly stream = new Value<Stream | null>(null);
  readonly audio = new Value<SourceStatus>('none');
  readonly video = new Value<SourceStatus>('none');
  readonly subscribers = new Value<ReadonlyMap<ParticipantId, LinkStatus>>(new Map());
  readonly ended = new Value(false);
  readonly #room: MediaRoom;
  readonly #options: PublishOptions;
  readonly #stopped = new AbortController();
  readonly #media = new MediaStream();
  readonly #tracks: Record<TrackKind, MediaStreamTrack | null>;
  /** What this client wants to be on. */
  readonly #wants: Record<TrackKind, boolean>;
  readonly #peers = new Map<ParticipantId, { peer: Peer; senders: Partial<Record<TrackKind, RTCRtpSender>> }>();
  /** Who subscribed before the id of the stream was known. */
  readonly #early: { stream: string; participant: ParticipantId }[] = [];
  #own: OwnStream | undefined;
  #id: string | undefined;
  #connections = 0;

  constructor(room: MediaRoom, media: MediaStream, options: PublishOptions) {
    this.#room = room;
    this.#options = options;
    const [audio = null] = media.getAudioTracks();
    const [video = null] = media.getVideoTracks();
    this.#tracks = { audio, video };
    if (!KINDS.some((kind) => isLive(this.#tracks[kind])))
      throw new StagedoorError('invalid_options', 'the MediaStream has no live track', {
        field: 'media',
        hint: 'Give a stream from `openDevices()` or `getDisplayMedia()` whose tracks were not stopped.',
      });
    this.#wants = {
      audio: !(options.muted ?? audio?.enabled === false),
      video: video?.enabled ?? true,
    };
    if (options.muted && audio) audio.enabled = false;
  }

  async publish(): Promise<void> {
    const { kind, name, layoutClasses, signal, timeoutMs, ref } = this.#options;
    this.#listen();
    for (const one of KINDS) this.#follow(this.#tracks[one]);
    const { audio, video } = this.#tracks;
    const wish = {
      kind: kind ?? (video ? 'camera' : 'audio'),
      hasAudio: this.#wants.audio && isLive(audio),
      hasVideo: this.#wants.video && isLive(video),
      name,
      layoutClasses,
    };
    try {
      this.#own = await this.#room.publish(wish, { signal, timeoutMs, ref });
    } catch (error) {
      this.#end();
      throw error;
    }
    this.#own.onForcedMute(() => {
      this.#wants.audio = false;
      return this.#apply();
    });
    this.#own.stream.subscribe(
      (stream) => {
        this.#show(stream);
      },
      { signal: this.#stopped.signal },
    );
  }

  async replaceTrack(kind: TrackKind, track: MediaStreamTrack | null): Promise<void> {
    if (track && (track.kind !== kind || !isLive(track)))
      throw new StagedoorError('invalid_options', `track is not a live ${kind} track`, { field: 'track' });
    const own = this.#need();
    this.#tracks[kind] = track;
    this.#follow(track);
    // Until the room shows that it is on.
    if (track && !this.#isOn(kind)) track.enabled = false;
    await this.#apply();
    const isShown = own.stream.value?.[FIELDS[kind]] ?? false;
    const canTurnOn = track !== null && this.#wants[kind] && !(kind === 'audio' && own.stream.value?.muted);
    if (isShown !== (track !== null) && (canTurnOn || !track)) await this.#update(kind, canTurnOn);
  }

  async setMuted(muted: boolean, kind: TrackKind = 'audio'): Promise<void> {
    this.#need();
    this.#wants[kind] = !muted;
    if (!this.#tracks[kind]) return;
    await Promise.all([this.#apply(), this.#update(kind, !muted)]);
  }

  async stats(): Promise<ReadonlyMap<ParticipantId, RTCStatsReport>> {
    const reports = new Map<ParticipantId, RTCStatsReport>();
    for (const [participant, { peer }] of this.#peers) {
      const report = await peer.connection?.getStats();
      if (report) reports.set(participant, report);
    }
    return reports;
  }

  async stop(options: RequestOptions = {}): Promise<void> {
    const isOver = this.ended.value;
    this.#end();
    if (isOver) return;
    try {
      await this.#own?.unpublish(options);
    } catch (error) {
      if (!hasCode(error, 'stream_not_found', 'not_in_room', 'session_ended', 'no_active_session')) throw error;
    }
  }

  #listen(): void {
    const room = this.#room;
    const { signal } = this.#stopped;
    room.on(
      'subscribed',
      ({ stream, participant }) => {
        if (stream === this.#id) this.#connect(participant);
        else if (this.#own === undefined || this.stream.value === null) this.#early.push({ stream, participant });
      },
      { signal },
    );
    room.on(
      'unsubscribed',
      ({ stream, participant }) => {
        if (stream === this.#id) this.#disconnect(participant);
      },
      { signal },
    );
    room.on(
      'participantLeft',
      ({ participant }) => {
        this.#disconnect(participant.id);
      },
      { signal },
    );
    room.on(
      'relay',
      ({ stream, from, data }) => {
        if (stream === this.#id) this.#receive(from, messageOf(data));
      },
      { signal },
    );
    room.on(
      'streamEnded',
      ({ stream }) => {
        // That of a former session is published again.
        const isOfSession = stream.participant === room.state.value.me?.id;
        if (stream.id === this.#id && isOfSession && !this.#own?.stream.value) this.#end();
      },
      { signal },
    );
    room.on(
      'left',
      () => {
        this.#end();
      },
      { signal },
    );
  }

  #receive(from: ParticipantId, message: Message): void {
    const known = this.#peers.get(from)?.peer;
    const isWithout = message.connection === undefined;
    if (message.restart && (!known || isWithout)) {
      // It has no connection, because an offer or its subscription was missed. One that is being made will offer.
      if (!known || known.connection) this.#connect(from);
    } else if (isWithout || message.connection === known?.id) known?.receive(message);
  }

  #connect(participant: ParticipantId): void {
    this.#disconnect(participant);
    const own = this.#need();
    this.#connections += 1;
    const senders: Partial<Record<TrackKind, RTCRtpSender>> = {};
    const peer = new Peer({
      room: this.#room,
      id: `${String(this.#id)}.${String(this.#connections)}`,
      isPublisher: true,
      media: this.#options,
      send: (message) => own.relay(participant, message),
      opened: () => {
        this.#report(this.#apply());
      },
      gone: () => {
        this.#disconnect(participant);
      },
    });
    this.#peers.set(participant, { peer, senders });
    peer.link.subscribe(() => {
      this.subscribers.set(new Map([...this.#peers].map(([id, one]) => [id, one.peer.link.value])));
    });
  }

  #disconnect(participant: ParticipantId): void {
    const one = this.#peers.get(participant);
    this.#peers.delete(participant);
    one?.peer.close();
  }

  /** The room shows the stream like this. */
  #show(stream: Stream | null): void {
    if (stream?.id !== this.#id) {
      // A new session: its subscribers subscribe again.
      for (const participant of [...this.#peers.keys()]) this.#disconnect(participant);
      if (stream) this.#id = stream.id;
    }
    this.stream.set(stream);
    this.#report(this.#apply());
    if (!stream) return;
    for (const early of this.#early.splice(0)) if (early.stream === stream.id) this.#connect(early.participant);
  }

  /** Sends what is on, and nothing else. The tracks are off when it returns, before its promise is resolved. */
  async #apply(): Promise<void> {
    const changes: Promise<void>[] = [];
    for (const kind of KINDS) {
      const track = this.#tracks[kind];
      const isOn = this.#isOn(kind);
      this[kind].set(this.#statusOf(kind, isOn));
      if (track && !isOn && this.stream.value) track.enabled = false;
      for (const { peer, senders } of this.#peers.values()) {
        const sender = senders[kind];
        const { connection } = peer;
        if (sender) changes.push(sender.replaceTrack(isOn ? track : null));
        else if (track && connection && connection.signalingState !== 'closed') {
          const init: RTCRtpTransceiverInit = { direction: 'sendonly', streams: [this.#media] };
          senders[kind] = connection.addTransceiver(isOn ? track : kind, init).sender;
        }
      }
    }
    await Promise.all(changes).catch((error: unknown) => {
      // A connection was closed meanwhile: it sends nothing.
      if ((error as DOMException).name !== 'InvalidStateError') throw error;
    });
  }

  #isOn(kind: TrackKind): boolean {
    const stream = this.stream.value;
    if (!stream || !this.#wants[kind] || !isLive(this.#tracks[kind])) return false;
    return kind === 'audio' ? stream.hasAudio && !stream.muted : stream.hasVideo;
  }

  #statusOf(kind: TrackKind, isOn: boolean): SourceStatus {
    const track = this.#tracks[kind];
    if (!track) return 'none';
    if (!isLive(track)) return 'lost';
    if (kind === 'audio' && this.stream.value?.muted) return 'muted';
    return isOn ? 'on' : 'off';
  }

  /** Announces audio or video, and switches it on once the room shows it. */
  async #update(kind: TrackKind, isOn: boolean): Promise<void> {
    await this.#need().update({ [FIELDS[kind]]: isOn });
    const track = this.#tracks[kind];
    if (isOn && track && this.#isOn(kind)) track.enabled = true;
    await this.#apply();
  }

  /** The device was unplugged, or its permission revoked. */
  #follow(track: MediaStreamTrack | null): void {
    track?.addEventListener(
      'ended',
      () => {
        const kind = track.kind as TrackKind;
        if (this.#tracks[kind] !== track) return;
        this.#report(this.#apply());
        if (this.#own?.stream.value) this.#report(this.#update(kind, false));
      },
      { signal: this.#stopped.signal },
    );
  }

  #end(): void {
    this.#stopped.abort();
    for (const participant of [...this.#peers.keys()]) this.#disconnect(participant);
    this.subscribers.set(new Map());
    this.stream.set(null);
    this.ended.set(true);
  }

  #need(): OwnStream {
    if (!this.#own || this.ended.value)
      throw new StagedoorError('stream_not_found', 'the stream ended', { hint: 'Publish the media again.' });
    return this.#own;
  }

  #report(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!this.ended.value && !hasCode(error, 'stream_not_found')) (this.#options.onError ?? reportError)(error);
    });
  }
}

const KINDS: readonly TrackKind[] = ['audio', 'video'];
const FIELDS = { audio: 'hasAudio', video: 'hasVideo' } as const;

function isLive(track: MediaStreamTrack | null): boolean {
  return track?.readyState === 'live';
}
