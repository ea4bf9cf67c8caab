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
  const link = useSignal<{ href: string; expiresAtMs: number } | undefined>(undefined);
  const problem = useSignal<Sentence | undefined>(undefined);
  const isCopied = useSignal(false);
  useEffect(() => {
    let isCurrent = true;
    link.value = undefined;
    problem.value = undefined;
    isCopied.value = false;
    roomToken(room, role.value).then(
      ({ token, expiresAtMs }) => {
        if (isCurrent) link.value = { href: invitationLink(token), expiresAtMs };
      },
      (error: unknown) => {
        if (isCurrent) problem.value = sentenceOf(error);
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [room, role.value]);
  const copy = (): void => {
    navigator.clipboard.writeText(link.value?.href ?? '').then(
      () => (isCopied.value = true),
      () => (problem.value = { what: 'The browser did not allow copying.', todo: 'Select the link and copy it.' }),
    );
  };
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
        <input id="invite-link" readOnly value={link.value?.href ?? ''} aria-describedby="invite-note" />
        <p class="muted" id="invite-note">
          Anyone who has it can enter with this role
          {link.value && ` until ${untilText(link.value.expiresAtMs)}`}. In development mode the gateway listens on this
          machine alone, so the link works here only.
        </p>
      </div>
      <div class="actions">
        <button type="button" class="primary" disabled={!link.value} onClick={copy}>
          <Icon name={isCopied.value ? 'check' : 'link'} /> {isCopied.value ? 'Copied' : 'Copy'}
        </button>
        {link.value && (
          <a class="button" href={link.value.href} target="_blank" rel="noopener noreferrer">
            Open in a new window
          </a>
        )}
      </div>
    </Dialog>
  );
}
