// Timers of one client, by key. A timer knows how late it fires: a late one means that the process slept.

import { environment } from './environment.js';

/** The longest delay of the platform's timers, in milliseconds. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The timers of one client. */
export interface Timers {
  /** The monotonic clock, in milliseconds. */
  now(): number;
  /** Calls `fn` after `delayMs`, in place of the former timer of this key. */
  schedule(key: unknown, delayMs: number, fn: (lateMs: number) => void): void;
  /** Stops a timer. */
  cancel(key: unknown): void;
  /** Stops all timers. */
  clear(): void;
}

/** Makes the timers of one client. */
export function makeTimers(): Timers {
  const running = new Map<unknown, unknown>();
  const now = (): number => environment().performance.now();
  const cancel = (key: unknown): void => {
    environment().clearTimeout(running.get(key));
    running.delete(key);
  };
  return {
    now,
    cancel,
    schedule(key, delayMs, fn) {
      cancel(key);
      const delay = Math.min(Math.max(delayMs, 0), MAX_DELAY_MS);
      const [due, wallDue] = [now() + delay, Date.now() + delay];
      const timer = environment().setTimeout(() => {
        running.delete(key);
        // The monotonic clock of some systems stops while they sleep.
        fn(Math.max(now() - due, Date.now() - wallDue));
      }, delay);
      running.set(key, timer);
    },
    clear() {
      for (const key of running.keys()) cancel(key);
    },
  };
}
