// Values that change, and the one queue in which their listeners are called. Pure.
//
// A change that a listener causes waits until all listeners of the current one were called: notifications come one at
// a time and in order, and `value` is what the running listener was given.

import { type AbortSignalLike, onAbort } from './abort.js';

/** A value that changes. Readers never miss the newest. */
export interface Observable<T> {
  /** The current value, frozen; the same object until something changed. */
  readonly value: T;
  /** Calls `fn` at once, and with each later value, until the returned function is called or `signal` aborts. */
  subscribe(fn: (value: T) => void, options?: { signal?: AbortSignalLike | undefined }): () => void;
  /** The current value, then the newest one each time: a slow reader skips values. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined>;
}

/** Gets what a listener threw, and which listener it was. */
export type ErrorReporter = (error: unknown, where: string) => void;

/** Calls listeners in order. */
export class Notifier {
  readonly #jobs: (() => void)[] = [];
  readonly #report: ErrorReporter;
  #isRunning = false;

  constructor(report: ErrorReporter) {
    this.#report = report;
  }

  /** Runs `job` now, or after the running one. */
  enqueue(job: () => void): void {
    this.#jobs.push(job);
    if (this.#isRunning) return;
    this.#isRunning = true;
    for (let next = this.#jobs.shift(); next; next = this.#jobs.shift()) next();
    this.#isRunning = false;
  }

  /** Changes several values at once: each listener sees all of them. */
  commit(...changes: Change[]): void {
    this.enqueue(() => {
      for (const change of changes.filter((change) => change.apply())) change.notify();
    });
  }

  /** Calls a listener; what it throws, or rejects with, is reported. */
  call<T>(listener: (value: T) => unknown, value: T, where: string): void {
    try {
      const result = listener(value);
      if (result instanceof Promise)
        result.catch((error: unknown) => {
          this.#report(error, where);
        });
    } catch (error) {
      this.#report(error, where);
    }
  }
}

/** A prepared change of a value. */
export interface Change {
  /** Sets the value; false if it is equal to the current one. */
  apply(): boolean;
  /** Calls the listeners. */
  notify(): void;
}

/** An observable and the way to change it. */
export class Store<T> implements Observable<T> {
  readonly #notifier: Notifier;
  readonly #name: string;
  readonly #listeners = new Set<{ fn: (value: T) => void; value: T }>();
  #value: T;

  constructor(notifier: Notifier, name: string, value: T) {
    this.#notifier = notifier;
    this.#name = name;
    this.#value = freeze(value);
  }

  get value(): T {
    return this.#value;
  }

  /** Changes the value and calls the listeners. */
  set(value: T): void {
    this.#notifier.commit(this.to(value));
  }

  /** A change to `value`, for {@link Notifier.commit}. */
  to(value: T): Change {
    return {
      apply: () => {
        if (isEqual(this.#value, value)) return false;
        this.#value = freeze(value);
        return true;
      },
      notify: () => {
        const current = this.#value;
        for (const listener of [...this.#listeners]) {
          // It was removed meanwhile, or subscribed during this notification.
          if (!this.#listeners.has(listener) || Object.is(listener.value, current)) continue;
          listener.value = current;
          this.#notifier.call(listener.fn, current, this.#name);
        }
      },
    };
  }

  subscribe(fn: (value: T) => void, options?: { signal?: AbortSignalLike | undefined }): () => void {
    const listener = { fn, value: this.#value };
    if (options?.signal?.aborted) return () => undefined;
    this.#listeners.add(listener);
    const forget = onAbort(options?.signal, () => {
      unsubscribe();
    });
    const unsubscribe = (): void => {
      this.#listeners.delete(listener);
      forget();
    };
    this.#notifier.call(fn, listener.value, this.#name);
    return unsubscribe;
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    let isFresh = false;
    let isDone = false;
    let wake: (() => void) | undefined;
    const unsubscribe = this.subscribe(() => {
      isFresh = true;
      wake?.();
    });
    return {
      next: async () => {
        while (!isFresh && !isDone) await new Promise<void>((resolve) => (wake = resolve));
        isFresh = false;
        return isDone ? { done: true, value: undefined } : { done: false, value: this.#value };
      },
      return: () => {
        isDone = true;
        unsubscribe();
        wake?.();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

function freeze<T>(value: T): T {
  return Object.freeze(value);
}

/** Plain objects are equal if their fields are; anything else if it is the same. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isPlain(a) || !isPlain(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && isEqual(a[key], b[key]));
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}
