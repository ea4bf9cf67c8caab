// What a moderator can do about one person.

import type { Role, Stream } from '@stagedoor/client';
import { useSignal } from '@preact/signals';
import { Dialog } from '../../ui/dialog.js';
import { Icon } from '../../ui/icons.js';
import { Name } from '../../ui/text.js';
import type { ActionTitle, Command } from '../model/moderation-log.js';
import { ROLES, roleName } from '../model/roles.js';
import type { Person, RoomSession } from '../model/room-session.js';

const MINUTE_MS = 60_000;

/** How long a removed person is blocked; undefined is the default of the app. */
const BLOCKS: readonly { readonly id: string; readonly name: string; readonly forMs: number | undefined }[] = [
  { id: 'default', name: 'Block as the app is configured', forMs: undefined },
  { id: 'none', name: 'No block: they may return at once', forMs: 0 },
  { id: '1m', name: 'Block for a minute', forMs: MINUTE_MS },
  { id: '1h', name: 'Block for an hour', forMs: 60 * MINUTE_MS },
  { id: '1d', name: 'Block for a day', forMs: 24 * 60 * MINUTE_MS },
];

/** The dialog. */
export function ModerateDialog({
  session,
  person,
  isGone,
  onClose,
}: {
  session: RoomSession;
  person: Person;
  isGone: boolean;
  onClose: () => void;
}) {
  const { participant, streams } = person;
  const user = participant.username;
  const run = (title: ActionTitle, command: Command): void => {
    onClose();
    void session.log.run({ user, ...title }, command);
  };
  const { moderation } = session.room;
  const target = { participant: participant.id };
  return (
    <Dialog
      title={
        <>
          Moderate <Name name={user} />
        </>
      }
      onClose={onClose}
    >
      {isGone && <p role="status">They left the room. Removing with a block still keeps them out.</p>}
      <section class="group">
        <h3>Sound</h3>
        <div class="actions">
          <Command
            icon="microphoneOff"
            label="Mute"
            onClick={() => {
              run({ verb: 'Mute' }, (options) => moderation.mute(target, options));
            }}
          />
          <Command
            icon="lock"
            label="Mute and lock"
            onClick={() => {
              run({ verb: 'Mute', detail: ', and lock' }, (options) =>
                moderation.mute(target, { ...options, lock: true }),
              );
            }}
          />
          <Command
            icon="microphone"
            label="Lift the mute"
            onClick={() => {
              run({ verb: 'Lift the mute of' }, (options) => moderation.lift(target, options));
            }}
          />
          <Command
            label="Mute everyone else"
            onClick={() => {
              run({ verb: 'Mute everyone, except' }, (options) =>
                moderation.muteAll({ ...options, except: [participant.id] }),
              );
            }}
          />
        </div>
        <p class="muted">Lifting allows the microphone; only its owner turns it on.</p>
      </section>
      {streams.length > 0 && (
        <section class="group">
          <h3>Streams</h3>
          {streams.map((stream) => (
            <StreamActions key={stream.id} session={session} stream={stream} run={run} />
          ))}
        </section>
      )}
      <RoleForm session={session} person={person} run={run} />
      <RemoveForm session={session} person={person} isGone={isGone} run={run} />
    </Dialog>
  );
}

type Run = (title: ActionTitle, command: Command) => void;

function Command({
  icon,
  label,
  onClick,
}: {
  icon?: Parameters<typeof Icon>[0]['name'];
  label: string;
  onClick: () => void;
}) {
  return (
    <button type="button" onClick={onClick}>
      {icon && <Icon name={icon} />} {label}
    </button>
  );
}

function StreamActions({ session, stream, run }: { session: RoomSession; stream: Stream; run: Run }) {
  const { moderation } = session.room;
  return (
    <div class="stream-row">
      <span>
        {STREAM_KINDS[stream.kind] ?? stream.kind}
        <span class="muted">
          {stream.hasVideo ? ' · video on' : ' · video off'}
          {stream.hasAudio ? ' · audio on' : ' · audio off'}
        </span>
      </span>
      <div class="actions">
        {!stream.hasAudio && (
          <Command
            label="Ask to unmute"
            onClick={() => {
              run({ verb: 'Ask to unmute' }, (options) => moderation.askUnmute(stream.id, options));
            }}
          />
        )}
        <Command
          icon="cameraOff"
          label="Unpublish"
          onClick={() => {
            run({ verb: 'Unpublish a stream of' }, (options) => moderation.unpublish(stream.id, options));
          }}
        />
      </div>
    </div>
  );
}

const STREAM_KINDS: Partial<Record<string, string>> = { camera: 'Camera', screen: 'Screen', audio: 'Microphone' };

function RoleForm({ session, person, run }: { session: RoomSession; person: Person; run: Run }) {
  const { participant } = person;
  const role = useSignal<Role>(participant.role);
  return (
    <section class="group">
      <h3>Role</h3>
      <form
        class="inline-form"
        onSubmit={(event) => {
          event.preventDefault();
          const chosen = role.value;
          run({ verb: 'Change the role of', detail: ` to ${roleName(chosen)}` }, (options) =>
            session.room.moderation.setRole(participant.id, chosen, options),
          );
        }}
      >
        <div class="field">
          <label for="role">New role</label>
          <select id="role" value={role.value} onChange={(event) => (role.value = event.currentTarget.value as Role)}>
            {ROLES.map((one) => (
              <option key={one.role} value={one.role}>
                {one.name}
              </option>
            ))}
          </select>
        </div>
        <button disabled={role.value === participant.role}>Change</button>
      </form>
    </section>
  );
}

function RemoveForm({
  session,
  person,
  isGone,
  run,
}: {
  session: RoomSession;
  person: Person;
  isGone: boolean;
  run: Run;
}) {
  const { participant } = person;
  const block = useSignal('default');
  const reason = useSignal('');
  const remove = (event: Event): void => {
    event.preventDefault();
    const { id, forMs } = BLOCKS.find((one) => one.id === block.value) ?? { id: 'default', forMs: undefined };
    const target = isGone ? { username: participant.username } : { participant: participant.id };
    const text = reason.value.trim();
    run({ verb: 'Remove', detail: id === 'none' ? ', without block' : ', with block' }, (options) =>
      session.room.moderation.remove(target, {
        ...options,
        ...(id !== 'default' && { block: { forMs } }),
        ...(text !== '' && { reason: text }),
      }),
    );
  };
  return (
    <section class="group">
      <h3>Remove</h3>
      <form onSubmit={remove}>
        <div class="field">
          <label for="block">Return</label>
          <select id="block" value={block.value} onChange={(event) => (block.value = event.currentTarget.value)}>
            {BLOCKS.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </div>
        <div class="field">
          <label for="reason">Reason, shown to them (optional)</label>
          <input
            id="reason"
            maxLength={100}
            autoComplete="off"
            value={reason.value}
            onInput={(event) => (reason.value = event.currentTarget.value)}
          />
        </div>
        <button class="danger">
          Remove <Name name={participant.username} limit={24} />
        </button>
      </form>
    </section>
  );
}
