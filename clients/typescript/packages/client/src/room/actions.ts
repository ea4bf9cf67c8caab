// Moderation commands after their acceptance: the receipts that follow.

import { type AbortSignalLike, abortError, onAbort } from '../core/abort.js';
import { StagedoorError } from '../core/errors.js';
import { type Notifier, type Observable, Store } from '../core/observable.js';
import type { Accepted, ModerationReport, OutcomeCounts, Receipt } from '../wire/protocol.js';

/** What became of a command at its targets. */
export interface Receipts {
  /** Number of targets by outcome. */
  readonly counts: OutcomeCounts;
  /** The target of a command with one target; otherwise up to 100 targets that are not `enforced`. */
  readonly targets: readonly Receipt[];
  /** Milliseconds from the command until the newest receipt. */
  readonly elapsedMs: number;
}

/** A moderation command that was accepted. */
export interface Action {
  /** The version of the room with the command. */
  readonly version: number;
  /** The number of targets. */
  readonly targets: number;
  /** What blocks the user after `unblock`. */
  readonly block: Accepted['block'];
  /** From when on room tokens are accepted again, after `endRoom`. */
  readonly acceptedFromMs: number | undefined;
  /** The receipts, as they change. */
  readonly receipts: Observable<Receipts>;
  /** Waits until no target is `pending` or `offline`. Rejects if the receipts end before. */
  settled(options?: { signal?: AbortSignalLike | undefined }): Promise<Receipts>;
}

interface Waiter {
  resolve(receipts: Receipts): void;
  reject(error: StagedoorError): void;
}

class ActionImpl implements Action {
  readonly version: number;
  readonly targets: number;
  readonly block: Accepted['block'];
  readonly acceptedFromMs: number | undefined;
  readonly receipts: Store<Receipts>;
  readonly #waiters = new Set<Waiter>();
  #latest: Receipts;
  #end: StagedoorError | undefined;

  constructor(notifier: Notifier, accepted: Accepted) {
    this.version = accepted.version;
    this.targets = accepted.target_count;
    this.block = accepted.block;
    this.acceptedFromMs = accepted.accepted_from_ms ?? undefined;
    const counts = { enforced: 0, pending: accepted.target_count, offline: 0, declined: 0, ignored: 0 };
    this.#latest = { counts, targets: [], elapsedMs: 0 };
    this.receipts = new Store<Receipts>(notifier, 'receipts', this.#latest);
  }

  get isSettled(): boolean {
    return this.#latest.counts.pending === 0 && this.#latest.counts.offline === 0;
  }

  settled(options?: { signal?: AbortSignalLike | undefined }): Promise<Receipts> {
    const signal = options?.signal;
    return new Promise((resolve, reject) => {
      if (this.isSettled) resolve(this.#latest);
      else if (this.#end) reject(this.#end);
      else if (signal?.aborted) reject(abortError(signal, 'unknown'));
      else {
        const done = (): void => {
          forget();
          this.#waiters.delete(waiter);
        };
        const waiter: Waiter = {
          resolve: (receipts) => {
            done();
            resolve(receipts);
          },
          reject: (error) => {
            done();
            reject(error);
          },
        };
        const forget = onAbort(signal, () => {
          if (signal) waiter.reject(abortError(signal, 'unknown'));
        });
        this.#waiters.add(waiter);
      }
    });
  }

  report({ counts, targets, elapsed_ms }: ModerationReport): void {
    this.#latest = { counts: Object.freeze(counts), targets: Object.freeze(targets), elapsedMs: elapsed_ms };
    this.receipts.set(this.#latest);
    if (this.isSettled) for (const waiter of [...this.#waiters]) waiter.resolve(this.#latest);
  }

  end(): void {
    this.#end = new StagedoorError('session_ended', 'the receipts ended before the last outcome', {
      outcome: 'unknown',
    });
    for (const waiter of [...this.#waiters]) waiter.reject(this.#end);
  }
}

/** The actions of one room whose receipts may still change. */
export class Actions {
  readonly #notifier: Notifier;
  readonly #open = new Map<number, ActionImpl>();
  /** Reports that came before their acceptance, newest last. */
  readonly #early = new Map<number, ModerationReport>();

  constructor(notifier: Notifier) {
    this.#notifier = notifier;
  }

  /** A command was accepted. */
  accept(accepted: Accepted): Action {
    const action = new ActionImpl(this.#notifier, accepted);
    const early = this.#early.get(action.version);
    this.#early.delete(action.version);
    if (early) action.report(early);
    this.#open.set(action.version, action);
    prune(this.#open)?.end();
    return action;
  }

  /** A receipt arrived. */
  report(report: ModerationReport): void {
    const action = this.#open.get(report.version);
    if (action) {
      action.report(report);
    } else {
      this.#early.set(report.version, report);
      prune(this.#early);
    }
  }

  /** No more receipts follow, except those of one version. */
  end(except?: number): void {
    for (const [version, action] of this.#open) {
      if (version === except) continue;
      action.end();
      this.#open.delete(version);
    }
    this.#early.clear();
  }
}

/** Removes the oldest entry of a map that is too large. */
function prune<T>(map: Map<number, T>): T | undefined {
  const [oldest] = map;
  if (map.size <= MAX_OPEN || !oldest) return undefined;
  map.delete(oldest[0]);
  return oldest[1];
}

/** How many actions of one room are followed; older ones keep their last receipts. */
const MAX_OPEN = 256;
