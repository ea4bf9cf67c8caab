// Calls in the order of the program, also while one of them waits for a module. Pure.

import type { AbortSignalLike } from './abort.js';

/** How long a call may wait. */
interface Limits {
  readonly signal?: AbortSignalLike | undefined;
  readonly timeoutMs?: number | undefined;
}

/**
 * Starts a call: at once, unless it needs `ready` or an earlier call waits. A wait that fails, or that takes longer
 * than the limits of its call allow, ends that call alone. `start` throws nothing: it is asynchronous.
 */
export type InOrder = <T>(start: () => Promise<T>, limits: Limits | undefined, ready?: Promise<unknown>) => Promise<T>;

/** Makes the order of one room. `within` waits for a promise, but not longer than the limits allow. */
export function makeOrder(within: <T>(promise: Promise<T>, limits: Limits) => Promise<T>): InOrder {
  /** The end of all waits so far; undefined if no call waits. */
  let waits: Promise<unknown> | undefined;
  /** Whether a call that waited starts now: the requests that it makes do not wait for those after it. */
  let isStarting = false;
  return async (start, limits = {}, ready) => {
    if (isStarting || !(waits ?? ready)) return start();
    const turn = within(Promise.all([waits, ready]), limits);
    const over = Promise.allSettled([waits, turn]).then(() => {
      if (waits === over) waits = undefined;
    });
    waits = over;
    await turn;
    isStarting = true;
    const started = start();
    isStarting = false;
    return started;
  };
}
