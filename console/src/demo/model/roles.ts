// Roles in words, and the tokens that give them.

import { Denied, type Role } from '@stagedoor/client';

/** The roles with their names and what they allow. */
export const ROLES: readonly { readonly role: Role; readonly name: string; readonly allows: string }[] = [
  { role: 'moderator', name: 'Moderator', allows: 'Talk and write; mute, remove, lock.' },
  { role: 'publisher', name: 'Publisher', allows: 'Talk, watch and write.' },
  { role: 'subscriber', name: 'Viewer', allows: 'Watch. No messages, no camera.' },
  { role: 'publisher_only', name: 'Sender', allows: 'Talk. Neither watch nor write.' },
];

/** The name of a role. */
export function roleName(role: string): string {
  return ROLES.find((known) => known.role === role)?.name ?? role;
}

/** A room token of one hour, which the gateway gives in development mode. */
export async function roomToken(room: string, role: Role): Promise<{ token: string; expiresAtMs: number }> {
  const response = await fetch('/demo/token', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ room, role }),
    signal: AbortSignal.timeout(TOKEN_TIMEOUT_MS),
  });
  const answer = (await response.json()) as { token?: unknown; expires_at_ms?: unknown; detail?: unknown };
  if (typeof answer.token === 'string' && typeof answer.expires_at_ms === 'number') {
    return { token: answer.token, expiresAtMs: answer.expires_at_ms };
  }
  const detail = typeof answer.detail === 'string' ? answer.detail : `status ${String(response.status)}`;
  // A gateway that is overloaded or restarts is asked again.
  if (response.status >= 500 || response.status === 429) throw new Error(`no room token: ${detail}`);
  throw new Denied(`the gateway gave no room token: ${detail}`, { hint: 'Check the name of the room.' });
}

const TOKEN_TIMEOUT_MS = 10_000;
