// The part of `AbortSignal` that this package uses, so that its types need no `lib: dom`. Pure.

import { StagedoorError } from './errors.js';

/** An `AbortSignal`, or anything like it. */
export interface AbortSignalLike {
  /** Whether it was aborted. */
  readonly aborted: boolean;
  /** Why. */
  readonly reason?: unknown;
  /** Registers a listener of `abort`. */
  addEventListener(type: 'abort', listener: () => void): void;
  /** Removes a listener of `abort`. */
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** The platform's `AbortSignal` where its type is known, so that it can be given to `fetch`. */
export type PlatformAbortSignal = typeof globalThis extends {
  AbortSignal: { prototype: infer Signal extends AbortSignalLike };
}
  ? Signal
  : AbortSignalLike;

/** Calls `fn` once when `signal` aborts; the returned function ends that. */
export function onAbort(signal: AbortSignalLike | undefined, fn: (signal: AbortSignalLike) => void): () => void {
  const listener = (): void => {
    forget();
    if (signal) fn(signal);
  };
  const forget = (): void => signal?.removeEventListener('abort', listener);
  signal?.addEventListener('abort', listener);
  return forget;
}

/** The error of a call whose signal aborted. */
export function abortError(signal: AbortSignalLike, outcome: 'not-sent' | 'unknown' = 'not-sent'): StagedoorError {
  return new StagedoorError('aborted', 'the caller aborted', { cause: signal.reason, outcome });
}
