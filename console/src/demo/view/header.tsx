// The head of a room: its name, the own session, invitations and leaving.

import { useSignal } from '@preact/signals';
import { useId } from 'preact/hooks';
import { Icon } from '../../ui/icons.js';
import { Name, Time } from '../../ui/text.js';
import type { App } from '../model/app.js';
import { roleName } from '../model/roles.js';
import type { RoomSession } from '../model/room-session.js';
import { InviteDialog } from './invite.js';

/** The head of a room. */
export function Header({ app, session }: { app: App; session: RoomSession }) {
  const isInviting = useSignal(false);
  const { locked, mute, me } = session.state.value;
  return (
    <header class="room-header">
      <div class="room-title">
        <h1 tabIndex={-1}>
          <Name name={session.room.name} />
        </h1>
        {me && <span class="badge">{roleName(me.role)}</span>}
        {locked && (
          <span class="badge warn">
            <Icon name="lock" /> Locked
          </span>
        )}
        {mute.active && (
          <span class="badge warn">
            <Icon name="microphoneOff" /> {mute.lock ? 'All muted, locked' : 'All muted'}
          </span>
        )}
      </div>
      <div class="room-tools">
        <SessionChip session={session} />
        {app.isDevelopment.value && (
          <button type="button" onClick={() => (isInviting.value = true)} aria-label="Invite">
            <Icon name="link" /> <span class="wide-only">Invite</span>
          </button>
        )}
        <button type="button" onClick={() => void app.leave()} aria-label="Leave">
          <Icon name="leave" /> <span class="wide-only">Leave</span>
        </button>
      </div>
      {isInviting.value && <InviteDialog room={session.room.name} onClose={() => (isInviting.value = false)} />}
    </header>
  );
}

const STATE_NAMES = {
  notLoggedIn: 'not logged in',
  establishing: 'establishing',
  established: 'established',
  tokenExpired: 'token expired',
  terminated: 'terminated',
} as const;

/** The own session: its state, and more on demand. */
function SessionChip({ session }: { session: RoomSession }) {
  const popover = useId();
  const { state } = session.session.value;
  const { status, rttMs, lastClose, degraded } = session.connection.value;
  const user = session.user.value;
  const isGood = state === 'established' && status === 'live' && !degraded;
  const roundTrip = rttMs === undefined ? '' : `, ${String(Math.round(rttMs))} ms`;
  return (
    <>
      <button
        type="button"
        class="chip"
        popovertarget={popover}
        aria-label={`Session: ${STATE_NAMES[state]}, ${status}`}
      >
        <span class={isGood ? 'dot good' : 'dot warn'} />
        <span class="wide-only">{STATE_NAMES[state]}</span>
      </button>
      <div id={popover} popover="auto" class="popover" aria-label="Your session" role="dialog">
        <h2>Your session</h2>
        <dl class="facts">
          <dt>State</dt>
          <dd>{STATE_NAMES[state]}</dd>
          <dt>Connection</dt>
          <dd>
            {status}
            {roundTrip}
            {degraded && ', degraded'}
          </dd>
          {user && (
            <>
              <dt>User</dt>
              <dd>
                <Name name={user.user.username} />
                {user.user.guest && ', a guest'}
              </dd>
              <dt>Session</dt>
              <dd>
                <code>{user.id}</code>
              </dd>
              <dt>Expires</dt>
              <dd>
                <Time atMs={user.expiresAtMs} />, renewed before
              </dd>
            </>
          )}
          {lastClose && (
            <>
              <dt>Last close</dt>
              <dd>
                {lastClose.code} {lastClose.reason.slice(0, 60)}
              </dd>
            </>
          )}
        </dl>
      </div>
    </>
  );
}
