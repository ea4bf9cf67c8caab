// The streams of others: each visible stream is watched, up to a bound.

import type { Room, StreamId } from '@stagedoor/client';
import { type MediaOptions, type WatchedLink, type WatchedMedia, watchMedia } from '@stagedoor/client/webrtc';
import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import { follow } from '../../ui/observe.js';
import type { DemoSignals } from './chat.js';
import type { Person } from './room-session.js';

/** A watched stream. */
export interface Watched {
  readonly link: ReadonlySignal<WatchedLink>;
  /** Shows the video until the returned function is called. */
  readonly attach: (element: HTMLVideoElement) => () => void;
}

/** More streams are listed and not watched: each is a connection of its own. */
export const MAX_WATCHED = 12;

/** Watches the streams of a room. */
export class Watching {
  readonly #streams = signal<ReadonlyMap<StreamId, Watched>>(new Map());
  readonly #all = new Map<StreamId, { media: WatchedMedia; stopped: AbortController }>();
  readonly #isBlocked = signal(false);
  readonly #room: Room<DemoSignals>;
  readonly #speaker: HTMLAudioElement;
  readonly #options: MediaOptions;

  constructor(
    room: Room<DemoSignals>,
    people: ReadonlySignal<readonly Person[]>,
    mayWatch: ReadonlySignal<boolean>,
    speaker: HTMLAudioElement,
    options: MediaOptions,
    until: AbortSignal,
  ) {
    this.#room = room;
    this.#speaker = speaker;
    this.#options = options;
    const wanted = computed(() => {
      if (!mayWatch.value) return '';
      const others = people.value.filter(({ isMe }) => !isMe).flatMap(({ streams }) => streams);
      return others
        .slice(0, MAX_WATCHED)
        .map(({ id }) => id)
        .join(' ');
    });
    const stop = effect(() => {
      this.#watch(new Set(wanted.value.split(' ').filter((id) => id !== '')));
    });
    until.addEventListener('abort', () => {
      stop();
      this.#watch(new Set());
    });
  }

  /** The watched streams. */
  get streams(): ReadonlySignal<ReadonlyMap<StreamId, Watched>> {
    return this.#streams;
  }

  /** Whether the browser waits for a gesture before it plays sound. */
  get isBlocked(): ReadonlySignal<boolean> {
    return this.#isBlocked;
  }

  /** Plays sound, in the handler of a gesture. */
  resume(): void {
    for (const { media } of this.#all.values()) void media.resume();
  }

  #watch(wanted: ReadonlySet<StreamId>): void {
    const streams = new Map(this.#streams.peek());
    for (const [id, { media, stopped }] of this.#all) {
      if (wanted.has(id)) continue;
      stopped.abort();
      media.stop().catch(() => undefined);
      this.#all.delete(id);
      streams.delete(id);
    }
    for (const id of wanted) {
      if (this.#all.has(id)) continue;
      const watched = this.#open(id);
      if (watched) streams.set(id, watched);
    }
    this.#streams.value = streams;
  }

  #open(id: StreamId): Watched | undefined {
    const stopped = new AbortController();
    try {
      const media = watchMedia(this.#room, id, { ...this.#options, speaker: this.#speaker });
      this.#all.set(id, { media, stopped });
      media.playback.subscribe(
        (playback) => {
          this.#isBlocked.value = playback === 'blocked';
        },
        { signal: stopped.signal },
      );
      return {
        link: follow(media.link, stopped.signal),
        attach: (element) => media.attach(element),
      };
    } catch {
      // Without WebRTC the stream is listed and cannot be watched.
      return undefined;
    }
  }
}
