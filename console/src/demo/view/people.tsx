// The people of the room, and for moderators what can be done about them.

import { useSignal } from '@preact/signals';
import { clamp } from '../../ui/clamp.js';
import { Icon } from '../../ui/icons.js';
import { Avatar, Name } from '../../ui/text.js';
import type { Person, RoomSession } from '../model/room-session.js';
import { roleName } from '../model/roles.js';
import { ModerateDialog } from './moderate.js';
import { RoomActions } from './room-actions.js';

/** The people. */
export function PeoplePanel({ session }: { session: RoomSession }) {
  const { counts, capabilities, isLarge } = session.state.value;
  const people = session.people.value;
  const selected = useSignal<Person | undefined>(undefined);
  // The dialog shows the newest state of the person, and stays when they leave.
  const shown = people.find(({ participant }) => participant.id === selected.value?.participant.id);
  return (
    <section class="panel people" aria-labelledby="people-title">
      <header class="panel-header">
        <h2 id="people-title">
          People <span class="muted">{counts.participants}</span>
        </h2>
        {capabilities.moderate && <RoomActions session={session} />}
      </header>
      <ul class="people-list">
        {people.map((person) => (
          <PersonRow
            key={person.participant.id}
            session={session}
            person={person}
            onModerate={() => (selected.value = person)}
          />
        ))}
      </ul>
      {isLarge && <p class="muted">A large room lists moderators and publishers alone.</p>}
      {selected.value && (
        <ModerateDialog
          session={session}
          person={shown ?? selected.value}
          isGone={!shown}
          onClose={() => (selected.value = undefined)}
        />
      )}
    </section>
  );
}

function PersonRow({ session, person, onModerate }: { session: RoomSession; person: Person; onModerate: () => void }) {
  const { participant, isMe, isNamesake } = person;
  const mayModerate = session.state.value.capabilities.moderate && !isMe;
  const name = clamp(participant.username, 40);
  const isMuted = participant.muteLocked || person.streams.some((stream) => stream.muted);
  const mute = (): void => {
    const target = { participant: participant.id };
    const title = { verb: isMuted ? 'Lift the mute of' : 'Mute', user: participant.username };
    const { moderation } = session.room;
    void session.log.run(title, (options) =>
      isMuted ? moderation.lift(target, options) : moderation.mute(target, options),
    );
  };
  return (
    <li class={participant.link === 'suspended' ? 'person away' : 'person'}>
      <Avatar name={participant.username} />
      <div class="person-text">
        <span class="person-name">
          <Name name={participant.username} />
          {isNamesake && <code class="muted">{participant.id.slice(0, 4)}</code>}
          {isMe && <span class="muted">(you)</span>}
        </span>
        <span class="person-facts muted">
          {roleName(participant.role)}
          {participant.link === 'suspended' && <span class="warn-text"> · connection lost</span>}
          {participant.data !== undefined && (
            <>
              {' · '}
              <Name name={participant.data} limit={60} />
            </>
          )}
        </span>
      </div>
      <VoiceState person={person} />
      {mayModerate && (
        <>
          <button
            type="button"
            class="icon-button"
            onClick={mute}
            aria-label={isMuted ? `Lift the mute of ${name}` : `Mute ${name}`}
            title={isMuted ? 'Lift the mute' : 'Mute'}
          >
            <Icon name={isMuted ? 'microphone' : 'microphoneOff'} />
          </button>
          <button
            type="button"
            class="icon-button"
            onClick={onModerate}
            aria-label={`Moderate ${name}`}
            aria-haspopup="dialog"
            title="More"
          >
            <Icon name="more" />
          </button>
        </>
      )}
    </li>
  );
}

/** Whether a person can be heard. */
export function VoiceState({ person }: { person: Person }) {
  const { participant, streams } = person;
  if (participant.muteLocked) {
    return (
      <span class="badge danger">
        <Icon name="lock" /> Muted<span class="visually-hidden">, locked by a moderator</span>
      </span>
    );
  }
  if (streams.some((stream) => stream.muted)) return <span class="badge danger">Muted</span>;
  if (streams.some((stream) => stream.hasAudio)) return <span class="badge good">Mic on</span>;
  if (streams.length > 0) return <span class="badge">Mic off</span>;
  return null;
}
