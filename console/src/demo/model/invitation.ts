// Invitations: a room token in the fragment of the address. The first module that runs: it has no imports, so that the
// token is out of the address before any other code is executed.

/** What an invitation says, as its token has it. Only the gateway verifies the token. */
export interface Invitation {
  readonly token: string;
  readonly room: string;
  readonly role: string | undefined;
  /** The only user who may use it. */
  readonly username: string | undefined;
  /** In milliseconds since the Unix epoch. */
  readonly expiresAtMs: number;
}

const PREFIX = '#invitation=';

/** Longer fragments are no invitations. */
const MAX_TOKEN_CHARS = 48 * 1024;

let fragment = takeFragment();

/** The invitation with which the page was opened, once; `'unreadable'` if the fragment holds something else. */
export function takeInvitation(): Invitation | 'unreadable' | undefined {
  const token = fragment;
  fragment = undefined;
  return token === undefined ? undefined : (readInvitation(token) ?? 'unreadable');
}

/** Calls `fn` when an invitation is pasted into the address of the open page. */
export function onInvitation(fn: (invitation: Invitation | 'unreadable') => void): void {
  addEventListener('hashchange', () => {
    fragment = takeFragment();
    const invitation = takeInvitation();
    if (invitation) fn(invitation);
  });
}

/** Reads the token of an invitation; undefined if it is none. */
export function readInvitation(token: string): Invitation | undefined {
  try {
    const payload = (token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/');
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown> | null;
    const { room, role, sub, exp } = claims ?? {};
    if (typeof room !== 'string' || room === '' || typeof exp !== 'number') return undefined;
    return {
      token,
      room,
      role: typeof role === 'string' ? role : undefined,
      username: typeof sub === 'string' ? sub : undefined,
      expiresAtMs: exp * 1_000,
    };
  } catch {
    return undefined;
  }
}

/** The address of this page with an invitation. */
export function invitationLink(token: string): string {
  return `${location.origin}/demo/${PREFIX}${token}`;
}

function takeFragment(): string | undefined {
  const { hash, pathname, search } = location;
  if (!hash.startsWith(PREFIX)) return undefined;
  history.replaceState(history.state, '', pathname + search);
  return hash.length > MAX_TOKEN_CHARS ? '' : hash.slice(PREFIX.length);
}
