// What a moderator can do about the whole room.

import type { ParticipantId } from '@stagedoor/client';
import { useSignal } from '@preact/signals';
import { clamp } from '../../ui/clamp.js';
import { Dialog } from '../../ui/dialog.js';
import { Icon } from '../../ui/icons.js';
import type { RoomSession } from '../model/room-session.js';

/** The button and its dialog. */
export function RoomActions({ session }: { session: RoomSession }) {
  const isOpen = useSignal(false);
  return (
    <>
      <button type="button" onClick={() => (isOpen.value = true)} aria-haspopup="dialog">
        <Icon name="shield" /> Moderate room
      </button>
      {isOpen.value && <RoomDialog session={session} onClose={() => (isOpen.value = false)} />}
    </>
  );
}

function RoomDialog({ session, onClose }: { session: RoomSession; onClose: () => void }) {
  const { locked, mute } = session.state.value;
  const { moderation } = session.room;
  const { log } = session;
  const isEnding = useSignal(false);
  const blocked = useSignal('');
  const isLocking = useSignal(false);
  const except = useSignal<readonly ParticipantId[]>([]);
  const others = session.people.value.filter(({ isMe }) => !isMe);
  const run = (...args: Parameters<typeof log.run>): void => {
    onClose();
    void log.run(...args);
  };
  return (
    <Dialog title="Moderate the room" onClose={onClose}>
      <section class="group">
        <h3>Sound</h3>
        <fieldset class="checks">
          <legend>Mute everyone, except</legend>
          {others.length === 0 && <p class="muted">Only you are here. Who enters later starts muted.</p>}
          {others.map(({ participant: { id, username } }) => (
            <label key={id} class="check">
              <input
                type="checkbox"
                checked={except.value.includes(id)}
                onChange={(event) => {
                  const rest = except.value.filter((one) => one !== id);
                  except.value = event.currentTarget.checked ? [...rest, id] : rest;
                }}
              />
              <bdi>{clamp(username, 40)}</bdi>
            </label>
          ))}
        </fieldset>
        <label class="check">
          <input
            type="checkbox"
            checked={isLocking.value}
            onChange={(event) => (isLocking.value = event.currentTarget.checked)}
          />
          Lock: they cannot turn their microphones on
        </label>
        <div class="actions">
          <button
            type="button"
            onClick={() => {
              const lock = isLocking.value;
              const here = except.value.filter((id) => session.room.participants.value.has(id));
              const spared = here.length === 0 ? '' : `, except ${String(here.length)}`;
              run({ verb: 'Mute everyone', detail: `${spared}${lock ? ', and lock' : ''}` }, (options) =>
                moderation.muteAll({ ...options, lock, except: here }),
              );
            }}
          >
            <Icon name="microphoneOff" /> Mute everyone
          </button>
          {mute.active && (
            <button
              type="button"
              onClick={() => {
                run({ verb: 'End the mute of the room' }, (options) => moderation.endMuteAll(options));
              }}
            >
              End the mute of the room
            </button>
          )}
        </div>
      </section>
      <section class="group">
        <h3>Entrance</h3>
        <div class="actions">
          <button
            type="button"
            onClick={() => {
              if (locked) run({ verb: 'Unlock the room' }, (options) => moderation.unlock(options));
              else run({ verb: 'Lock the room' }, (options) => moderation.lock(options));
            }}
          >
            <Icon name="lock" /> {locked ? 'Unlock the room' : 'Lock the room'}
          </button>
        </div>
        <form
          class="inline-form"
          onSubmit={(event) => {
            event.preventDefault();
            const username = blocked.value.trim();
            if (username !== '') {
              run({ verb: 'Unblock', user: username }, (options) => moderation.unblock(username, options));
            }
          }}
        >
          <div class="field">
            <label for="unblock">Blocked user</label>
            <input
              id="unblock"
              maxLength={128}
              spellcheck={false}
              autoComplete="off"
              value={blocked.value}
              onInput={(event) => (blocked.value = event.currentTarget.value)}
            />
          </div>
          <button disabled={blocked.value.trim() === ''}>Unblock</button>
        </form>
      </section>
      <section class="group">
        <h3>End</h3>
        {isEnding.value ? (
          <div class="actions">
            <p>Everyone is put out of the room, and its invitations become void.</p>
            <button
              type="button"
              class="danger"
              onClick={() => {
                run({ verb: 'End the room' }, (options) => moderation.endRoom(options));
              }}
            >
              End it for everyone
            </button>
            <button type="button" onClick={() => (isEnding.value = false)}>
              Cancel
            </button>
          </div>
        ) : (
          <button type="button" class="danger" onClick={() => (isEnding.value = true)}>
            End the room…
          </button>
        )}
      </section>
    </Dialog>
  );
}
