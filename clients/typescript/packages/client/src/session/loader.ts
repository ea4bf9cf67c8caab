// The loader: gets a session when a call needs one. One load at a time.

import { LoaderError, messageOf } from '../core/errors.js';
import type { Loader, Manager, Session } from './api.js';

/** The loads of one manager. */
export class Loads {
  readonly #loader: Loader;
  readonly #manager: Manager;
  #running: Promise<void> | undefined;

  constructor(loader: Loader, manager: Manager) {
    this.#loader = loader;
    this.#manager = manager;
  }

  /** Loads a session, or waits for the running load. */
  run(expired: Session | undefined): Promise<void> {
    this.#running ??= this.#load(expired).finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #load(expired: Session | undefined): Promise<void> {
    try {
      await (expired ? this.#loader.load(this.#manager, expired) : this.#loader.load(this.#manager));
    } catch (error) {
      throw new LoaderError(`the loader failed: ${messageOf(error)}`, error);
    }
    if (!this.#manager.get()) throw new LoaderError('the loader returned without a session');
  }
}
