// When the next connection attempt starts.

import { Backoff } from '../core/backoff.js';
import type { Timers } from '../shell/timers.js';

/** How soon to try again. */
export type Urgency = 'backoff' | 'at-once';

/** While the platform says that there is no network, it is not trusted for longer than this. */
const OFFLINE_RETRY_MS = 30_000;

/** Schedules the attempts of one manager. */
export class Reconnector {
  readonly #backoff = new Backoff(Math.random);
  readonly #timers: Timers;
  readonly #dial: () => void;
  /** When the gateway allows the next attempt, by the monotonic clock. */
  #notBefore = 0;
  #isWaiting = false;

  constructor(timers: Timers, dial: () => void) {
    this.#timers = timers;
    this.#dial = dial;
  }

  /** Attempts since the last usable connection. */
  get attempt(): number {
    return this.#backoff.failures;
  }

  /** Whether an attempt is scheduled. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Schedules the next attempt; returns the delay. */
  schedule(urgency: Urgency, retryAfterMs: number | undefined, isOffline: boolean): number {
    const delay = urgency === 'at-once' ? this.#backoff.atOnce() : this.#backoff.next(retryAfterMs);
    this.#notBefore = this.#timers.now() + (retryAfterMs ?? 0);
    return this.#wait(isOffline ? Math.max(delay, OFFLINE_RETRY_MS) : delay);
  }

  /** Tries now, or as soon as the gateway allows it. Returns the delay if an attempt was scheduled. */
  hurry(): number | undefined {
    if (!this.#isWaiting) return undefined;
    return this.#wait(Math.max(0, this.#notBefore - this.#timers.now()));
  }

  /** Schedules no attempt. */
  stop(): void {
    this.#isWaiting = false;
    this.#timers.cancel('reconnect');
  }

  /** Records how long a connection lasted. */
  recordUptime(ms: number): void {
    this.#backoff.recordUptime(ms);
  }

  /** The program starts again: short waits. */
  reset(): void {
    this.stop();
    this.#backoff.reset();
    this.#notBefore = 0;
  }

  #wait(delay: number): number {
    this.#isWaiting = true;
    this.#timers.schedule('reconnect', delay, () => {
      this.#isWaiting = false;
      this.#dial();
    });
    return delay;
  }
}
