// One WebSocket, from the attempt to its close: the deadline of the handshake, liveness, and frames in their order.
//
// Frames after one that ended a request are handled in the next task, so that what the caller does right after its
// `await` comes first. Not here: what frames mean, and when to connect again.

import { closeInfo, type CloseInfo } from '../core/close.js';
import { decodeFrame, type ServerFrame } from '../core/frames.js';
import type { Disconnect } from '../wire/protocol.js';
import { inNextTask, type WebSocketConstructor, type WebSocketLike } from './environment.js';
import { makeTimers } from './timers.js';

/** A client closes with this code in order to come back. */
export const CLOSE_RECONNECT = 3000;
/** A page closes with this code when it enters the back/forward cache. */
export const CLOSE_HIBERNATE = 3001;
/** The client ends the session. */
export const CLOSE_END = 1000;

const SUBPROTOCOL = 'stagedoor.v1.json';
/** A timer that fires later than this was delayed by sleep, or by a blocked thread. */
const LATE_MS = 500;

/** What a connection reports. After `closed` it reports nothing more. */
export interface ConnectionHandler {
  /** The WebSocket is open: the first message can be sent. */
  opened(): void;
  /** A frame. Returns whether it ended a request. */
  received(frame: ServerFrame): boolean;
  /** The connection is over. */
  closed(info: CloseInfo, disconnect: Disconnect | undefined, cause: 'closed' | 'timeout' | 'malformed'): void;
}

/** A record of a frame, for `onFrame`. */
export type FrameTap = (direction: 'in' | 'out', text: string) => void;

/** One connection. */
export class Connection {
  readonly #timers = makeTimers();
  #handler: ConnectionHandler;
  readonly #tap: FrameTap | undefined;
  readonly #inbox: ServerFrame[] = [];
  #socket: WebSocketLike | undefined;
  #disconnect: Disconnect | undefined;
  #isPaused = false;
  #pendingClose: (() => void) | undefined;
  #silenceMs = Infinity;
  #lastFrameAt: number;
  #isProbing = false;

  constructor(
    make: WebSocketConstructor,
    url: string,
    timeoutMs: number,
    handler: ConnectionHandler,
    tap: FrameTap | undefined,
  ) {
    this.#handler = handler;
    this.#tap = tap;
    this.#lastFrameAt = this.#timers.now();
    const socket = new make(url, [SUBPROTOCOL]);
    this.#socket = socket;
    socket.onopen = () => {
      if (socket.protocol !== SUBPROTOCOL) this.#fail(CLOSE_RECONNECT, 'the subprotocol was not accepted', 'malformed');
      else handler.opened();
    };
    socket.onmessage = (event: { data: unknown }) => {
      this.#receive(event.data);
    };
    socket.onclose = (event: { code: number; reason: string }) => {
      this.#whenDrained(() => {
        this.#end(event.code, event.reason, 'closed');
      });
    };
    // A close follows.
    socket.onerror = () => undefined;
    this.#timers.schedule('handshake', timeoutMs, () => {
      this.#fail(CLOSE_RECONNECT, 'no answer from the gateway', 'timeout');
    });
  }

  /** Whether this connection can still carry frames. */
  get isOpen(): boolean {
    return this.#socket?.readyState === 1;
  }

  /** Sends a text. */
  send(text: string): void {
    if (!this.isOpen) return;
    this.#tap?.('out', text);
    this.#socket?.send(text);
  }

  /** The first message was answered: from now on silence of `silenceMs` means that the connection is dead. */
  established(silenceMs: number): void {
    this.#timers.cancel('handshake');
    this.#silenceMs = silenceMs;
    this.#watch();
  }

  /** Changes how long silence may last. */
  setSilence(silenceMs: number): void {
    if (this.#silenceMs === Infinity) return;
    this.#silenceMs = silenceMs;
    this.#watch();
  }

  /** Sends `text`, and declares the connection dead if no frame arrives within `timeoutMs`. */
  probe(text: string, timeoutMs: number): void {
    if (this.#isProbing || !this.isOpen) return;
    this.#isProbing = true;
    this.send(text);
    const check = (lateMs: number): void => {
      // After a sleep the answer may be waiting behind this timer.
      if (lateMs > LATE_MS) this.#timers.schedule('probe', timeoutMs, check);
      else this.#fail(CLOSE_RECONNECT, 'no answer to a ping', 'timeout');
    };
    this.#timers.schedule('probe', timeoutMs, check);
  }

  /** Whether a frame was received in the last `ms` milliseconds. */
  isFresh(ms: number): boolean {
    return this.#timers.now() - this.#lastFrameAt < ms;
  }

  /** Sends a last message, without a report to the former handler. Resolves when the gateway closed, or too late. */
  finish(text: string, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.close(CLOSE_END);
        resolve();
      };
      this.#handler = {
        opened: () => undefined,
        received: () => false,
        closed: () => {
          resolve();
        },
      };
      this.send(text);
      this.#timers.schedule('silence', timeoutMs, done);
    });
  }

  /** Closes without a report. */
  close(code: number, reason = ''): void {
    const socket = this.#detach();
    try {
      socket?.close(code, reason);
    } catch {
      // A socket that cannot be closed is left to the platform.
    }
  }

  #receive(data: unknown): void {
    if (typeof data === 'string') this.#tap?.('in', data);
    this.#lastFrameAt = this.#timers.now();
    this.#timers.cancel('probe');
    this.#isProbing = false;
    const frame = decodeFrame(data);
    if (!frame) {
      this.#whenDrained(() => {
        this.#fail(CLOSE_RECONNECT, 'a malformed frame', 'malformed');
      });
      return;
    }
    this.#inbox.push(frame);
    this.#drain();
  }

  #drain(): void {
    while (!this.#isPaused && this.#socket) {
      const frame = this.#inbox.shift();
      if (!frame) break;
      if (frame.kind === 'disconnect') this.#disconnect = frame.disconnect;
      else if (this.#handle(frame)) this.#pause();
    }
    if (!this.#isPaused && this.#inbox.length === 0) this.#pendingClose?.();
  }

  #handle(frame: ServerFrame): boolean {
    try {
      return this.#handler.received(frame);
    } catch {
      // The frame lacks what its name promises.
      this.#fail(CLOSE_RECONNECT, 'a malformed frame', 'malformed');
      return false;
    }
  }

  #pause(): void {
    this.#isPaused = true;
    inNextTask(() => {
      this.#isPaused = false;
      this.#drain();
    });
  }

  #whenDrained(fn: () => void): void {
    this.#pendingClose ??= fn;
    this.#drain();
  }

  #watch(): void {
    const rest = this.#lastFrameAt + this.#silenceMs - this.#timers.now();
    this.#timers.schedule('silence', rest, (lateMs) => {
      const silence = this.#timers.now() - this.#lastFrameAt;
      if (silence < this.#silenceMs) this.#watch();
      else if (lateMs > LATE_MS) this.#watchAfterSleep();
      else this.#fail(CLOSE_RECONNECT, 'nothing was received for too long', 'timeout');
    });
  }

  /** Frames may be waiting behind the late timer: give them a moment. */
  #watchAfterSleep(): void {
    this.#timers.schedule('silence', 2 * LATE_MS, () => {
      if (this.#timers.now() - this.#lastFrameAt < this.#silenceMs) this.#watch();
      else this.#fail(CLOSE_RECONNECT, 'nothing was received for too long', 'timeout');
    });
  }

  #fail(code: number, reason: string, cause: 'timeout' | 'malformed'): void {
    const socket = this.#socket;
    this.#end(1006, reason, cause);
    try {
      socket?.close(code, reason);
    } catch {
      // As in `close`.
    }
  }

  #end(code: number, reason: string, cause: 'closed' | 'timeout' | 'malformed'): void {
    if (!this.#detach()) return;
    this.#handler.closed(closeInfo(code, reason, this.#disconnect), this.#disconnect, cause);
  }

  #detach(): WebSocketLike | undefined {
    const socket = this.#socket;
    if (!socket) return undefined;
    this.#socket = undefined;
    socket.onopen = socket.onmessage = socket.onclose = null;
    // Libraries throw errors that have no listener.
    socket.onerror = () => undefined;
    this.#timers.clear();
    return socket;
  }
}
