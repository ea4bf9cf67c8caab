// The globals that this package uses, as far as it uses them: its types need no `lib: dom`. All are read when they are
// needed, never on import.

/** A WebSocket, from the platform or from the option `webSocket`. */
export interface WebSocketLike {
  /** The subprotocol that the gateway selected. */
  readonly protocol: string;
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readonly readyState: number;
  /* eslint-disable @typescript-eslint/no-explicit-any -- events differ between the platform and libraries */
  /** Is called when it is open. */
  onopen: ((event: any) => void) | null;
  /** Is called with each message. */
  onmessage: ((event: any) => void) | null;
  /** Is called with the close code and the reason. */
  onclose: ((event: any) => void) | null;
  /** Is called when it failed; `onclose` follows. */
  onerror: ((event: any) => void) | null;
  /* eslint-enable @typescript-eslint/no-explicit-any */
  /** Sends a message. */
  send(data: string): void;
  /** Closes the connection. */
  close(code?: number, reason?: string): void;
}

/** Makes WebSockets: the platform's `WebSocket`, or that of the package `ws`. */
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

/** Texts by name: `sessionStorage`, `localStorage`, or anything like them. */
export interface KeyValueStore {
  /** The text, or null. */
  getItem(key: string): string | null;
  /** Stores a text. */
  setItem(key: string, value: string): void;
  /** Removes a text. */
  removeItem(key: string): void;
}

interface EventTargetLike {
  addEventListener(type: string, listener: (event: { persisted?: boolean }) => void): void;
  removeEventListener(type: string, listener: (event: { persisted?: boolean }) => void): void;
}

interface LockManagerLike {
  request(
    name: string,
    options: { ifAvailable: true },
    callback: (lock: object | null) => Promise<void> | undefined,
  ): Promise<void>;
}

/** The globals. */
export interface Environment {
  readonly WebSocket?: WebSocketConstructor;
  readonly sessionStorage?: KeyValueStore;
  readonly document?: EventTargetLike & { readonly visibilityState: string };
  readonly addEventListener?: EventTargetLike['addEventListener'];
  readonly removeEventListener?: EventTargetLike['removeEventListener'];
  readonly navigator?: { readonly onLine?: boolean; readonly locks?: LockManagerLike };
  readonly location?: { readonly protocol: string };
  readonly performance: { now(): number };
  readonly crypto: { getRandomValues(bytes: Uint8Array): Uint8Array };
  readonly console: { warn(...data: unknown[]): void; error(...data: unknown[]): void };
  readonly reportError?: (error: unknown) => void;
  readonly MessageChannel?: new () => {
    readonly port1: { onmessage: (() => void) | null; close(): void };
    readonly port2: { postMessage(message: unknown): void };
  };
  readonly setImmediate?: (fn: () => void) => unknown;
  setTimeout(fn: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** The globals of this moment. */
export function environment(): Environment {
  return globalThis as unknown as Environment;
}

/** Whether this is a page: there is a document that can be hidden and left. */
export function isPage(): boolean {
  return environment().document !== undefined && environment().addEventListener !== undefined;
}

/** 128 random bits, in hexadecimal. */
export function randomText(): string {
  const bytes = environment().crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Runs `fn` in a task of its own, after all promise continuations that are due now. */
export function inNextTask(fn: () => void): void {
  const { setImmediate, MessageChannel } = environment();
  if (setImmediate) {
    setImmediate(fn);
  } else if (MessageChannel) {
    // Not delayed in hidden pages, unlike timers.
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      channel.port1.close();
      fn();
    };
    channel.port2.postMessage(null);
  } else {
    environment().setTimeout(fn, 0);
  }
}

/** Reports errors that no caller can handle: to the program, or as uncaught ones. */
export function makeReporter(
  report: ((error: unknown, where: string) => void) | undefined,
): (error: unknown, where: string) => void {
  return (error, where) => {
    try {
      if (report) report(error, where);
      else reportUncaught(error);
    } catch (second) {
      reportUncaught(second);
    }
  };
}

function reportUncaught(error: unknown): void {
  const { reportError, console } = environment();
  if (reportError) reportError(error);
  else console.error(error);
}
