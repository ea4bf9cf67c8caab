// Errors in sentences: what happened, and what to do now.

import { StagedoorError } from '@stagedoor/client';
import { clamp } from '../../ui/clamp.js';

/** An error for people. */
export interface Sentence {
  readonly what: string;
  readonly todo: string;
}

/** An error whose sentence is known where it is thrown. */
export class Explained extends Error {
  constructor(readonly sentence: Sentence) {
    super(sentence.what);
  }
}

/** The sentence of anything that was thrown. */
export function sentenceOf(error: unknown): Sentence {
  if (error instanceof Explained) return error.sentence;
  if (!(error instanceof StagedoorError)) {
    return { what: error instanceof Error ? clamp(error.message, 300) : 'Something failed.', todo: '' };
  }
  const known = (UNANSWERED.has(error.code) ? EFFECTS[error.outcome] : undefined) ?? SENTENCES[error.code];
  const todo = [known?.todo ?? clamp(error.hint, 300), waiting(error)].filter((text) => text !== '').join(' ');
  return { what: known?.what ?? `${capital(clamp(error.message, 300))}.`, todo };
}

/** Whether a request that failed had an effect. */
export type Effect = 'not sent' | 'rejected' | 'outcome unknown';

/** Whether a request that failed had an effect. */
export function effectOf(error: unknown): Effect {
  const outcome = error instanceof StagedoorError ? error.outcome : 'unknown';
  return outcome === 'not-sent' ? 'not sent' : outcome === 'refused' ? 'rejected' : 'outcome unknown';
}

/** A text of others inside a sentence: shortened, and isolated from the direction of the text around it. */
export function isolate(text: string, limit = 40): string {
  return `\u2068${clamp(text, limit)}\u2069`;
}

/** The reason that a moderator or an operator gave; nothing if there is only the name of a code. */
export function reasonText(reason: string | undefined): string {
  return reason === undefined || reason === '' || CODE_NAMES.has(reason) ? '' : ` Reason: “${isolate(reason, 200)}”.`;
}

/** `until 14:05`, or with the date if that is another day. */
export function untilText(untilMs: number): string {
  const until = new Date(untilMs);
  const isToday = until.toDateString() === new Date().toDateString();
  return until.toLocaleString(
    undefined,
    isToday ? { timeStyle: 'short' } : { dateStyle: 'medium', timeStyle: 'short' },
  );
}

function waiting({ retryAfterMs, untilMs }: StagedoorError): string {
  if (untilMs !== undefined) return `The block ends at ${untilText(untilMs)}.`;
  if (retryAfterMs !== undefined && retryAfterMs > 0) return `Wait ${String(Math.ceil(retryAfterMs / 1_000))} s.`;
  return '';
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What to do without a valid invitation. */
export const NEW_INVITATION = 'Ask for a new one, or enter without it.';

/** The gateway gave no answer, or none that says whether the request had an effect. */
const UNANSWERED: ReadonlySet<string> = new Set(['connection_lost', 'deadline', 'draining', 'session_ended']);

const EFFECTS: Partial<Record<string, Sentence>> = {
  'not-sent': {
    what: 'This was not sent: the connection did not come back in time.',
    todo: 'Repeat it when the connection is back.',
  },
  unknown: {
    what: 'The gateway did not answer before the connection was lost: this may have taken effect.',
    todo: 'Repeat it when the connection is back; a repetition has no second effect.',
  },
};

/** What stands in place of a reason if none was given. */
const CODE_NAMES: ReadonlySet<string> = new Set(['auth_denied', 'banned', 'kicked', 'replaced', 'terminated']);

const SENTENCES: Partial<Record<string, Sentence>> = {
  auth_denied: {
    what: 'The gateway rejected the name or the app.',
    todo: 'Guests may be turned off: ask for an invitation and for the name that belongs to it.',
  },
  banned: { what: 'You are banned from this app.', todo: 'Ask its operator.' },
  blocked: { what: 'A moderator blocked you in this room.', todo: 'Enter another room, or ask a moderator.' },
  invalid_argument: {
    what: 'The gateway does not accept this name or value.',
    todo: 'Use letters, digits and single spaces, and at most 64 characters.',
  },
  kicked: { what: 'You were removed and may not return yet.', todo: 'Wait, or ask a moderator.' },
  forbidden: { what: 'Your role does not allow that.', todo: 'Ask a moderator for another role.' },
  participant_not_found: { what: 'This person left the room.', todo: '' },
  stream_not_found: { what: 'This stream ended.', todo: '' },
  muted_by_moderator: {
    what: 'A moderator muted you and locked it.',
    todo: 'Wait until a moderator lifts the mute.',
  },
  no_webrtc: {
    what: 'This browser has no WebRTC: calls do not work, chat does.',
    todo: 'Turn WebRTC on in its settings, or use another browser.',
  },
  name_taken: { what: 'Another guest has this name.', todo: 'Choose another name.' },
  not_a_gateway: {
    what: 'The address of the gateway leads to something else.',
    todo: 'Check the proxies between this page and the gateway.',
  },
  not_in_room: { what: 'You are not in the room any more.', todo: 'Enter it again.' },
  origin_denied: {
    what: 'The gateway does not accept connections from this address.',
    todo: 'Open the page at the address that the gateway printed, or add this one to `allowed_origins`.',
  },
  overloaded: { what: 'The gateway is full.', todo: 'Try again later.' },
  queue_full: { what: 'Too much is waiting for the connection.', todo: 'Wait until it is back, then repeat it.' },
  rate_limited: { what: 'That was too fast.', todo: 'Wait a moment, then repeat it.' },
  room_ended: { what: 'A moderator ended this room.', todo: 'Enter another room, or this one again later.' },
  room_full: { what: 'The room is full.', todo: 'Enter another room, or try again later.' },
  room_locked: { what: 'The room is locked.', todo: 'Ask a moderator in it to unlock it, or enter another room.' },
  token_expired: { what: 'The invitation has expired.', todo: NEW_INVITATION },
  token_invalid: { what: 'The invitation is not valid for this room and name.', todo: NEW_INVITATION },
  token_revoked: { what: 'The invitation was revoked.', todo: NEW_INVITATION },
  token_used: { what: 'Another person used this invitation.', todo: NEW_INVITATION },
  unreachable: { what: 'The gateway does not answer.', todo: 'Check that it is running, then try again.' },
};
