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
  /** How long silence may last, in milliseconds. */
  silenceMs(): number;
  /** The connection is over. */
  closed(info: CloseInfo, disconnect: Disconnect | undefined, cause: 'closed' | 'timeout' | 'malformed'): void;
}

/** A record of a frame, for `onFrame`. */
export type FrameTap = (direction: 'in' | 'out', text: string) => void;

/** One connection. */
export class Connection {
  readonly #timers = makeTimers();
  readonly #tap: FrameTap | undefined;
  readonly #inbox: ServerFrame[] = [];
  #handler: ConnectionHandler;
  #socket: WebSocketLike | undefined;
  #disconnect: Disconnect | undefined;
  #isEstablished = false;
  #isPaused = false;
  #pendingClose: (() => void) | undefined;

  constructor(
    make: WebSocketConstructor,
    url: string,
    timeoutMs: number,
    handler: ConnectionHandler,
    tap: FrameTap | undefined,
  ) {
    this.#handler = handler;
    this.#tap = tap;
    const socket = new make(url, [SUBPROTOCOL]);
    this.#socket = socket;
    socket.onopen = () => {
      if (socket.protocol === SUBPROTOCOL) handler.opened();
      else this.#fail('the subprotocol was not accepted', 'malformed');
    };
    socket.onmessage = (event: { data: unknown }) => this.#receive(event.data);
    socket.onclose = ({ code, reason }: { code: number; reason: string }) =>
      this.#whenDrained(() => this.#end(code, reason, 'closed'));
    // A close follows.
    socket.onerror = () => undefined;
    this.#timers.schedule('handshake', timeoutMs, () => this.#fail('no answer from the gateway', 'timeout'));
  }

  /** Sends a text, if the connection can still carry it. */
  send(text: string): void {
    if (this.#socket?.readyState !== 1) return;
    this.#tap?.('out', text);
    this.#socket.send(text);
  }

  /** The first message was answered: from now on too long a silence means that the connection is dead. */
  established(): void {
    this.#timers.cancel('handshake');
    this.#isEstablished = true;
    this.#watch();
  }

  /** Sends `text`, and declares the connection dead if no frame arrives within `timeoutMs`. */
  probe(text: string, timeoutMs: number): void {
    this.send(text);
    this.#failAfter('probe', timeoutMs, 'no answer to a ping');
  }

  /** Sends a last message, without a report to the former handler. Resolves when the gateway closed, or too late. */
  finish(text: string, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.send(text);
      this.#handler = { ...this.#handler, received: () => false, closed: () => resolve() };
      this.#isEstablished = false;
      this.#timers.schedule('silence', timeoutMs, () => {
        this.close(CLOSE_END);
        resolve();
      });
    });
  }

  /** Closes without a report. */
  close(code: number): void {
    shut(this.#detach(), code);
  }

  #receive(data: unknown): void {
    if (typeof data === 'string') this.#tap?.('in', data);
    this.#timers.cancel('probe');
    const frame = decodeFrame(data);
    if (frame) {
      this.#inbox.push(frame);
      this.#drain();
    } else {
      this.#whenDrained(() => this.#fail('a malformed frame', 'malformed'));
    }
    this.#watch();
  }

  #drain(): void {
    while (!this.#isPaused && this.#socket) {
      const frame = this.#inbox.shift();
      if (!frame) {
        this.#pendingClose?.();
        return;
      }
      if (frame.kind === 'disconnect') this.#disconnect = frame.disconnect;
      else if (this.#handle(frame)) this.#pause();
    }
  }

  #handle(frame: ServerFrame): boolean {
    try {
      return this.#handler.received(frame);
    } catch {
      // The frame lacks what its name promises.
      this.#fail('a malformed frame', 'malformed');
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
    if (!this.#socket || !this.#isEstablished) return;
    this.#failAfter('silence', this.#handler.silenceMs(), 'nothing was received for too long');
  }

  /** Declares the connection dead after a time. Frames may be waiting behind a late timer: it gives them a moment. */
  #failAfter(timer: string, ms: number, reason: string, isAgain = false): void {
    this.#timers.schedule(timer, ms, (lateMs) => {
      if (lateMs > LATE_MS && !isAgain) this.#failAfter(timer, 2 * LATE_MS, reason, true);
      else this.#fail(reason, 'timeout');
    });
  }

  #fail(reason: string, cause: 'timeout' | 'malformed'): void {
    const socket = this.#socket;
    this.#end(1006, reason, cause);
    shut(socket, CLOSE_RECONNECT, reason);
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

function shut(socket: WebSocketLike | undefined, code: number, reason = ''): void {
  try {
    socket?.close(code, reason);
  } catch {
    // A socket that cannot be closed is left to the platform.
  }
}
