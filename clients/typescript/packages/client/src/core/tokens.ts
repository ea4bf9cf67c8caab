// Token sources: a token, or a function that gets one. Concurrent questions to one source are one, and failures are
// tried again with backoff until the source throws `Denied`. Pure, except for the sleep that it is given.

import { type AbortSignalLike, onAbort, type PlatformAbortSignal } from './abort.js';
import { Backoff } from './backoff.js';
import { Denied, StagedoorError } from './errors.js';
import type { ErrorReporter } from './observable.js';

/** Why a token is asked for: a first start, a renewal, or a start after the session's credentials became void. */
export type TokenReason = 'start' | 'renew' | 'reauth';

/** The arguments of a token function. */
export interface TokenRequest {
  /** Why a token is needed. */
  readonly reason: TokenReason;
  /** How many times this request was made before. */
  readonly attempt: number;
  /** Aborts when the token is not needed any more. */
  readonly signal: PlatformAbortSignal;
}

/** A token, or a function that gets one. It is asked again after an error, except after `Denied`. */
export type TokenSource = string | ((request: TokenRequest) => string | Promise<string>);

/** Waits, and may be woken early by an abort. */
export type Sleep = (ms: number, signal: AbortSignalLike) => Promise<void>;

/** How long a token function may take, in milliseconds, before it is asked again. */
const TOKEN_TIMEOUT_MS = 30_000;

interface Running {
  readonly promise: Promise<string>;
  readonly controller: AbortController;
}

/** The part of `AbortController` that is used here. */
interface AbortController {
  readonly signal: PlatformAbortSignal;
  abort(): void;
}

/** Asks token sources. */
export class Tokens {
  readonly #sleep: Sleep;
  readonly #random: () => number;
  readonly #report: ErrorReporter;
  readonly #running = new Map<TokenSource, Running>();

  constructor(sleep: Sleep, random: () => number, report: ErrorReporter) {
    this.#sleep = sleep;
    this.#random = random;
    this.#report = report;
  }

  /** A token of the source. Rejects with `Denied`, or when {@link cancel} is called. */
  get(source: TokenSource, reason: TokenReason): Promise<string> {
    if (typeof source === 'string') return Promise.resolve(source);
    const running = this.#running.get(source);
    if (running) return running.promise;
    const controller = newController();
    const promise = this.#ask(source, reason, controller.signal).finally(() => this.#running.delete(source));
    this.#running.set(source, { promise, controller });
    return promise;
  }

  /** Ends all questions. */
  cancel(): void {
    for (const { controller } of this.#running.values()) controller.abort();
    this.#running.clear();
  }

  async #ask(source: Exclude<TokenSource, string>, reason: TokenReason, signal: AbortSignalLike): Promise<string> {
    const backoff = new Backoff(this.#random);
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        return await this.#askOnce(source, { reason, attempt }, signal);
      } catch (error) {
        if (error instanceof Denied) throw error;
        this.#report(error, 'token');
        await this.#sleep(backoff.next(), signal);
      }
    }
    throw new StagedoorError('stopped', 'the token is not needed any more');
  }

  async #askOnce(
    source: Exclude<TokenSource, string>,
    request: Omit<TokenRequest, 'signal'>,
    parent: AbortSignalLike,
  ): Promise<string> {
    const controller = newController();
    const { signal } = controller;
    const forget = onAbort(parent, () => controller.abort());
    try {
      const token = await Promise.race([
        source({ ...request, signal }),
        this.#sleep(TOKEN_TIMEOUT_MS, signal).then(() => {
          throw new Error('the token function did not return');
        }),
      ]);
      if (typeof token === 'string' && token !== '') return token;
      throw new TypeError('a token function must return a token');
    } finally {
      forget();
      controller.abort();
    }
  }
}

function newController(): AbortController {
  const { AbortController } = globalThis as unknown as { AbortController: new () => AbortController };
  return new AbortController();
}

/** The user that a token names, if it is a JWT that does. */
export function subjectOf(token: string): string | undefined {
  try {
    const payload = token.split('.')[1] ?? '';
    const { atob } = globalThis as unknown as { atob: (text: string) => string };
    const text = atob(payload.replace(/-/g, '+').replace(/_/g, '/'));
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    const { TextDecoder } = globalThis as unknown as { TextDecoder: new () => { decode(bytes: Uint8Array): string } };
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as { sub?: unknown } | null;
    return typeof claims?.sub === 'string' ? claims.sub : undefined;
  } catch {
    return undefined;
  }
}
