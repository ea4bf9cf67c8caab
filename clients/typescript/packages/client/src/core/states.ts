// The five states of a session and the legal ways between them. Pure. See "Session states" in docs/protocol.md.

import type { SessionState } from '../wire/protocol.js';

export type { SessionState } from '../wire/protocol.js';

/** The state of the session, as programs see it. */
export interface SessionSnapshot {
  /** One of the five states. */
  readonly state: SessionState;
  /** Grows with each transition. */
  readonly version: number;
  /** The close code that caused it, or the code of an error of this package. */
  readonly code?: number | string | undefined;
  /** The reason for people. */
  readonly reason?: string | undefined;
  /** When a ban or a block ends, in milliseconds since the Unix epoch. */
  readonly untilMs?: number | undefined;
}

/** Why a state was entered. */
export type StateCause = Pick<SessionSnapshot, 'code' | 'reason' | 'untilMs'>;

/** The states to pass through on the way, the last one included; none if it is the current one. */
export function pathTo(from: SessionState, to: SessionState): readonly SessionState[] {
  if (from === to) return [];
  if (LEGAL[from].includes(to)) return [to];
  // A session that was lost while the client was away is over before the next one starts.
  if (to === 'establishing') return ['notLoggedIn', 'establishing'];
  // A terminated session stays terminated until the next start.
  return [];
}

const LEGAL: Record<SessionState, readonly SessionState[]> = {
  notLoggedIn: ['establishing'],
  establishing: ['established', 'notLoggedIn', 'terminated'],
  established: ['tokenExpired', 'notLoggedIn', 'terminated'],
  tokenExpired: ['established', 'notLoggedIn', 'terminated'],
  terminated: ['establishing'],
};
