// What the manager shows: session, state and connection. They change together, and only in legal steps.

import { type Change, type Notifier, Store } from '../core/observable.js';
import { pathTo, type SessionSnapshot, type SessionState, type StateCause } from '../core/states.js';
import type { ConnectionSnapshot, Session, SessionObserver } from './api.js';

/** A change of what is shown; absent fields stay. */
export interface Update {
  readonly state?: SessionState;
  readonly cause?: StateCause;
  readonly session?: Session | null;
  readonly connection?: Partial<ConnectionSnapshot>;
}

/** The observables of one manager. */
export class Published {
  readonly session: Store<Session | null>;
  readonly state: Store<SessionSnapshot>;
  readonly connection: Store<ConnectionSnapshot>;
  readonly #notifier: Notifier;
  readonly #observers = new Map<SessionObserver, () => void>();
  /** Ahead of the observables while listeners run. */
  #current: SessionSnapshot = { state: 'notLoggedIn', version: 0 };
  #connection: ConnectionSnapshot = { status: 'idle', attempt: 0, degraded: false };

  constructor(notifier: Notifier) {
    this.#notifier = notifier;
    this.session = new Store<Session | null>(notifier, 'session', null);
    this.state = new Store(notifier, 'state', this.#current);
    this.connection = new Store(notifier, 'connection', this.#connection);
  }

  /** The state, also while listeners of an earlier one run. */
  get current(): SessionState {
    return this.#current.state;
  }

  /** Changes what is shown. */
  update({ state, cause, session, connection }: Update): void {
    this.#connection = Object.freeze({ ...this.#connection, ...connection });
    const rest: Change[] = [this.connection.to(this.#connection)];
    if (session !== undefined) rest.push(this.session.to(session));
    const path = state ? pathTo(this.#current.state, state) : [];
    path.forEach((step, index) => {
      const isLast = index === path.length - 1;
      this.#current = Object.freeze({ state: step, version: this.#current.version + 1, ...cause });
      if (isLast) rest.push(this.state.to(this.#current));
      else this.#notifier.commit(this.state.to(this.#current), this.session.to(null));
    });
    this.#notifier.commit(...rest);
  }

  /** Adds an observer; one that was added already stays. */
  addObserver(observer: SessionObserver): void {
    if (this.#observers.has(observer)) return;
    const stops = [
      watch(this.session, (value) => observer.sessionChanged?.(value)),
      watch(this.state, (value) => observer.stateChanged?.(value)),
      watch(this.connection, (value) => observer.connectionChanged?.(value)),
    ];
    this.#observers.set(observer, () => {
      for (const stop of stops) stop();
    });
  }

  /** Removes an observer. */
  removeObserver(observer: SessionObserver): void {
    this.#observers.get(observer)?.();
    this.#observers.delete(observer);
  }
}

/** Calls `fn` with each later value. */
function watch<T>(store: Store<T>, fn: (value: T) => unknown): () => void {
  let isFirst = true;
  return store.subscribe((value) => {
    const isInitial = isFirst;
    isFirst = false;
    // The promise of an asynchronous observer: what it rejects with is reported.
    return isInitial ? undefined : fn(value);
  });
}
