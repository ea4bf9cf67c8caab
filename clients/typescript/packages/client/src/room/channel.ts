// What a room needs of the session below it.

import type { AbortSignalLike } from '../core/abort.js';
import type { Lazy } from '../core/lazy.js';
import type { ErrorReporter, Notifier } from '../core/observable.js';
import type { TokenReason, TokenSource } from '../core/tokens.js';
import type { BodyDraft, CommandName, ReplyBody, ReplyName } from '../wire/commands.js';

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
export interface RoomRequest<K extends ReplyName, T> extends RequestOptions {
  /** Passes a room that is held. */
  readonly isUrgent?: boolean | undefined;
  /** Called while the reply is processed, before any later frame; its result is that of the call. */
  readonly onReply?: ((body: ReplyBody<K>) => T) | undefined;
  /** Called if the reply arrives after the promise was rejected. */
  readonly onLate?: ((body: ReplyBody<K>) => void) | undefined;
}

/** Sends a command and waits for the reply of that name. */
export type RoomCall = <C extends CommandName, K extends ReplyName, T = ReplyBody<K>>(
  command: C,
  body: BodyDraft<C>,
  reply: K,
  request?: RoomRequest<K, T>,
) => Promise<T>;

/** The session, as one room uses it. */
export interface Channel {
  /** The id of the room. */
  readonly room: string;
  readonly notifier: Notifier;
  /** Reports what a callback of the program threw. */
  readonly report: ErrorReporter;
  /** Reports the failure of work that no caller waits for. */
  inBackground(work: Promise<unknown>, where: string): void;
  /** Waits for a session: asks the loader if there is none. Undefined if there is one already. */
  needSession(): Promise<void> | undefined;
  /** Sends a command. */
  readonly call: RoomCall;
  /** Sends a command with an idempotency key. */
  readonly callOnce: RoomCall;
  /** Uses what is loaded later. A call that waits for it holds back the calls after it. */
  with<M, T>(lazy: Lazy<M>, use: (loaded: M) => Promise<T>, options?: RequestOptions): Promise<T>;
  /** Asks a token source; concurrent calls for one source are one. */
  token(source: TokenSource, reason: TokenReason): Promise<string>;
  /** Waits at most as long as `options` allow. */
  within<T>(promise: Promise<T>, options: RequestOptions): Promise<T>;
  /** Waits. */
  sleep(ms: number): Promise<void>;
  /** Holds back the requests of the room while it is joined again. */
  hold(): void;
  /** Sends what was held back. */
  release(): void;
}
