// The events of a page that matter to a connection. Elsewhere there are none.

import { environment, isPage } from './environment.js';

/** What happens to a page. */
export interface PageHandler {
  /** The page may have slept, or the network may have changed. */
  wake(): void;
  /** The network is back. */
  online(): void;
  /** The network is gone. */
  offline(): void;
  /** The page enters the back/forward cache. */
  hibernate(): void;
  /** The page left the back/forward cache. */
  restore(): void;
  /** The page may end without a further event. */
  save(): void;
}

/** The listeners of one client; none before `attach` and after `detach`. */
export class Page {
  #detach: (() => void) | undefined;

  /** Starts to listen. */
  attach(handler: PageHandler): void {
    const { document, addEventListener, removeEventListener } = environment();
    if (this.#detach || !isPage() || !document || !addEventListener || !removeEventListener) return;
    const listeners: [target: 'window' | 'document', type: string, fn: (event: { persisted?: boolean }) => void][] = [
      [
        'window',
        'focus',
        () => {
          handler.wake();
        },
      ],
      [
        'document',
        'resume',
        () => {
          handler.wake();
        },
      ],
      [
        'document',
        'freeze',
        () => {
          handler.save();
        },
      ],
      [
        'document',
        'visibilitychange',
        () => {
          if (document.visibilityState === 'visible') handler.wake();
          else handler.save();
        },
      ],
      [
        'window',
        'online',
        () => {
          handler.online();
        },
      ],
      [
        'window',
        'offline',
        () => {
          handler.offline();
        },
      ],
      [
        'window',
        'pagehide',
        (event) => {
          handler.save();
          if (event.persisted) handler.hibernate();
        },
      ],
      [
        'window',
        'pageshow',
        (event) => {
          if (event.persisted) handler.restore();
          else handler.wake();
        },
      ],
    ];
    const targets = {
      window: {
        addEventListener: addEventListener.bind(globalThis),
        removeEventListener: removeEventListener.bind(globalThis),
      },
      document,
    };
    for (const [target, type, fn] of listeners) targets[target].addEventListener(type, fn);
    this.#detach = () => {
      for (const [target, type, fn] of listeners) targets[target].removeEventListener(type, fn);
    };
  }

  /** Removes all listeners. */
  detach(): void {
    this.#detach?.();
    this.#detach = undefined;
  }
}

/** Whether the platform says that there is no network. */
export function isOffline(): boolean {
  return environment().navigator?.onLine === false;
}
