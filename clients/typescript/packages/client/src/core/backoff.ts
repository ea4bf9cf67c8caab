// The waits between connection attempts. Pure: randomness and time are arguments.
//
// Full jitter: each wait is between 0 and a bound that doubles with each failure up to a maximum. A delay that the
// gateway demands is a lower bound, and the jitter is added to it.

/** The bound of the first wait, in milliseconds. */
export const BASE_MS = 1_000;
/** The maximum bound, in milliseconds. */
export const CAP_MS = 30_000;
/** How long a connection must last to prove that it is usable, in milliseconds. */
export const STABLE_AFTER_MS = 10_000;
/** The longest delay that a peer can demand, in milliseconds. */
const LONGEST_MS = 24 * 60 * 60 * 1_000;

/** The waits of one client. */
export class Backoff {
  readonly #random: () => number;
  readonly #base: number;
  readonly #cap: number;
  #failures = 0;

  /** `random` returns a number from 0 up to, but not including, 1. */
  constructor(random: () => number, base = BASE_MS, cap = CAP_MS) {
    this.#random = random;
    this.#base = base;
    this.#cap = cap;
  }

  /** The number of attempts since the last usable connection. */
  get failures(): number {
    return this.#failures;
  }

  /** The next wait; `atLeast` is the delay that the gateway demands. */
  next(atLeast = 0): number {
    const bound = Math.min(this.#cap, this.#base * 2 ** this.#failures);
    this.#failures += 1;
    return Math.min(Math.max(atLeast, 0), LONGEST_MS) + this.#random() * bound;
  }

  /** The next wait if the gateway asks to come back at once: 0, unless attempts failed before. */
  atOnce(): number {
    if (this.#failures > 0) return this.next();
    this.#failures = 1;
    return 0;
  }

  /** Records how long a connection lasted: a usable one resets the waits. */
  recordUptime(ms: number): void {
    if (ms >= STABLE_AFTER_MS) this.reset();
  }

  /** Starts with short waits again. */
  reset(): void {
    this.#failures = 0;
  }
}
