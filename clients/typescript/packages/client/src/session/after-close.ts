// What the end of a connection means for the session. Pure.

import { actionAfter, type CloseInfo, errorCodeOf, isTermination } from '../core/close.js';
import { StagedoorError } from '../core/errors.js';
import type { StateCause } from '../core/states.js';
import type { LinkEnd } from './link.js';

/** The next step after a connection. */
export type NextStep =
  /** `start` fails, and what the tab stored stays. */
  | 'fail'
  /** What the tab stored is of no use any more: start with what the program gave. */
  | 'start-afresh'
  /** The session is over. */
  | 'end'
  /** The session is gone: a new one with the access token. */
  | 'restart'
  /** The session is gone, and its credentials are void. */
  | 'reauth'
  /** Connect again after a wait. */
  | 'retry'
  /** Connect again at once. */
  | 'resume';

const AUTH_DENIED = 4003;

/**
 * Decides the next step. `isFirst`: `start` has not succeeded yet; `isStored`: it was given nothing but `stored`;
 * `hasAccess`: a new session starts with the access token.
 */
export function nextStep(end: LinkEnd, isFirst: boolean, isStored: boolean, hasAccess: boolean): NextStep {
  if (isFirst && end.cause === 'malformed') return 'fail';
  const action = actionAfter(end.info.code, end.disconnect);
  // A link that died unnoticed says nothing of the gateway.
  if (end.cause === 'timeout' && end.wasLive) return 'resume';
  if (action === 'retry' || action === 'resume') return action;
  if (isFirst && end.wasResuming && !(isStored && action === 'stop')) return 'start-afresh';
  // The gateway has other keys than when it issued the access token; what the program gave may still be accepted.
  if (hasAccess && end.info.code === AUTH_DENIED && !end.wasLive && !end.wasResuming) return 'reauth';
  if (action === 'stop') return 'end';
  return action === 'reauth' ? 'reauth' : 'restart';
}

/** The error of a call that the end of a connection failed. */
export function errorAfter({ info, cause, refusal }: LinkEnd): StagedoorError {
  if (refusal) return refusal;
  const code = cause === 'malformed' ? 'not_a_gateway' : errorCodeOf(info.code);
  const details = { retryAfterMs: info.retryAfterMs, untilMs: info.untilMs, outcome: 'refused' } as const;
  return new StagedoorError(code, info.reason || `the connection was closed (${String(info.code)})`, details);
}

/** The state after the end of a session, from its `session_state` and the close. */
export function finalState(
  info: CloseInfo,
  announced: StateCause | undefined,
): { state: 'notLoggedIn' | 'terminated'; cause: StateCause } {
  const { code, untilMs } = info;
  const reason = announced?.reason ?? info.reason;
  return { state: isTermination(code) ? 'terminated' : 'notLoggedIn', cause: { code, reason, untilMs } };
}
