// Observables of the client package as signals.

import type { Observable } from '@stagedoor/client';
import { type ReadonlySignal, signal } from '@preact/signals';

/** A signal that follows an observable until `until` aborts. */
export function follow<T>(observable: Observable<T>, until: AbortSignal): ReadonlySignal<T> {
  const followed = signal(observable.value);
  observable.subscribe(
    (value) => {
      followed.value = value;
    },
    { signal: until },
  );
  return followed;
}
