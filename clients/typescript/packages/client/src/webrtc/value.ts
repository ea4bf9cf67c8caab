// An observable value and the way to change it.

import type { AbortSignalLike, Observable } from '../index.js';

/** An observable and the way to change it. */
export class Value<T> implements Observable<T> {
  readonly #listeners = new Set<{ fn: (value: T) => void }>();
  #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  /** Changes the value and calls the listeners. */
  set(value: T): void {
    if (Object.is(this.#value, value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) {
      // A listener changed the value: the rest got the newer one already.
      if (!Object.is(this.#value, value)) return;
      if (this.#listeners.has(listener)) call(listener.fn, value);
    }
  }

  subscribe(fn: (value: T) => void, options?: { signal?: AbortSignalLike | undefined }): () => void {
    const listener = { fn };
    const signal = options?.signal;
    if (signal?.aborted) return () => undefined;
    const unsubscribe = (): void => {
      this.#listeners.delete(listener);
      signal?.removeEventListener('abort', unsubscribe);
    };
    this.#listeners.add(listener);
    signal?.addEventListener('abort', unsubscribe);
    call(fn, this.#value);
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

/** Calls `fn`; what it throws is reported as an uncaught error. */
function call<T>(fn: (value: T) => void, value: T): void {
  try {
    fn(value);
  } catch (error) {
    reportError(error);
  }
}
