// What rooms need of the session below them.

import type { AbortSignalLike } from '../core/abort.js';
import type { ErrorReporter, Notifier } from '../core/observable.js';
import type { TokenReason, TokenSource } from '../core/tokens.js';
import type { Timers } from '../shell/timers.js';
import type { ReplyBody, ReplyName } from '../wire/commands.js';
import type { Command } from '../wire/protocol.js';

/** Options of one request. */
export interface RequestOptions {
  /** Gives up: the promise rejects, and a request that was not sent never is. */
  signal?: AbortSignalLike | undefined;
  /** The deadline, in milliseconds from now. */
  timeoutMs?: number | undefined;
  /** The idempotency key. Commands that accept one have a random one by default. */
  ref?: string | undefined;
}

/** A request of a room. */
export interface RoomRequest<K extends ReplyName> extends RequestOptions {
  /** The room whose membership the request needs. */
  readonly room: string;
  /** Passes a room that is held. */
  readonly isUrgent?: boolean | undefined;
  /** Called while the reply is processed, before any later frame. */
  readonly onReply?: ((body: ReplyBody<K>) => void) | undefined;
  /** Called if the reply arrives after the promise was rejected. */
  readonly onLate?: ((body: ReplyBody<K>) => void) | undefined;
}

/** The session, as rooms use it. */
export interface Channel {
  readonly notifier: Notifier;
  readonly timers: Timers;
  /** Reports what a callback of the program threw. */
  readonly report: ErrorReporter;
  /** Waits for a session: asks the loader if there is none. Undefined if there is one already. */
  needSession(): Promise<void> | undefined;
  /** Sends a command and waits for the reply of that name. */
  call<K extends ReplyName>(command: Command, reply: K, request: RoomRequest<K>): Promise<ReplyBody<K>>;
  /** Asks a token source; concurrent calls for one source are one. */
  token(source: TokenSource, reason: TokenReason): Promise<string>;
  /** Waits at most as long as `options` allow. */
  within<T>(promise: Promise<T>, options: RequestOptions): Promise<T>;
  /** Waits. */
  sleep(ms: number): Promise<void>;
  /** Holds back the requests of a room while it is joined again. */
  hold(room: string): void;
  /** Sends what was held back. */
  release(room: string): void;
  /** A random idempotency key. */
  newRef(): string;
}
