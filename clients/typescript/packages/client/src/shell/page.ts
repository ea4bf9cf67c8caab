// The events of a page that matter to a connection. Elsewhere there are none.

import { environment } from './environment.js';

/** What happens to a page. */
export interface PageHandler {
  /** The page may have slept, or the network may have changed. */
  readonly wake: () => void;
  /** The network is back. */
  readonly online: () => void;
  /** The network is gone. */
  readonly offline: () => void;
  /** The page ends: its user closed, reloaded or left it. */
  readonly leave: () => void;
  /** The page enters the back/forward cache. */
  readonly hibernate: () => void;
  /** The page left the back/forward cache. */
  readonly restore: () => void;
  /** The page may end without a further event. */
  readonly save: () => void;
}

/** Listens to the page; the returned function ends that. */
export function attachPage(handler: PageHandler): () => void {
  const { document, addEventListener, removeEventListener } = environment();
  if (!document || !addEventListener || !removeEventListener) return () => undefined;
  const window = {
    addEventListener: addEventListener.bind(globalThis),
    removeEventListener: removeEventListener.bind(globalThis),
  };
  const { wake, online, offline, leave, hibernate, restore, save } = handler;
  const listeners: [target: typeof window, type: string, fn: (event: { persisted?: boolean }) => void][] = [
    [window, 'focus', wake],
    [window, 'online', online],
    [window, 'offline', offline],
    [document, 'resume', wake],
    [document, 'freeze', save],
    [document, 'visibilitychange', () => (document.visibilityState === 'visible' ? wake() : save())],
    [window, 'pageshow', ({ persisted }) => (persisted ? restore() : wake())],
    [
      window,
      'pagehide',
      ({ persisted }) => {
        save();
        if (persisted) hibernate();
        else leave();
      },
    ],
  ];
  for (const [target, type, fn] of listeners) target.addEventListener(type, fn);
  return () => {
    for (const [target, type, fn] of listeners) target.removeEventListener(type, fn);
  };
}

/** Whether the platform says that there is no network. */
export function isOffline(): boolean {
  return environment().navigator?.onLine === false;
}
