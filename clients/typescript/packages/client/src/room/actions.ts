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
  /**
   * Whether the store of the gateway has what the command changed, so that a restart keeps it; usually a few
   * milliseconds after the first receipt. Once true it stays.
   */
  readonly durable: boolean;
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

/** An action whose receipts may still change. */
interface OpenAction {
  readonly action: Action;
  readonly report: (report: ModerationReport) => void;
  readonly end: () => void;
}

function makeAction(notifier: Notifier, accepted: Accepted): OpenAction {
  const { version, target_count: targets, block, accepted_from_ms } = accepted;
  const counts = { enforced: 0, pending: targets, offline: 0, declined: 0, ignored: 0 };
  let latest: Receipts = { counts, targets: [], elapsedMs: 0, durable: false };
  let ended: StagedoorError | undefined;
  const receipts = new Store(notifier, 'receipts', latest);
  /** Each settles one promise of `settled` if it can. */
  const checks = new Set<() => void>();
  const checkAll = (): void => {
    for (const check of checks) check();
  };
  return {
    action: {
      version,
      targets,
      block,
      acceptedFromMs: accepted_from_ms ?? undefined,
      receipts,
      settled: ({ signal } = {}) =>
        new Promise((resolve, reject) => {
          const check = (): void => {
            if (latest.counts.pending + latest.counts.offline === 0) resolve(latest);
            else if (ended) reject(ended);
            else if (signal?.aborted) reject(abortError(signal, 'unknown'));
            else return;
            forget();
            checks.delete(check);
          };
          const forget = onAbort(signal, check);
          checks.add(check);
          check();
        }),
    },
    report(report) {
      const { counts: now, targets: named, elapsed_ms: elapsedMs } = report;
      const durable = latest.durable || report.durable;
      latest = { counts: Object.freeze(now), targets: Object.freeze(named), elapsedMs, durable };
      receipts.set(latest);
      checkAll();
    },
    end() {
      const details = { outcome: 'unknown' } as const;
      ended = new StagedoorError('session_ended', 'the receipts ended before the last outcome', details);
      checkAll();
    },
  };
}

/** The actions of one room whose receipts may still change. */
export interface Actions {
  /** A command was accepted. */
  accept(accepted: Accepted): Action;
  /** A receipt arrived. */
  readonly report: (report: ModerationReport) => void;
  /** No more receipts follow, except those of one version. */
  end(except?: number): void;
}

/** Makes the actions of one room. */
export function makeActions(notifier: Notifier): Actions {
  const open = new Map<number, OpenAction>();
  /** Reports that came before their acceptance, newest last. */
  const early = new Map<number, ModerationReport>();
  return {
    accept(accepted) {
      const { version } = accepted;
      const one = makeAction(notifier, accepted);
      const report = early.get(version);
      if (report) one.report(report);
      early.delete(version);
      open.set(version, one);
      prune(open)?.end();
      return one.action;
    },
    report(report) {
      const one = open.get(report.version);
      if (one) one.report(report);
      else prune(early.set(report.version, report));
    },
    end(except) {
      for (const [version, { end }] of open) {
        if (version !== except && open.delete(version)) end();
      }
      early.clear();
    },
  };
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
