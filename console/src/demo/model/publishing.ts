// The own stream: what this window publishes of its camera and microphone.

import type { Room, Stream } from '@stagedoor/client';
import { type MediaOptions, type PublishedMedia, publishMedia } from '@stagedoor/client/webrtc';
import { effect, type ReadonlySignal, signal } from '@preact/signals';
import type { DemoSignals } from './chat.js';
import type { Devices } from './devices.js';
import { type Sentence, sentenceOf } from './sentences.js';

/** Publishes the devices in a room. */
export class Publishing {
  readonly #room: Room<DemoSignals>;
  readonly #devices: Devices;
  readonly #options: MediaOptions;
  readonly #stream = signal<Stream | null>(null);
  readonly #problem = signal<Sentence | undefined>(undefined);
  readonly #isBusy = signal(false);
  /** The tracks that were published once. */
  readonly #sent = new WeakSet<MediaStreamTrack>();
  #published: PublishedMedia | undefined;

  constructor(room: Room<DemoSignals>, devices: Devices, options: MediaOptions, until: AbortSignal) {
    this.#room = room;
    this.#devices = devices;
    this.#options = options;
    const stop = effect(() => {
      this.#replaceTracks(devices.state.value);
    });
    until.addEventListener('abort', stop);
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
    const tracks = [audio, video].filter((track) => track !== undefined);
    if (tracks.length === 0 || this.#published) return;
    await this.#try(async () => {
      const published = await publishMedia(this.#room, new MediaStream(tracks), this.#options);
      this.#published = published;
      published.stream.subscribe((stream) => {
        this.#stream.value = stream;
      });
      published.ended.subscribe((isEnded) => {
        if (!isEnded || this.#published !== published) return;
        this.#published = undefined;
        this.#stream.value = null;
      });
    });
  }

  /** Switches the microphone or the camera. */
  async set(kind: 'audio' | 'video', isOn: boolean): Promise<void> {
    await this.#try(() => this.#published?.setMuted(!isOn, kind));
  }

  /** Answers a moderator that the microphone stays off. */
  async decline(): Promise<void> {
    await this.set('audio', false);
  }

  /** Sends the tracks that are open now. */
  #replaceTracks({ audio, video }: { audio: MediaStreamTrack | undefined; video: MediaStreamTrack | undefined }): void {
    const published = this.#published;
    for (const track of [audio, video]) {
      if (!track || this.#sent.has(track)) continue;
      this.#sent.add(track);
      if (published) void this.#try(() => published.replaceTrack(track.kind === 'audio' ? 'audio' : 'video', track));
    }
  }

  async #try(work: () => Promise<void> | undefined): Promise<void> {
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
