// What is loaded with the first start.

import { setHints } from '../core/errors.js';
import { makeLazy } from '../core/lazy.js';
import type { Calls } from './calls.js';

/** Rooms and renewals; with them the hints of errors. */
export const afterStart = makeLazy(async () => {
  const module = await import('./after-start.js');
  setHints(module.HINTS);
  return module;
});

/** Waits for the hints, but not for long: without them an error says that they could not be loaded. */
export function hintsLoaded(within: Calls['within']): Promise<unknown> | undefined {
  if (afterStart.value) return undefined;
  return within(afterStart.load(), { timeoutMs: HINTS_TIMEOUT_MS }).catch(() => undefined);
}

/** How long an error waits for its hint, in milliseconds. */
const HINTS_TIMEOUT_MS = 1_000;
