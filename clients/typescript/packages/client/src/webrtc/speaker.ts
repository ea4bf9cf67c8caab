// Elements that play the sound of all watched streams: one per page, or that of the option `speaker`.

import { Value } from './value.js';

/** Whether sound plays, or the browser waits for a gesture of the user. */
export type Playback = 'playing' | 'blocked';

/** An element that plays many tracks. */
export class Speaker {
  readonly playback = new Value<Playback>('playing');
  readonly #element: HTMLAudioElement;
  readonly #tracks = new MediaStream();

  constructor(element: HTMLAudioElement) {
    this.#element = element;
    element.addEventListener('playing', () => {
      this.playback.set('playing');
    });
    // The system took the sound away, such as for a phone call.
    element.addEventListener('pause', () => {
      if (this.#isNeeded) this.playback.set('blocked');
    });
  }

  /** Plays a track as well. */
  add(track: MediaStreamTrack): void {
    const isFirst = !this.#isNeeded;
    this.#tracks.addTrack(track);
    // Chromium never plays a stream that was empty when the element got it.
    if (isFirst) this.#element.srcObject = this.#tracks;
    void this.play();
  }

  /** Plays a track no more. */
  remove(track: MediaStreamTrack): void {
    this.#tracks.removeTrack(track);
    if (!this.#isNeeded) this.playback.set('playing');
  }

  /** Tries to play; in the handler of a gesture the browser allows it. */
  async play(): Promise<void> {
    try {
      await this.#element.play();
      this.playback.set('playing');
    } catch (error) {
      // Any other error means that the element was given new tracks meanwhile.
      if ((error as DOMException).name === 'NotAllowedError' && this.#isNeeded) this.playback.set('blocked');
    }
  }

  get #isNeeded(): boolean {
    return this.#tracks.getTracks().length > 0;
  }
}

const speakers = new WeakMap<HTMLAudioElement, Speaker>();
let shared: HTMLAudioElement | undefined;

/** The speaker of an element, or the page's. */
export function speakerOf(element: HTMLAudioElement | undefined): Speaker {
  const used = element ?? (shared ??= new Audio());
  const speaker = speakers.get(used) ?? new Speaker(used);
  speakers.set(used, speaker);
  return speaker;
}
