// Requests of rooms and of the session, as promises.

import { abortError, type AbortSignalLike, onAbort } from '../core/abort.js';
import { DeadlineError, StagedoorError } from '../core/errors.js';
import type { Requests } from '../core/requests.js';
import type { RequestOptions } from '../room/channel.js';
import type { Timers } from '../shell/timers.js';
import type { ReplyBody, ReplyName } from '../wire/commands.js';
import type { Command, Reply } from '../wire/protocol.js';

/** A request; without a room it is about the session. */
export interface Call<K extends ReplyName> extends RequestOptions {
  readonly room?: string;
  readonly isUrgent?: boolean | undefined;
  readonly onReply?: ((body: ReplyBody<K>) => void) | undefined;
  readonly onLate?: ((body: ReplyBody<K>) => void) | undefined;
}

/** A timer this late means that the process slept, and that replies may be waiting. */
const SLEPT_MS = 1_000;
/** How long sent requests wait for their replies after a sleep. */
const AFTER_SLEEP_MS = 5_000;

/** Puts requests into the table, watches their deadlines, and sends them by `flush`. */
export class Calls {
  readonly #requests: Requests;
  readonly #timers: Timers;
  readonly #timeoutMs: number;
  readonly #flush: () => void;

  constructor(requests: Requests, timers: Timers, timeoutMs: number, flush: () => void) {
    this.#requests = requests;
    this.#timers = timers;
    this.#timeoutMs = timeoutMs;
    this.#flush = flush;
  }

  /** Sends a command, and resolves with the reply of that name. */
  send<K extends ReplyName>(command: Command, reply: K, call: Call<K>): Promise<ReplyBody<K>> {
    const { signal, timeoutMs = this.#timeoutMs, onReply, onLate, ref, room, isUrgent } = call;
    if (signal?.aborted) return Promise.reject(abortError(signal));
    return new Promise((resolve, reject) => {
      const forget = onAbort(signal, () => {
        if (signal) this.#requests.abort(id, signal);
      });
      const id = this.#add(
        {
          command,
          room,
          ref,
          isUrgent,
          deadline: this.#timers.now() + timeoutMs,
          onReply: (ok) => {
            onReply?.(bodyOf(ok, reply));
          },
          onLate:
            onLate &&
            ((ok) => {
              onLate(bodyOf(ok, reply));
            }),
          resolve: (ok) => {
            forget();
            resolve(bodyOf(ok, reply));
          },
          reject: (error) => {
            forget();
            reject(error);
          },
        },
        forget,
      );
      this.#watch();
      this.#flush();
    });
  }

  /** Waits for `promise`, but not longer than `options` allow. */
  async within<T>(promise: Promise<T>, { signal, timeoutMs = this.#timeoutMs }: RequestOptions): Promise<T> {
    const name = `within ${String((this.#names += 1))}`;
    let forget: (() => void) | undefined;
    const tooLong = new Promise<never>((_, reject) => {
      if (signal?.aborted) reject(abortError(signal));
      forget = onAbort(signal, () => {
        if (signal) reject(abortError(signal, 'unknown'));
      });
      this.#timers.schedule(name, timeoutMs, () => reject(new DeadlineError('unknown')));
    });
    try {
      return await Promise.race([promise, tooLong]);
    } finally {
      forget?.();
      this.#timers.cancel(name);
    }
  }

  #names = 0;

  /** Waits. An abort ends the wait early. */
  sleep(ms: number, signal?: AbortSignalLike): Promise<void> {
    return new Promise((resolve) => {
      const name = `sleep ${String((this.#names += 1))}`;
      const done = (): void => {
        this.#timers.cancel(name);
        forget();
        resolve();
      };
      const forget = onAbort(signal, done);
      this.#timers.schedule(name, ms, done);
    });
  }

  #add(spec: Parameters<Requests['add']>[0], forget: () => void): number {
    try {
      return this.#requests.add(spec);
    } catch (error) {
      forget();
      throw error;
    }
  }

  #watch(): void {
    const next = this.#requests.nextDeadline();
    if (next === undefined) return;
    this.#timers.schedule('deadlines', next - this.#timers.now(), (lateMs) => {
      const now = this.#timers.now();
      if (lateMs > SLEPT_MS) this.#requests.extendSent(now + AFTER_SLEEP_MS);
      this.#requests.expire(now);
      this.#watch();
    });
  }
}

function bodyOf<K extends ReplyName>(ok: Reply, name: K): ReplyBody<K> {
  const body = (ok as Partial<Record<string, unknown>>)[name];
  if (typeof body !== 'object' || body === null) {
    throw new StagedoorError('not_a_gateway', `expected the reply \`${name}\``, { outcome: 'unknown' });
  }
  return body as ReplyBody<K>;
}
