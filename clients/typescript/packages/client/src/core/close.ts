// What the end of a connection means. Pure. See "Close codes" in docs/protocol.md.

import type { Action, Disconnect, ErrorCode } from '../wire/protocol.js';
import type { LocalCode } from './errors.js';

/** How a connection ended. */
export interface CloseInfo {
  /** The close code; 1006 if the socket broke. */
  readonly code: number;
  /** The name of the code, or the reason that a moderator gave. */
  readonly reason: string;
  /** The delay before a retry that the gateway demands, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** When a block or a ban ends, in milliseconds since the Unix epoch. */
  readonly untilMs?: number | undefined;
}

/** What to do after a close; the gateway's `disconnect` takes precedence over the hundreds digit. */
export function actionAfter(code: number, disconnect?: Disconnect): Action {
  if (disconnect && BY_HUNDREDS.includes(disconnect.action)) return disconnect.action;
  if (code === 1000) return 'stop';
  return BY_HUNDREDS[Math.floor(code / 100) - 40] ?? 'retry';
}

/** What a close says, from the close frame and the `disconnect` before it. */
export function closeInfo(code: number, reason: string, disconnect?: Disconnect): CloseInfo {
  return {
    code: disconnect?.code ?? code,
    reason: disconnect?.reason ?? reason,
    retryAfterMs: disconnect?.retry_after_ms ?? undefined,
    untilMs: disconnect?.until_ms ?? undefined,
  };
}

/** Whether a session that ended with this code was terminated by others, rather than ended or rejected. */
export function isTermination(code: number): boolean {
  return (code >= 4010 && code < 4100) || (code >= 4500 && code < 4600);
}

/** The error code that belongs to a close code. */
export function errorCodeOf(code: number): ErrorCode | LocalCode {
  return CODES[code] ?? (code >= 4000 ? 'session_ended' : 'unreachable');
}

/** The actions of the codes from 4000, 4100 and so on. */
const BY_HUNDREDS: readonly Action[] = ['stop', 'reauth', 'retry', 'resume', 'start', 'stop'];

const CODES: Partial<Record<number, ErrorCode | LocalCode>> = {
  4001: 'unsupported_version',
  4003: 'auth_denied',
  4004: 'origin_denied',
  4010: 'kicked',
  4011: 'banned',
  4012: 'user_deleted',
  4013: 'replaced',
  4014: 'session_active',
  4015: 'terminated',
  4016: 'superseded',
  4100: 'token_expired',
  4101: 'token_revoked',
  4200: 'draining',
  4201: 'overloaded',
  4202: 'rate_limited',
  4204: 'engine_unavailable',
  4206: 'auth_unavailable',
  4400: 'resume_expired',
  4401: 'resume_denied',
  4500: 'malformed',
  4501: 'too_large',
  4502: 'not_allowed_now',
  4503: 'too_many_requests_in_flight',
};
