// The streams that this client publishes, and the enforcement of mutes on them.
//
// A mute is acknowledged only after the program's callbacks resolved, or after the package switched off the tracks it
// was given. Otherwise the stream is unpublished.

import { StagedoorError } from '../core/errors.js';
import { Store } from '../core/observable.js';
import { inNextTask } from '../shell/environment.js';
import type * as wire from '../wire/protocol.js';
import type { ForcedMute, NewStream, OwnStream, StreamChange } from './api.js';
import type { Channel, RequestOptions } from './channel.js';
import { type ParticipantId, type Stream, type StreamId, streamOf } from './model.js';

/** How long the callbacks of a forced mute may take, in milliseconds. */
const MUTE_CALLBACK_MS = 2_000;

/** What an own stream needs of its room. */
export interface StreamOwner {
  readonly room: string;
  readonly channel: Channel;
  /** The stream changed by an own request. */
  streamPut(stream: wire.Stream): void;
  /** The stream ended by an own request. */
  streamEnded(id: StreamId): void;
}

class OwnStreamImpl implements OwnStream {
  readonly stream: Store<Stream | null>;
  readonly #owner: StreamOwner;
  readonly #callbacks = new Set<{ fn: (mute: ForcedMute) => void | Promise<void> }>();
  #wish: NewStream;
  #isEnforcing = false;
  isWanted = true;

  constructor(owner: StreamOwner, wish: NewStream) {
    this.#owner = owner;
    this.#wish = wish;
    this.stream = new Store<Stream | null>(owner.channel.notifier, 'stream', null);
  }

  /** The id while it is published. */
  id: StreamId | undefined;

  async publish(options: RequestOptions, isUrgent = false): Promise<void> {
    const { kind, hasAudio, hasVideo, name, layoutClasses } = this.#wish;
    const stream = {
      kind,
      has_audio: hasAudio,
      has_video: hasVideo,
      ...(name !== undefined && { name }),
      ...(layoutClasses && { layout_classes: [...layoutClasses] }),
    };
    const { room, channel } = this.#owner;
    await channel.call({ publish: { room, stream } }, 'published', {
      ...options,
      room,
      isUrgent,
      onReply: (body) => {
        this.#accept(body.stream);
        // The program registers its callback right after its `await`.
        if (hasAudio && body.stream.muted)
          inNextTask(() => {
            this.enforce({ stream: body.stream.id, lock: true });
          });
      },
      onLate: (body) => {
        this.#unpublishLate(body.stream.id);
      },
    });
  }

  async update(change: StreamChange, options: RequestOptions = {}): Promise<void> {
    const stream = this.#needId();
    const { hasAudio, hasVideo, name, layoutClasses } = change;
    const { room, channel } = this.#owner;
    const command = {
      update_stream: {
        stream,
        ...(hasAudio !== undefined && { has_audio: hasAudio }),
        ...(hasVideo !== undefined && { has_video: hasVideo }),
        ...(name !== undefined && { name }),
        ...(layoutClasses && { layout_classes: [...layoutClasses] }),
      },
    };
    await channel.call(command, 'updated', {
      ...options,
      room,
      onReply: (body) => {
        this.#accept(body.stream);
      },
    });
  }

  async unpublish(options: RequestOptions = {}): Promise<void> {
    this.isWanted = false;
    const stream = this.id;
    if (stream === undefined) return;
    const { room, channel } = this.#owner;
    const ref = options.ref ?? channel.newRef();
    await channel.call({ unpublish: { stream, ref } }, 'unpublished', { ...options, room, ref });
    this.ended();
    this.#owner.streamEnded(stream);
  }

  /** The stream was published after its caller gave up. */
  #unpublishLate(stream: StreamId): void {
    const { room, channel } = this.#owner;
    channel.call({ unpublish: { stream } }, 'unpublished', { room }).catch((error: unknown) => {
      channel.report(error, 'publish');
    });
  }

  async relay(to: ParticipantId, data: unknown, options: RequestOptions = {}): Promise<void> {
    const { room, channel } = this.#owner;
    await channel.call({ relay: { to, stream: this.#needId(), data } }, 'relayed', { ...options, room });
  }

  onForcedMute(fn: (mute: ForcedMute) => void | Promise<void>): () => void {
    const callback = { fn };
    this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  }

  /** The room shows the stream like this. */
  show(stream: Stream): void {
    this.#wish = { ...this.#wish, hasAudio: stream.hasAudio, hasVideo: stream.hasVideo };
    this.stream.set(stream);
  }

  /** The stream is not published any more. */
  ended(): void {
    this.id = undefined;
    this.stream.set(null);
  }

  /** A moderator muted the stream while its audio was on. */
  enforce(mute: ForcedMute): void {
    if (this.#isEnforcing) return;
    this.#isEnforcing = true;
    this.#switchOff(mute)
      .then((isOff) => (isOff ? this.update({ hasAudio: false }) : this.unpublish()))
      .catch((error: unknown) => {
        // The stream is gone already.
        if (this.id !== undefined) this.#owner.channel.report(error, 'onForcedMute');
      })
      .finally(() => (this.#isEnforcing = false));
  }

  /** Whether the audio is off now. */
  async #switchOff(mute: ForcedMute): Promise<boolean> {
    const { channel } = this.#owner;
    const callbacks = [...this.#callbacks];
    try {
      const called = Promise.all(
        callbacks.map(async ({ fn }) => {
          await fn(mute);
        }),
      );
      await channel.within(called, { timeoutMs: MUTE_CALLBACK_MS });
      if (callbacks.length > 0) return true;
    } catch (error) {
      channel.report(error, 'onForcedMute');
    }
    const audio = (this.#wish.tracks ?? []).filter((track) => track.kind === 'audio');
    for (const track of audio) track.enabled = false;
    return audio.length > 0;
  }

  #accept(stream: wire.Stream): void {
    this.id = stream.id;
    this.show(streamOf(stream));
    this.#owner.streamPut(stream);
  }

  #needId(): StreamId {
    if (this.id === undefined) throw new StagedoorError('stream_not_found', 'the stream is not published');
    return this.id;
  }
}

/** All own streams of one room. */
export class OwnStreams {
  readonly #owner: StreamOwner;
  readonly #all = new Set<OwnStreamImpl>();

  constructor(owner: StreamOwner) {
    this.#owner = owner;
  }

  /** Publishes a stream. */
  async publish(wish: NewStream, options: RequestOptions): Promise<OwnStream> {
    const stream = new OwnStreamImpl(this.#owner, wish);
    this.#all.add(stream);
    try {
      await stream.publish(options);
    } catch (error) {
      this.#all.delete(stream);
      throw error;
    }
    return stream;
  }

  /** Publishes all streams again: the room was joined in a new session. */
  republish(): void {
    for (const stream of this.#all) {
      if (!stream.isWanted) this.#all.delete(stream);
      else
        stream.publish({}, true).catch((error: unknown) => {
          this.#owner.channel.report(error, 'publish');
        });
    }
  }

  /** The roster changed, for one of these streams or another. */
  shown(stream: Stream): void {
    this.#find(stream.id)?.show(stream);
  }

  /** A stream ended by the gateway: it is not published again. */
  ended(id: StreamId): void {
    const stream = this.#find(id);
    if (!stream) return;
    this.#all.delete(stream);
    stream.isWanted = false;
    stream.ended();
  }

  /** The membership is over; with `forGood` nothing is published again. */
  suspendAll(forGood: boolean): void {
    for (const stream of this.#all) stream.ended();
    if (forGood) this.#all.clear();
  }

  /** A moderator muted a stream whose audio was on. */
  enforce(id: StreamId, lock: boolean): void {
    this.#find(id)?.enforce({ stream: id, lock });
  }

  #find(id: StreamId): OwnStreamImpl | undefined {
    for (const stream of this.#all) if (stream.id === id) return stream;
    return undefined;
  }
}
