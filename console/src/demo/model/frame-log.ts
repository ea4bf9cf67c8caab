// The frames on the wire: a bounded ring, shown at most once per animation frame.

import type { WireFrame } from '@stagedoor/client';
import { signal } from '@preact/signals';

/** A frame of the log. */
export interface LoggedFrame {
  readonly key: number;
  readonly atMs: number;
  readonly direction: 'in' | 'out';
  /** The command, reply or push. */
  readonly name: string;
  /** The JSON, shortened. */
  readonly text: string;
  /** The size in UTF-16 units before it was shortened; that of ASCII is the number of bytes. */
  readonly size: number;
}

/** Older frames are removed. */
export const MAX_FRAMES = 300;

const MAX_TEXT_CHARS = 4_000;

/** The log. */
export class FrameLog {
  /** The frames to show, newest last. */
  readonly shown = signal<readonly LoggedFrame[]>([]);
  readonly isPaused = signal(false);
  /** Frames since the start, also those that were removed. */
  readonly total = signal(0);
  #frames: LoggedFrame[] = [];
  #count = 0;
  #isScheduled = false;

  /** Adds a frame. */
  add({ direction, text, atMs }: WireFrame): void {
    this.#count += 1;
    this.#frames.push({
      key: this.#count,
      atMs,
      direction,
      name: frameName(text),
      text: text.length > MAX_TEXT_CHARS ? `${text.slice(0, MAX_TEXT_CHARS)}…` : text,
      size: text.length,
    });
    // Twice the bound before it is cut, so that a cut is rare.
    if (this.#frames.length > 2 * MAX_FRAMES) this.#frames = this.#frames.slice(-MAX_FRAMES);
    this.#schedule();
  }

  /** Removes all frames. */
  clear(): void {
    this.#frames = [];
    this.#show();
  }

  /** Stops or continues showing new frames; they are recorded in any case. */
  setPaused(isPaused: boolean): void {
    this.isPaused.value = isPaused;
    if (!isPaused) this.#show();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // A hidden page has no animation frames, and no reader.
    requestAnimationFrame(() => {
      this.#isScheduled = false;
      if (!this.isPaused.value) this.#show();
    });
  }

  #show(): void {
    this.total.value = this.#count;
    this.shown.value = this.#frames.slice(-MAX_FRAMES);
  }
}

/** The name of the command, reply or push in a frame. */
export function frameName(text: string): string {
  try {
    const frame = JSON.parse(text) as Record<string, unknown>;
    const { ok } = frame;
    const body = typeof ok === 'object' && ok !== null ? (ok as Record<string, unknown>) : frame;
    return Object.keys(body).find((key) => !ENVELOPE.has(key)) ?? '?';
  } catch {
    return '?';
  }
}

const ENVELOPE: ReadonlySet<string> = new Set(['id', 'seq', 'version', 'time_ms', 'ref']);
