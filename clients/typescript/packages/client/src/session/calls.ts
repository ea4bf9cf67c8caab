// Requests of rooms and of the session, as promises.

import { abortError, type AbortSignalLike, onAbort } from '../core/abort.js';
import { DeadlineError, StagedoorError } from '../core/errors.js';
import type { Requests } from '../core/requests.js';
import type { RequestOptions, RoomRequest } from '../room/channel.js';
import { makeTimers, type Timers } from '../shell/timers.js';
import type { CommandDraft, ReplyBody, ReplyName } from '../wire/commands.js';
import type { Reply } from '../wire/protocol.js';

/** A request; without a room it is about the session. */
export interface Call<K extends ReplyName, T> extends RoomRequest<K, T> {
  readonly room?: string;
}

/** Requests and waits, as promises. */
export interface Calls {
  /** Sends a command, and resolves with the reply of that name, or with what `onReply` makes of it. */
  send<K extends ReplyName, T = ReplyBody<K>>(command: CommandDraft, reply: K, call: Call<K, T>): Promise<T>;
  /** Waits for `promise`, but not longer than `options` allow. */
  readonly within: <T>(promise: Promise<T>, options: RequestOptions, outcome?: 'not-sent' | 'unknown') => Promise<T>;
  /** Waits. An abort ends the wait early. */
  readonly sleep: (ms: number, signal?: AbortSignalLike) => Promise<void>;
}

/** A timer this late means that the process slept, and that replies may be waiting. */
const SLEPT_MS = 1_000;
/** How long sent requests wait for their replies after a sleep. */
const AFTER_SLEEP_MS = 5_000;

/** Puts requests into the table, watches their deadlines, and sends them by `flush`. */
export function makeCalls(requests: Requests, timers: Timers, defaultTimeoutMs: number, flush: () => void): Calls {
  /** Those of a wait outlive the session: a loader may start several. */
  const deadlines = makeTimers();
  const watch = (): void => {
    const next = requests.nextDeadline();
    if (next === Infinity) return;
    timers.schedule('deadlines', next - timers.now(), (lateMs) => {
      const now = timers.now();
      if (lateMs > SLEPT_MS) requests.extendSent(now + AFTER_SLEEP_MS);
      requests.expire(now);
      watch();
    });
  };

  return {
    send: (command, reply, { signal, timeoutMs = defaultTimeoutMs, onReply, onLate, ...spec }) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) throw abortError(signal);
        const id = requests.add({
          ...spec,
          command,
          deadline: timers.now() + timeoutMs,
          onLate: (ok) => onLate?.(bodyOf(ok, reply)),
          resolve(ok) {
            const body = bodyOf(ok, reply);
            const result = onReply ? onReply(body) : (body as never);
            forget();
            resolve(result);
          },
          reject(error) {
            forget();
            reject(error);
          },
        });
        const forget = onAbort(signal, (aborted) => requests.abort(id, aborted));
        watch();
        flush();
      }),

    async within(promise, { signal, timeoutMs = defaultTimeoutMs }, outcome = 'unknown') {
      let end: (() => void) | undefined;
      const tooLong = new Promise<never>((_, reject) => {
        const forget = onAbort(signal, (aborted) => reject(abortError(aborted, outcome)));
        end = () => {
          forget();
          deadlines.cancel(end);
        };
        deadlines.schedule(end, timeoutMs, () => reject(new DeadlineError(outcome)));
        if (signal?.aborted) reject(abortError(signal));
      });
      try {
        return await Promise.race([promise, tooLong]);
      } finally {
        end?.();
      }
    },

    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const done = (): void => {
          timers.cancel(done);
          forget();
          resolve();
        };
        const forget = onAbort(signal, done);
        timers.schedule(done, ms, done);
      }),
  };
}

function bodyOf<K extends ReplyName>(ok: Reply, name: K): ReplyBody<K> {
  const body = (ok as Partial<Record<string, unknown>>)[name];
  if (typeof body !== 'object' || body === null) {
    throw new StagedoorError('not_a_gateway', `expected the reply \`${name}\``, { outcome: 'unknown' });
  }
  return body as ReplyBody<K>;
}
