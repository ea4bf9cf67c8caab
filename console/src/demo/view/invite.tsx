// An invitation: a link with a room token in its fragment, which browsers do not send to servers.

import type { Role } from '@stagedoor/client';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Dialog } from '../../ui/dialog.js';
import { Icon } from '../../ui/icons.js';
import { Name } from '../../ui/text.js';
import { invitationLink } from '../model/invitation.js';
import { ROLES, roomToken } from '../model/roles.js';
import { type Sentence, sentenceOf, untilText } from '../model/sentences.js';
import { Problem } from './problem.js';

/** Makes an invitation. */
export function InviteDialog({ room, onClose }: { room: string; onClose: () => void }) {
  const role = useSignal<Role>('publisher');
  const made = useSignal<{ role: Role; href: string; expiresAtMs: number } | undefined>(undefined);
  const problem = useSignal<Sentence | undefined>(undefined);
  const copied = useSignal<string | undefined>(undefined);
  // While the next one is made, that of another role must not be copied.
  const link = made.value?.role === role.value ? made.value : undefined;
  useEffect(() => {
    let isCurrent = true;
    const wanted = role.value;
    problem.value = undefined;
    roomToken(room, wanted).then(
      ({ token, expiresAtMs }) => {
        if (isCurrent) made.value = { role: wanted, href: invitationLink(token), expiresAtMs };
      },
      (error: unknown) => {
        if (isCurrent) problem.value = sentenceOf(error);
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [room, role.value]);
  const copy = (href: string): void => {
    navigator.clipboard.writeText(href).then(
      () => (copied.value = href),
      () => (problem.value = { what: 'The browser did not allow copying.', todo: 'Select the link and copy it.' }),
    );
  };
  const isCopied = link !== undefined && copied.value === link.href;
  return (
    <Dialog
      title={
        <>
          Invite to <Name name={room} />
        </>
      }
      onClose={onClose}
    >
      <div class="field">
        <label for="invite-role">Role of the guest</label>
        <select
          id="invite-role"
          value={role.value}
          onChange={(event) => (role.value = event.currentTarget.value as Role)}
        >
          {ROLES.map((one) => (
            <option key={one.role} value={one.role}>
              {one.name}: {one.allows}
            </option>
          ))}
        </select>
      </div>
      <Problem problem={problem.value} />
      <div class="field">
        <label for="invite-link">Link</label>
        <input id="invite-link" readOnly value={link?.href ?? ''} aria-describedby="invite-note" />
        <p class="muted" id="invite-note">
          Anyone who has it can enter with this role
          {link && ` until ${untilText(link.expiresAtMs)}`}. In development mode the gateway listens on this machine
          alone, so the link works here only.
        </p>
      </div>
      <div class="actions">
        <button type="button" class="primary" disabled={!link} onClick={() => link && copy(link.href)}>
          <Icon name={isCopied ? 'check' : 'link'} /> {isCopied ? 'Copied' : 'Copy'}
        </button>
        {link && (
          <a class="button" href={link.href} target="_blank" rel="noopener noreferrer">
            Open in a new window
          </a>
        )}
      </div>
    </Dialog>
  );
}
