// A page for tests in Node: window, document, navigator and sessionStorage as far as the package uses them.

import { vi } from 'vitest';

import { cleanUp } from './index.js';

class CountingTarget extends EventTarget {
  listeners = 0;
  override addEventListener(...args: Parameters<EventTarget['addEventListener']>): void {
    this.listeners += 1;
    super.addEventListener(...args);
  }
  override removeEventListener(...args: Parameters<EventTarget['removeEventListener']>): void {
    this.listeners -= 1;
    super.removeEventListener(...args);
  }
}

/** A store in memory. */
export function memoryStorage(): Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> & { all: Map<string, string> } {
  const all = new Map<string, string>();
  return {
    all,
    getItem: (key) => all.get(key) ?? null,
    setItem: (key, value) => void all.set(key, value),
    removeItem: (key) => void all.delete(key),
  };
}

/** Web Locks of one browser. */
export class FakeLocks {
  readonly held = new Set<string>();
  async request(
    name: string,
    _options: unknown,
    callback: (lock: object | null) => Promise<void> | undefined,
  ): Promise<void> {
    if (this.held.has(name)) {
      await callback(null);
      return;
    }
    this.held.add(name);
    await callback({});
    this.held.delete(name);
  }
}

export interface FakePage {
  readonly window: CountingTarget;
  readonly document: CountingTarget & { visibilityState: string };
  readonly navigator: { onLine: boolean; locks?: FakeLocks };
  /** The number of listeners on window and document. */
  listeners(): number;
  /** Fires an event. */
  fire(target: 'window' | 'document', type: string, init?: { persisted?: boolean }): void;
}

/** Makes the globals of a page, for one test. */
export function fakePage(options: { locks?: FakeLocks; storage?: unknown } = {}): FakePage {
  const window = new CountingTarget();
  const document = Object.assign(new CountingTarget(), { visibilityState: 'visible' });
  const navigator = { onLine: true, ...(options.locks && { locks: options.locks }) };
  vi.stubGlobal('document', document);
  vi.stubGlobal('addEventListener', window.addEventListener.bind(window));
  vi.stubGlobal('removeEventListener', window.removeEventListener.bind(window));
  vi.stubGlobal('navigator', navigator);
  if ('storage' in options) vi.stubGlobal('sessionStorage', options.storage);
  cleanUp(() => {
    vi.unstubAllGlobals();
  });
  return {
    window,
    document,
    navigator,
    listeners: () => window.listeners + document.listeners,
    fire: (target, type, init) => {
      const event = Object.assign(new Event(type), init);
      (target === 'window' ? window : document).dispatchEvent(event);
    },
  };
}
