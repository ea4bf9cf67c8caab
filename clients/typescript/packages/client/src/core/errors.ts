// The errors of the package. Programs test `code`; `hint` says what to change; `outcome` says whether the request may
// have taken effect.

import type { ErrorCode, Scope, WireError } from '../wire/protocol.js';

/** Whether a failed request had an effect: it was never sent, it was refused, or that is unknown. */
export type Outcome = 'not-sent' | 'refused' | 'unknown';

/** Codes of errors that this package raises itself; the others are those of the protocol. */
export type LocalCode =
  | 'aborted'
  | 'already_started'
  | 'connection_lost'
  | 'deadline'
  | 'denied'
  | 'device_denied'
  | 'device_failed'
  | 'device_in_use'
  | 'device_not_found'
  | 'insecure_origin'
  | 'invalid_options'
  | 'lagged'
  | 'loader_failed'
  | 'media_failed'
  | 'module_not_loaded'
  | 'no_active_session'
  | 'no_provider'
  | 'no_stored_session'
  | 'no_webrtc'
  | 'no_websocket'
  | 'not_a_gateway'
  | 'not_confirmed'
  | 'origin_denied'
  | 'queue_full'
  | 'session_ended'
  | 'stopped'
  | 'unreachable';

/** What an error carries besides its code and its message. */
export interface ErrorDetails {
  /** What to change; by default it follows from the code. */
  hint?: string | undefined;
  /** The path of the invalid argument. */
  field?: string | undefined;
  /** The missing scope, of `forbidden`. */
  missing?: Scope | undefined;
  /** Milliseconds to wait before a retry. */
  retryAfterMs?: number | undefined;
  /** When a ban or a block ends, in milliseconds since the Unix epoch. */
  untilMs?: number | undefined;
  /** The idempotency key of the request: with it, a repetition has no second effect. */
  ref?: string | undefined;
  /** Whether the request had an effect. */
  outcome?: Outcome | undefined;
  /** The error that caused this one. */
  cause?: unknown;
}

/** Hints by code. */
export type Hints = Partial<Record<ErrorCode | LocalCode, string>>;

/** Absent until they are loaded. */
let hints: Hints | undefined;

/** Gives all errors their hints, also those that exist already. */
export function setHints(loaded: Hints): void {
  hints = loaded;
}

/** The hint of a code; undefined until the hints are loaded. */
function hintOf(code: ErrorCode | LocalCode): string | undefined {
  return hints && (hints[code] ?? 'See "Errors" in docs/protocol.md.');
}

/** An error of Stagedoor. */
export class StagedoorError extends Error {
  override readonly name: string = 'StagedoorError';
  /** What programs test. */
  declare readonly code: ErrorCode | LocalCode;
  /** What to change. */
  declare readonly hint: string;
  /** Whether the request had an effect. */
  declare readonly outcome: Outcome;
  /** The path of the invalid argument. */
  declare readonly field: string | undefined;
  /** The missing scope, of `forbidden`. */
  declare readonly missing: Scope | undefined;
  /** Milliseconds to wait before a retry. */
  declare readonly retryAfterMs: number | undefined;
  /** When a ban or a block ends, in milliseconds since the Unix epoch. */
  declare readonly untilMs: number | undefined;
  /** The idempotency key of the request. */
  declare readonly ref: string | undefined;

  constructor(code: ErrorCode | LocalCode, message: string, details: ErrorDetails = {}) {
    const { cause, hint = hintOf(code), outcome = 'not-sent', ...rest } = details;
    super(message, cause === undefined ? undefined : { cause });
    Object.assign(this, { code, outcome, ...rest });
    const late = { get: () => hintOf(code) ?? 'Check the network, and reload the page.' };
    Object.defineProperty(this, 'hint', { enumerable: true, ...(hint === undefined ? late : { value: hint }) });
  }
}

/** `start` was called while a session is starting or established. */
export class SessionActiveError extends StagedoorError {
  override readonly name = 'SessionActiveError';

  constructor() {
    super('already_started', 'a session is starting or established', {
      hint: 'Call `stop()` first, or use the session from `get()`.',
    });
  }
}

/** A call needs a session, and there is none. */
export class NoActiveSessionError extends StagedoorError {
  override readonly name = 'NoActiveSessionError';

  constructor() {
    super('no_active_session', 'there is no session');
  }
}

/** The loader failed, or returned without a session. */
export class LoaderError extends StagedoorError {
  override readonly name = 'LoaderError';

  constructor(message: string, cause?: unknown) {
    super('loader_failed', message, { cause });
  }
}

/** A request passed its deadline. With the outcome `not-sent` it was not and will not be sent. */
export class DeadlineError extends StagedoorError {
  override readonly name = 'DeadlineError';

  constructor(outcome: Outcome, ref?: string) {
    super('deadline', 'the request passed its deadline', { outcome, ref });
  }
}

/** A reader of events was slower than its limit allows. */
export class LaggedError extends StagedoorError {
  override readonly name = 'LaggedError';

  constructor(limit: number) {
    super('lagged', `more than ${String(limit)} events were waiting to be read`);
  }
}

/** Thrown by a token function: the user gets no token, and the package stops asking. */
export class Denied extends StagedoorError {
  override readonly name = 'Denied';

  constructor(message = 'the application denied a token', details: ErrorDetails = {}) {
    super('denied', message, { outcome: 'refused', ...details });
  }
}

/** The error of a refused request. */
export function refusal(error: WireError, ref?: string): StagedoorError {
  return new StagedoorError(error.code, error.message, {
    field: error.field ?? undefined,
    missing: error.missing ?? undefined,
    retryAfterMs: error.retry_after_ms ?? undefined,
    untilMs: error.until_ms ?? undefined,
    ref,
    // A gateway that shuts down answers unfinished requests with `draining`.
    outcome: error.code === 'draining' ? 'unknown' : 'refused',
  });
}

/** Anything that was thrown, as an error of this package; `code` is for what others threw. */
export function asStagedoorError(thrown: unknown, code: LocalCode): StagedoorError {
  return thrown instanceof StagedoorError ? thrown : new StagedoorError(code, messageOf(thrown), { cause: thrown });
}

/** The text of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
