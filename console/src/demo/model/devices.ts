// Camera and microphone: opening them, and in words why that failed.

import { type ReadonlySignal, signal } from '@preact/signals';
import type { Sentence } from './sentences.js';

/** What is known of the devices. */
export interface DevicesState {
  readonly status: 'closed' | 'opening' | 'open' | 'failed';
  /** What is wrong, also while one of both works. */
  readonly problem: Sentence | undefined;
  readonly audio: MediaStreamTrack | undefined;
  readonly video: MediaStreamTrack | undefined;
  /** The devices to choose from; empty before the user permitted their use. */
  readonly microphones: readonly MediaDeviceInfo[];
  readonly cameras: readonly MediaDeviceInfo[];
}

const CLOSED: DevicesState = {
  status: 'closed',
  problem: undefined,
  audio: undefined,
  video: undefined,
  microphones: [],
  cameras: [],
};

/** Which kinds to open, and optionally which device. */
export interface Choice {
  readonly audio: boolean | string;
  readonly video: boolean | string;
}

/** Camera and microphone of this window. */
export class Devices {
  readonly #state = signal(CLOSED);
  #attempt = 0;

  get state(): ReadonlySignal<DevicesState> {
    return this.#state;
  }

  constructor() {
    if (!hasDevices()) return;
    navigator.mediaDevices.addEventListener('devicechange', () => {
      if (this.#state.value.status === 'open') void this.#list();
    });
  }

  /** Opens both, or what there is of them. Never rejects: see `problem`. */
  async open(choice: Choice = { audio: true, video: true }): Promise<void> {
    this.#attempt += 1;
    const attempt = this.#attempt;
    if (!hasDevices()) {
      this.#state.value = { ...CLOSED, status: 'failed', problem: INSECURE };
      return;
    }
    const former = this.#state.value;
    this.#state.value = { ...former, status: 'opening', problem: undefined };
    const { tracks, problem } = await openTracks(choice);
    if (attempt !== this.#attempt) {
      for (const track of tracks) track.stop();
      return;
    }
    const audio = tracks.find((track) => track.kind === 'audio') ?? (choice.audio === false ? former.audio : undefined);
    const video = tracks.find((track) => track.kind === 'video') ?? (choice.video === false ? former.video : undefined);
    for (const track of [former.audio, former.video]) if (track !== audio && track !== video) track?.stop();
    for (const track of tracks) this.#watchEnd(track);
    this.#state.value = { ...former, status: audio || video ? 'open' : 'failed', problem, audio, video };
    if (audio || video) await this.#list();
  }

  /** Releases the devices. */
  close(): void {
    this.#attempt += 1;
    for (const track of [this.#state.value.audio, this.#state.value.video]) track?.stop();
    this.#state.value = CLOSED;
  }

  #watchEnd(track: MediaStreamTrack): void {
    track.addEventListener('ended', () => {
      const state = this.#state.value;
      if (state.audio !== track && state.video !== track) return;
      const audio = state.audio === track ? undefined : state.audio;
      const video = state.video === track ? undefined : state.video;
      const isSecond = state.problem === LOST_MICROPHONE || state.problem === LOST_CAMERA;
      const problem = isSecond ? LOST_BOTH : track.kind === 'audio' ? LOST_MICROPHONE : LOST_CAMERA;
      this.#state.value = { ...state, audio, video, problem };
    });
  }

  async #list(): Promise<void> {
    const devices = await navigator.mediaDevices.enumerateDevices();
    const named = devices.filter(({ deviceId }) => deviceId !== '');
    this.#state.value = {
      ...this.#state.value,
      microphones: named.filter(({ kind }) => kind === 'audioinput'),
      cameras: named.filter(({ kind }) => kind === 'videoinput'),
    };
  }
}

/** Whether the browser gives this page devices at all. */
export function hasDevices(): boolean {
  return isSecureContext && 'mediaDevices' in navigator;
}

async function openTracks(choice: Choice): Promise<{ tracks: MediaStreamTrack[]; problem: Sentence | undefined }> {
  try {
    return { tracks: await getTracks(choice), problem: undefined };
  } catch (error) {
    if (choice.audio === false || choice.video === false || isDenied(error)) {
      return { tracks: [], problem: await problemOf(error, choice) };
    }
  }
  // One of both may be missing or in use; the other one is better than none.
  const tracks: MediaStreamTrack[] = [];
  const failures: { readonly error: unknown; readonly one: Choice }[] = [];
  for (const one of [
    { audio: choice.audio, video: false },
    { audio: false, video: choice.video },
  ]) {
    try {
      tracks.push(...(await getTracks(one)));
    } catch (error) {
      failures.push({ error, one });
    }
  }
  const [first, second] = failures;
  if (!first) return { tracks, problem: undefined };
  if (!second) return { tracks, problem: await problemOf(first.error, first.one) };
  const busy = failures.find(({ error }) => isInUse(error));
  return { tracks, problem: busy ? await problemOf(busy.error, choice) : NO_DEVICES };
}

async function getTracks({ audio, video }: Choice): Promise<MediaStreamTrack[]> {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: audio !== false && { echoCancellation: true, ...(typeof audio === 'string' && { deviceId: audio }) },
    video: video !== false && {
      width: { ideal: 640 },
      height: { ideal: 360 },
      ...(typeof video === 'string' && { deviceId: video }),
    },
  });
  return stream.getTracks();
}

function isDenied(error: unknown): boolean {
  return nameOf(error) === 'NotAllowedError' || nameOf(error) === 'SecurityError';
}

function isInUse(error: unknown): boolean {
  return nameOf(error) === 'NotReadableError' || nameOf(error) === 'AbortError';
}

function nameOf(error: unknown): string {
  return error instanceof DOMException ? error.name : '';
}

async function problemOf(error: unknown, choice: Choice): Promise<Sentence> {
  const device = choice.video === false ? 'microphone' : choice.audio === false ? 'camera' : 'camera or microphone';
  if (isDenied(error)) return (await isRemembered()) ? denied(device) : dismissed(device);
  if (isInUse(error)) {
    return {
      what: `The ${device} is in use by another program or window.`,
      todo: 'Close other video calls, then try again. Or enter without: chat works in any case.',
    };
  }
  return {
    what: `There is no ${device}.`,
    todo: 'Connect one and try again, or enter without: chat works in any case.',
  };
}

/** Whether the browser remembers the refusal, so that it does not ask again. */
async function isRemembered(): Promise<boolean> {
  try {
    const names = ['camera', 'microphone'] as PermissionName[];
    const states = await Promise.all(names.map(async (name) => (await navigator.permissions.query({ name })).state));
    return states.includes('denied');
  } catch {
    // The browser does not say: the longer way works in both cases.
    return true;
  }
}

function denied(device: string): Sentence {
  return {
    what: `The browser blocks the ${device} for this page.`,
    todo: 'Click the symbol at the left of the address, allow it there, then try again. Or enter without.',
  };
}

function dismissed(device: string): Sentence {
  return { what: `The ${device} was not allowed.`, todo: 'Try again and choose “Allow”, or enter without.' };
}

const NO_DEVICES: Sentence = {
  what: 'There is no camera and no microphone.',
  todo: 'Connect one and try again, or enter without: chat works in any case.',
};

const INSECURE: Sentence = {
  what: 'Browsers give camera and microphone to secure pages alone, and this one was loaded over plain http.',
  todo: 'Open it over https, or on the machine of the gateway at http://localhost. You can chat and watch here.',
};

const LOST_MICROPHONE: Sentence = {
  what: 'The microphone is gone: it was unplugged or is blocked now.',
  todo: 'Connect or allow it, then press “Try again”.',
};

const LOST_CAMERA: Sentence = {
  what: 'The camera is gone: it was unplugged or is blocked now.',
  todo: 'Connect or allow it, then press “Try again”.',
};

const LOST_BOTH: Sentence = {
  what: 'Camera and microphone are gone: they were unplugged or are blocked now.',
  todo: 'Connect or allow them, then press “Try again”.',
};
