// The own stream: what this window publishes of its camera and microphone.

import type { OwnStream, Room, Stream } from '@stagedoor/client';
import { type ReadonlySignal, signal } from '@preact/signals';
import type { DemoSignals } from './chat.js';
import type { Devices } from './devices.js';
import { type Sentence, sentenceOf } from './sentences.js';

/** Publishes the devices in a room. */
export class Publishing {
  readonly #room: Room<DemoSignals>;
  readonly #devices: Devices;
  readonly #stream = signal<Stream | null>(null);
  readonly #problem = signal<Sentence | undefined>(undefined);
  readonly #isBusy = signal(false);
  #own: OwnStream | undefined;

  constructor(room: Room<DemoSignals>, devices: Devices) {
    this.#room = room;
    this.#devices = devices;
  }

  /** The stream as the room sees it. */
  get stream(): ReadonlySignal<Stream | null> {
    return this.#stream;
  }

  /** Why the last request failed. */
  get problem(): ReadonlySignal<Sentence | undefined> {
    return this.#problem;
  }

  /** Whether a request is on its way. */
  get isBusy(): ReadonlySignal<boolean> {
    return this.#isBusy;
  }

  /** Publishes what the devices give. */
  async start(): Promise<void> {
    const { audio, video } = this.#devices.state.value;
    if ((!audio && !video) || this.#stream.value) return;
    await this.#try(async () => {
      const own = await this.#room.publish({
        kind: video ? 'camera' : 'audio',
        hasAudio: audio?.enabled ?? false,
        hasVideo: video?.enabled ?? false,
        tracks: [audio, video].filter((track) => track !== undefined),
      });
      own.stream.subscribe((stream) => {
        this.#stream.value = stream;
      });
      this.#own = own;
    });
  }

  /** Switches the microphone or the camera. */
  async set(kind: 'audio' | 'video', isOn: boolean): Promise<void> {
    const track = this.#devices.state.value[kind];
    if (!isOn && track) track.enabled = false;
    await this.#try(async () => {
      await this.#own?.update(kind === 'audio' ? { hasAudio: isOn } : { hasVideo: isOn });
      if (track) track.enabled = isOn;
    });
  }

  /** Answers a moderator that the microphone stays off. */
  async decline(): Promise<void> {
    await this.#try(async () => {
      await this.#own?.update({ hasAudio: false });
    });
  }

  /** Ends the stream. */
  async stop(): Promise<void> {
    await this.#try(async () => {
      await this.#own?.unpublish();
      this.#own = undefined;
    });
  }

  async #try(work: () => Promise<void>): Promise<void> {
    this.#isBusy.value = true;
    this.#problem.value = undefined;
    try {
      await work();
    } catch (error) {
      this.#problem.value = sentenceOf(error);
    } finally {
      this.#isBusy.value = false;
    }
  }
}
