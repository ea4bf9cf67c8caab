// A simulated clock: timers, `Date` and `performance` stand still, and move when a test says so. Sockets, processes and
// `setImmediate` stay real.

import { vi } from 'vitest';

import { cleanUp } from './index.js';

export interface SimulatedClock {
  /** The simulated time, in milliseconds since the clock was made. */
  now(): number;
  /** Moves the time; timers that are due run in their order. */
  advance(ms: number): Promise<void>;
}

/** Replaces the clock of this process until the end of the test. */
export function simulatedClock(): SimulatedClock {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'], now: Date.now() });
  const start = Date.now();
  cleanUp(() => {
    vi.useRealTimers();
  });
  return {
    now: () => Date.now() - start,
    advance: async (ms) => {
      await vi.advanceTimersByTimeAsync(ms);
    },
  };
}
