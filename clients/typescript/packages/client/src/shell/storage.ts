// What a client stores for the next page of its tab: its instance id, its session and its access token.

import { environment, isPage, type KeyValueStore } from './environment.js';

/** The stored record of a session of type `S`. */
export interface StoredSession<S> {
  readonly instance: string;
  readonly session?: S | undefined;
  /** Resumes the session. */
  readonly secret?: string | undefined;
  readonly lastSeq?: number | undefined;
  /** Starts a session of the same user without other credentials. */
  readonly accessToken?: string | undefined;
}

/** The record of one client. A store that fails is replaced by memory, with one warning. */
export class Storage<S> {
  readonly #key: string;
  readonly #option: 'session' | 'memory' | KeyValueStore | undefined;
  #store: KeyValueStore | undefined;
  #memory: StoredSession<S> | undefined;
  #hasFailed = false;

  constructor(key: string, option: 'session' | 'memory' | KeyValueStore | undefined) {
    this.#key = key;
    this.#option = option;
  }

  /** The stored record. */
  read(): StoredSession<S> | undefined {
    const text = this.#try((store) => store.getItem(this.#key));
    if (typeof text !== 'string') return this.#memory;
    try {
      const value = JSON.parse(text) as Partial<StoredSession<S>> | null;
      return typeof value?.instance === 'string' ? (value as StoredSession<S>) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Stores a record. */
  write(record: StoredSession<S>): void {
    this.#memory = record;
    this.#try((store) => {
      store.setItem(this.#key, JSON.stringify(record));
    });
  }

  #try<T>(use: (store: KeyValueStore) => T): T | undefined {
    if (this.#hasFailed || this.#option === 'memory') return undefined;
    try {
      this.#store ??= this.#open();
      return this.#store && use(this.#store);
    } catch (error) {
      this.#hasFailed = true;
      environment().console.warn('stagedoor: storage is not available; a reload starts a new session', error);
      return undefined;
    }
  }

  #open(): KeyValueStore | undefined {
    if (typeof this.#option === 'object') return this.#option;
    return this.#option === 'session' || isPage() ? environment().sessionStorage : undefined;
  }
}
