// Where this tab is, so that a reload returns to the room. Only this tab reads it, and leaving removes it.

import type { ChosenRole } from './app.js';
import type { Invitation } from './invitation.js';

/** A stay in a room. */
export interface Stay {
  readonly name: string;
  readonly room: string;
  readonly role: ChosenRole;
  readonly invitation: Invitation | undefined;
}

const KEY = 'stagedoor-demo';

/** The stay that a reload interrupted. */
export function readStay(): Stay | undefined {
  try {
    const stay = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Stay | null;
    return typeof stay?.name === 'string' && typeof stay.room === 'string' ? stay : undefined;
  } catch {
    return undefined;
  }
}

/** Remembers a stay. */
export function writeStay(stay: Stay): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(stay));
  } catch {
    // Without storage a reload leads to the first screen.
  }
}

/** Forgets it. */
export function clearStay(): void {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // There was none.
  }
}
