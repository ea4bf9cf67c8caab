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
    this.#value = Object.freeze(value);
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
        this.#value = Object.freeze(value);
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
    const forget = onAbort(options?.signal, () => this.#listeners.delete(listener));
    this.#notifier.call(fn, listener.value, this.#name);
    return () => {
      this.#listeners.delete(listener);
      forget();
    };
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    let isFresh = false;
    const reader = makeReader<T>(
      () => {
        if (!isFresh) return undefined;
        isFresh = false;
        return { value: this.#value };
      },
      () => unsubscribe(),
    );
    const unsubscribe = this.subscribe(() => {
      isFresh = true;
      reader.wake();
    });
    return reader.iterator;
  }
}

/** An iterator over what `take` returns. While that is undefined, it waits for `wake` or `end`. */
export function makeReader<T>(
  take: () => { readonly value: T } | undefined,
  stop: () => void,
): { readonly iterator: AsyncIterator<T, undefined>; readonly wake: () => void; readonly end: () => void } {
  let isDone = false;
  let wake: (() => void) | undefined;
  const end = (): void => {
    isDone = true;
    stop();
    wake?.();
  };
  return {
    wake: () => wake?.(),
    end,
    iterator: {
      next: async () => {
        for (;;) {
          const taken = take();
          if (taken) return { done: false, ...taken };
          if (isDone) return { done: true, value: undefined };
          await new Promise<void>((resolve) => (wake = resolve));
        }
      },
      return: () => {
        take = () => undefined;
        end();
        return Promise.resolve({ done: true, value: undefined });
      },
    },
  };
}

/** Plain objects are equal if their fields are; anything else if it is the same. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isPlain(a) || !isPlain(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && isEqual(a[key], b[key]));
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype)
  );
}
