// Named timers of one client. A timer knows how late it fires: a late one means that the process slept.

import { environment } from './environment.js';

/** The longest delay of the platform's timers, in milliseconds. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The timers of one client. */
export class Timers {
  readonly #running = new Map<string, unknown>();

  /** The monotonic clock, in milliseconds. */
  now(): number {
    return environment().performance.now();
  }

  /** Calls `fn` after `delayMs`, in place of the former timer of this name. */
  schedule(name: string, delayMs: number, fn: (lateMs: number) => void): void {
    this.cancel(name);
    const delay = Math.min(Math.max(delayMs, 0), MAX_DELAY_MS);
    const [due, wallDue] = [this.now() + delay, Date.now() + delay];
    const timer = environment().setTimeout(() => {
      this.#running.delete(name);
      // The monotonic clock of some systems stops while they sleep.
      fn(Math.max(this.now() - due, Date.now() - wallDue, 0));
    }, delay);
    this.#running.set(name, timer);
  }

  /** Stops a timer. */
  cancel(name: string): void {
    environment().clearTimeout(this.#running.get(name));
    this.#running.delete(name);
  }

  /** Stops all timers. */
  clear(): void {
    for (const name of [...this.#running.keys()]) this.cancel(name);
  }
}
