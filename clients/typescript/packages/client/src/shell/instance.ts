// The client instance of a tab. A Web Lock of its id is held while the page is alive, so that a duplicated tab, which
// has a copy of the same storage, finds the id in use and takes another one.

import { environment, isPage, randomText } from './environment.js';

/** Which id a client takes. */
export type InstanceOption = 'tab' | 'memory' | (string & {});

/** The id of one client and its lock. */
export class Instance {
  readonly #option: InstanceOption;
  readonly #scope: string;
  #id: string | undefined;
  #release: (() => void) | undefined;
  #isWarned = false;

  constructor(scope: string, option: InstanceOption | undefined) {
    this.#option = option ?? (isPage() ? 'tab' : 'memory');
    this.#scope = scope;
  }

  /**
   * Takes the stored id, or a new one if another page holds it. Returns whether the stored session belongs to this
   * client alone.
   */
  async acquire(stored: string | undefined): Promise<{ id: string; isOwner: boolean }> {
    const wanted = this.#id ?? stored;
    if (this.#option !== 'tab') {
      this.#id = this.#option === 'memory' ? (wanted ?? newId()) : this.#option;
      return { id: this.#id, isOwner: true };
    }
    if (this.#release && this.#id !== undefined) return { id: this.#id, isOwner: true };
    const isOwner = wanted === undefined || (await this.#lock(wanted));
    if (wanted !== undefined && isOwner) {
      this.#id = wanted;
    } else {
      this.#id = newId();
      await this.#lock(this.#id);
    }
    return { id: this.#id, isOwner };
  }

  /** Lets another page take the id. */
  release(): void {
    this.#release?.();
    this.#release = undefined;
  }

  /** Takes the lock of an id; false if another page has it, or if the platform has no locks. */
  async #lock(id: string): Promise<boolean> {
    const locks = environment().navigator?.locks;
    if (!locks) {
      if (!this.#isWarned) {
        environment().console.warn(
          'stagedoor: no Web Locks (an insecure context?): each page is an instance of its own',
        );
      }
      this.#isWarned = true;
      return false;
    }
    try {
      return await new Promise<boolean>((resolve, reject) => {
        const held = locks.request(`${this.#scope}:${id}`, { ifAvailable: true }, (lock) => {
          resolve(lock !== null);
          if (!lock) return undefined;
          return new Promise<void>((release) => (this.#release = release));
        });
        held.catch(reject);
      });
    } catch {
      return false;
    }
  }
}

/** A new instance id: 128 random bits. */
function newId(): string {
  return `i-${randomText()}`;
}
