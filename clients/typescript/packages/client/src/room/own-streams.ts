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
import { type Stream, type StreamId, streamOf } from './model.js';

/** How long the callbacks of a forced mute may take, in milliseconds. */
const MUTE_CALLBACK_MS = 2_000;

/** Requests of this package itself wait for no call of the program. */
type OwnOptions = RequestOptions & { readonly isUrgent?: boolean };
const AT_ONCE: OwnOptions = { isUrgent: true };

/** What the streams report to their room. */
export interface StreamHandler {
  /** A stream changed by an own request. */
  streamPut(stream: wire.Stream): void;
  /** A stream ended by an own request. */
  streamEnded(id: StreamId): void;
}

/** One stream; it has an id while it is published. */
interface Own {
  readonly shown: Store<Stream | null>;
  readonly callbacks: Set<{ fn: (mute: ForcedMute) => void | Promise<void> }>;
  wish: NewStream;
  id?: StreamId | undefined;
  /** Whether it is published again in a new session. */
  isWanted: boolean;
  isEnforcing: boolean;
}

/** All own streams of one room. */
export interface OwnStreams {
  /** Publishes a stream. */
  readonly publish: (wish: NewStream, options?: RequestOptions) => Promise<OwnStream>;
  /** Publishes all streams again: the room was joined in a new session. */
  republish(): void;
  /** The roster changed, for one of these streams or another. */
  shown(stream: Stream): void;
  /** A stream ended: it is not published again. */
  ended(id: StreamId): void;
  /** The membership is over; with `forGood` nothing is published again. */
  suspendAll(forGood: boolean): void;
  /** A moderator muted a stream whose audio was on. */
  enforce(id: StreamId, lock: boolean): void;
}

/** Makes the own streams of one room. */
export function makeOwnStreams(channel: Channel, handler: StreamHandler): OwnStreams {
  const { room } = channel;
  const all = new Set<Own>();
  const find = (id: StreamId): Own | undefined => [...all].find((own) => own.id === id);

  const show = (own: Own, stream: Stream): void => {
    const { hasAudio, hasVideo, name } = stream;
    own.wish = { ...own.wish, hasAudio, hasVideo, name };
    own.shown.set(stream);
  };

  const accept = (own: Own, stream: wire.Stream): void => {
    own.id = stream.id;
    show(own, streamOf(stream));
    handler.streamPut(stream);
  };

  const suspend = (own: Own): void => {
    own.id = undefined;
    own.shown.set(null);
  };

  const idOf = ({ id }: Own): StreamId => {
    if (id === undefined) throw new StagedoorError('stream_not_found', 'the stream is not published');
    return id;
  };

  const publish = (own: Own, options: OwnOptions = {}): Promise<void> => {
    const { kind, hasAudio, hasVideo } = own.wish;
    const stream = { ...changeOf(own.wish), kind, has_audio: hasAudio, has_video: hasVideo };
    return channel.call('publish', { room, stream }, 'published', {
      ...options,
      onReply(body) {
        accept(own, body.stream);
        // The program registers its callback right after its `await`.
        if (hasAudio && body.stream.muted) inNextTask(() => enforce(own, true));
      },
      // The stream was published after its caller gave up.
      onLate: (body) =>
        channel.inBackground(channel.call('unpublish', { stream: body.stream.id }, 'unpublished'), 'publish'),
    });
  };

  const update = async (own: Own, change: StreamChange, options?: OwnOptions): Promise<void> =>
    channel.call('update_stream', { stream: idOf(own), ...changeOf(change) }, 'updated', {
      ...options,
      onReply: (body) => accept(own, body.stream),
    });

  const unpublish = async (own: Own, options?: OwnOptions): Promise<void> => {
    own.isWanted = false;
    const { id: stream } = own;
    if (stream === undefined) return;
    await channel.callOnce('unpublish', { stream }, 'unpublished', options);
    suspend(own);
    handler.streamEnded(stream);
  };

  /** Switches the audio off; returns whether it is off now. */
  const switchOff = async ({ callbacks, wish }: Own, mute: ForcedMute): Promise<boolean> => {
    try {
      const called = Promise.all([...callbacks].map(async ({ fn }) => fn(mute)));
      await channel.within(called, { timeoutMs: MUTE_CALLBACK_MS });
      if (callbacks.size > 0) return true;
    } catch (error) {
      channel.report(error, 'onForcedMute');
    }
    const audio = (wish.tracks ?? []).filter((track) => track.kind === 'audio');
    for (const track of audio) track.enabled = false;
    return audio.length > 0;
  };

  const enforce = (own: Own, lock: boolean): void => {
    if (own.isEnforcing || own.id === undefined) return;
    own.isEnforcing = true;
    const acknowledged = switchOff(own, { stream: own.id, lock })
      .then((isOff) => (isOff ? update(own, { hasAudio: false }, AT_ONCE) : unpublish(own, AT_ONCE)))
      .catch((error: unknown) => {
        // Without an id the stream is gone already.
        if (own.id !== undefined) throw error;
      })
      .finally(() => (own.isEnforcing = false));
    channel.inBackground(acknowledged, 'onForcedMute');
  };

  return {
    async publish(wish, options) {
      const shown = new Store<Stream | null>(channel.notifier, 'stream', null);
      const own: Own = { shown, callbacks: new Set(), wish, isWanted: true, isEnforcing: false };
      all.add(own);
      try {
        await publish(own, options);
      } catch (error) {
        all.delete(own);
        throw error;
      }
      return {
        stream: shown,
        update: (change, more) => update(own, change, more),
        unpublish: (more) => unpublish(own, more),
        relay: async (to, data, more) => {
          await channel.call('relay', { to, stream: idOf(own), data }, 'relayed', more);
        },
        onForcedMute(fn) {
          const callback = { fn };
          own.callbacks.add(callback);
          return () => own.callbacks.delete(callback);
        },
      };
    },
    republish() {
      for (const own of all) {
        if (own.isWanted) channel.inBackground(publish(own, AT_ONCE), 'publish');
        else all.delete(own);
      }
    },
    shown(stream) {
      const own = find(stream.id);
      if (own) show(own, stream);
    },
    ended(id) {
      const own = find(id);
      if (!own) return;
      all.delete(own);
      own.isWanted = false;
      suspend(own);
    },
    suspendAll(forGood) {
      for (const own of all) suspend(own);
      if (forGood) all.clear();
    },
    enforce(id, lock) {
      const own = find(id);
      if (own) enforce(own, lock);
    },
  };
}

/** A change of a stream for the wire; JSON leaves out what is undefined. */
function changeOf({ hasAudio, hasVideo, name, layoutClasses }: StreamChange): {
  has_audio: boolean | undefined;
  has_video: boolean | undefined;
  name: string | undefined;
  layout_classes: string[] | undefined;
} {
  return { has_audio: hasAudio, has_video: hasVideo, name, layout_classes: layoutClasses && [...layoutClasses] };
}
