// The session feed: all sessions of the room as a moderator sees them. Not a live region: it changes often.

import { Name } from '../../ui/text.js';
import { roleName } from '../model/roles.js';
import type { RoomSession } from '../model/room-session.js';

/** More rows are counted and not shown. */
const MAX_ROWS = 100;

/** The table. */
export function SessionsPanel({ session }: { session: RoomSession }) {
  const feed = session.feed.value;
  if (!feed) return <p class="empty muted">Loading the session feed…</p>;
  const rows = [...feed.values()].sort((a, b) => a.username.localeCompare(b.username)).slice(0, MAX_ROWS);
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label="Sessions">
      <table>
        <caption class="visually-hidden">Sessions of the room</caption>
        <thead>
          <tr>
            <th scope="col">User</th>
            <th scope="col">Role</th>
            <th scope="col">State</th>
            <th scope="col">Link</th>
            <th scope="col">Mute</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((entry) => (
            <tr key={entry.participant}>
              <th scope="row">
                <Name name={entry.username} limit={30} />
              </th>
              <td>{roleName(entry.role)}</td>
              <td>{entry.state}</td>
              <td class={entry.link === 'live' ? '' : 'warn-text'}>{entry.link}</td>
              <td>{entry.mute_locked ? 'locked' : entry.muted ? 'muted' : 'none'}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {feed.size > MAX_ROWS && <p class="muted">{feed.size - MAX_ROWS} more sessions are not shown.</p>}
    </div>
  );
}
