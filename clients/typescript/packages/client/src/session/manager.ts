// The session manager: the entry of the package.

import type { AbortSignalLike } from '../core/abort.js';
import { mapLazy } from '../core/lazy.js';
import type { Observable } from '../core/observable.js';
import type { SessionSnapshot } from '../core/states.js';
import type { Room, RoomOptions } from '../room/api.js';
import type { AnySignals, SignalMap } from '../room/events.js';
import type { ConnectionSnapshot, Manager, Options, Session, SessionObserver, StartResult, StartWith } from './api.js';
import { type Driver, makeDriver } from './driver.js';
import { afterStart } from './modules.js';
import { checkOptions } from './options.js';

/** `Symbol.asyncDispose`, also where the platform has none. */
const asyncDispose: typeof Symbol.asyncDispose =
  (Symbol as { asyncDispose?: typeof Symbol.asyncDispose }).asyncDispose ??
  (Symbol.for('Symbol.asyncDispose') as typeof Symbol.asyncDispose);

/** Manages the session of one user. Construction has no effects: no connection, timer, listener or storage. */
export class SessionManager implements Manager, AsyncDisposable {
  readonly #driver: Driver;

  constructor(options: Options) {
    const config = checkOptions(options);
    const { loader } = config;
    const loads = loader && mapLazy(afterStart, ({ Loads }) => new Loads(loader, this));
    this.#driver = makeDriver(config, (expired) => loads?.load().then((loaded) => loaded.run(expired)));
  }

  /** The session, or null. */
  get session(): Observable<Session | null> {
    return this.#driver.published.session;
  }

  /** The state of the session. */
  get state(): Observable<SessionSnapshot> {
    return this.#driver.published.state;
  }

  /** The state of the connection; the session outlives it. */
  get connection(): Observable<ConnectionSnapshot> {
    return this.#driver.published.connection;
  }

  /** Starts a session. Resolves with the session or with an error; it never rejects, and never waits forever. */
  start(how: StartWith): Promise<StartResult> {
    return this.#driver.start(how);
  }

  /**
   * Ends the session. Without a session it does nothing. With `secure` it throws, and the session goes on, if the
   * gateway did not confirm the end.
   */
  stop(options?: { secure?: boolean | undefined; signal?: AbortSignalLike | undefined }): Promise<void> {
    return this.#driver.stop(options);
  }

  /** The session, or null. */
  get(): Session | null {
    return this.#driver.get();
  }

  /** A room. The same object for the same name; `options` of a later call replace those before. */
  room<S extends SignalMap = AnySignals>(name: string, options?: RoomOptions<S>): Room<S> {
    return this.#driver.rooms.get(name, options);
  }

  /** Connects at once if an attempt is scheduled. Otherwise checks that the connection is alive. */
  retryNow(): void {
    this.#driver.retryNow();
  }

  /** Adds an observer, which is called with each later change. */
  addObserver(observer: SessionObserver): void {
    this.#driver.published.addObserver(observer);
  }

  /** Removes an observer. */
  removeObserver(observer: SessionObserver): void {
    this.#driver.published.removeObserver(observer);
  }

  /** Ends the session. */
  [asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** Makes a manager and starts a session. */
export async function startSession(
  options: Options,
  how: StartWith,
): Promise<StartResult & { readonly manager: SessionManager }> {
  const manager = new SessionManager(options);
  return { ...(await manager.start(how)), manager };
}
