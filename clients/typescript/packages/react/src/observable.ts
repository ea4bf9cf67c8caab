// Observables as React state.

import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react';

/** An observable, as far as hooks need it. */
export interface Source<T> {
  /** The current value. */
  readonly value: T;
  /** Calls `fn` with each change, until the returned function is called. */
  subscribe(fn: () => void): () => void;
}

/**
 * The selected part of a value, which changes only when the part changes. A server, and hydration after it, select from
 * `serverValue`, which must be a constant. `select` may be a new function in each render.
 */
export function useSelected<T, R>(source: Source<T>, serverValue: T, select: (value: T) => R): R {
  const shown = useRef<{ readonly part: R } | undefined>(undefined);
  const subscribe = useMemo(() => (fn: () => void) => source.subscribe(fn), [source]);
  const selection = useMemo(() => new Selection(select, shown), [select]);
  const part = useSyncExternalStore(
    subscribe,
    () => selection.of(source.value),
    () => selection.of(serverValue),
  );
  useEffect(() => {
    shown.current = { part };
  });
  return part;
}

/** The value of an observable. A server, and hydration after it, show `serverValue`, which must be a constant. */
export function useObservable<T>(source: Source<T>, serverValue: T): T {
  return useSelected(source, serverValue, identity);
}

/** Selects once for each value. A part that did not change stays the same object, also with a new function. */
class Selection<T, R> {
  readonly #select: (value: T) => R;
  readonly #shown: { readonly current: { readonly part: R } | undefined };
  #last: { readonly value: T; readonly part: R } | undefined;

  constructor(select: (value: T) => R, shown: { readonly current: { readonly part: R } | undefined }) {
    this.#select = select;
    this.#shown = shown;
  }

  of(value: T): R {
    if (this.#last && Object.is(this.#last.value, value)) return this.#last.part;
    const part = this.#select(value);
    const known = this.#last ?? this.#shown.current;
    this.#last = { value, part: known && isSame(known.part, part) ? known.part : part };
    return this.#last.part;
  }
}

function identity<T>(value: T): T {
  return value;
}

/** Lists are the same if their entries are. */
function isSame(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return Object.is(a, b);
  return a.length === b.length && a.every((entry, index) => Object.is(entry, b[index]));
}
