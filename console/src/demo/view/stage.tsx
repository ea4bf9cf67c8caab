// The stage: who publishes, and the own camera, microphone and speakers.

import type { Stream } from '@stagedoor/client';
import { useEffect, useRef } from 'preact/hooks';
import { clamp } from '../../ui/clamp.js';
import { Icon, type IconName } from '../../ui/icons.js';
import { Avatar, Name } from '../../ui/text.js';
import { Video } from '../../ui/video.js';
import type { App } from '../model/app.js';
import type { Person, RoomSession } from '../model/room-session.js';
import type { Watched } from '../model/watching.js';
import { Problem } from './problem.js';

/** The stage. */
export function Stage({ app, session }: { app: App; session: RoomSession }) {
  const tiles = session.people.value.flatMap((person) => person.streams.map((stream) => ({ person, stream })));
  return (
    <section class="panel stage" aria-label="Stage">
      {tiles.length === 0 ? (
        <div class="stage-empty">
          <p class="muted">No camera or microphone is on. Start yours below.</p>
        </div>
      ) : (
        <ul class="tiles" tabIndex={0} aria-label="Cameras and microphones" data-count={Math.min(tiles.length, 9)}>
          {tiles.map(({ person, stream }) => (
            <Tile key={stream.id} app={app} session={session} person={person} stream={stream} />
          ))}
        </ul>
      )}
      <Controls app={app} session={session} />
    </section>
  );
}

function Tile({ app, session, person, stream }: TileOptions) {
  const { participant, isMe } = person;
  const own = isMe ? app.devices.state.value.video : undefined;
  const watched = session.watching.streams.value.get(stream.id);
  const link = watched?.link.value;
  const isSilenced = stream.muted || participant.muteLocked;
  return (
    <li class={participant.link === 'suspended' ? 'tile away' : 'tile'}>
      <Avatar name={participant.username} isLarge />
      {own && stream.hasVideo && <Video track={own} label="Your camera" isMirrored />}
      {watched && (
        <WatchedVideo
          watched={watched}
          name={participant.username}
          isHidden={!stream.hasVideo || link?.status === 'ended'}
        />
      )}
      <div class="tile-caption">
        <Name name={participant.username} limit={24} />
        {isMe && <span>(you)</span>}
        {link && link.status !== 'connected' && <span>{LINK_TEXTS[link.status]}</span>}
        {isSilenced && (
          <span class="tile-mark">
            <Icon name={participant.muteLocked ? 'lock' : 'microphoneOff'} /> Muted
            {participant.muteLocked && <span class="visually-hidden">, locked by a moderator</span>}
          </span>
        )}
        {!isSilenced && !stream.hasAudio && (
          <span class="tile-mark">
            <Icon name="microphoneOff" />
            <span class="visually-hidden">microphone off</span>
          </span>
        )}
      </div>
    </li>
  );
}

interface TileOptions {
  readonly app: App;
  readonly session: RoomSession;
  readonly person: Person;
  readonly stream: Stream;
}

const LINK_TEXTS = { connecting: 'connecting…', connected: '', interrupted: 'interrupted', ended: 'not connected' };

function WatchedVideo({ watched, name, isHidden }: { watched: Watched; name: string; isHidden: boolean }) {
  const element = useRef<HTMLVideoElement>(null);
  useEffect(() => (element.current ? watched.attach(element.current) : undefined), [watched]);
  return (
    <video ref={element} hidden={isHidden} aria-label={`Video of ${clamp(name, 40)}`} autoPlay muted playsInline />
  );
}

function Controls({ app, session }: { app: App; session: RoomSession }) {
  const { publishing } = session;
  const { capabilities, me, mute } = session.state.value;
  const { audio, video, status, problem } = app.devices.state.value;
  const stream = publishing.stream.value;
  const isBusy = publishing.isBusy.value || status === 'opening';
  // Who comes while everyone is muted has no lock of their own.
  const isLocked = me?.muteLocked === true || (mute.active && mute.lock && stream?.muted === true);
  const start = async (): Promise<void> => {
    if (status !== 'open') await app.devices.open();
    await publishing.start();
  };
  return (
    <div class="controls">
      <Problem problem={publishing.problem.value ?? problem}>
        {stream && problem && (
          <button type="button" onClick={() => void app.devices.open({ audio: !audio, video: !video })}>
            Try again
          </button>
        )}
      </Problem>
      {session.watching.isBlocked.value && app.speakers.isOn.value && (
        <p class="hint">
          <Icon name="soundOff" />
          <span>The browser plays sound only after a click.</span>
          <button
            type="button"
            onClick={() => {
              session.watching.resume();
            }}
          >
            Play sound
          </button>
        </p>
      )}
      {stream && (isLocked || stream.muted) && (
        <p class="hint">
          <Icon name={isLocked ? 'lock' : 'microphoneOff'} />
          <span>
            A moderator muted {mute.active ? 'everyone' : 'you'}
            {isLocked
              ? ' and locked it. Wait until a moderator lifts the mute.'
              : '. Turn your microphone on when it is your turn to talk.'}
          </span>
        </p>
      )}
      <div class="control-bar" role="group" aria-label="Camera, microphone and speakers">
        {capabilities.publish && !stream && (
          <button type="button" class="primary" disabled={isBusy} onClick={() => void start()}>
            <Icon name="camera" /> {isBusy ? 'Starting…' : 'Start camera and microphone'}
          </button>
        )}
        {stream && audio && (
          <Toggle
            isOn={stream.hasAudio}
            label="Microphone"
            icons={['microphone', 'microphoneOff']}
            isDisabled={isBusy || (isLocked && !stream.hasAudio)}
            onToggle={(isOn) => void publishing.set('audio', isOn)}
          />
        )}
        {stream && video && (
          <Toggle
            isOn={stream.hasVideo}
            label="Camera"
            icons={['camera', 'cameraOff']}
            isDisabled={isBusy}
            onToggle={(isOn) => void publishing.set('video', isOn)}
          />
        )}
        {capabilities.subscribe && (
          <Toggle
            isOn={app.speakers.isOn.value}
            label="Speakers"
            icons={['sound', 'soundOff']}
            isDisabled={false}
            onToggle={(isOn) => {
              app.speakers.set(isOn);
            }}
          />
        )}
      </div>
      {app.speakers.isSecond.value && !app.speakers.isOn.value && (
        <p class="muted controls-note">
          Speakers are off here, because another window of this browser shows this page: they would howl.
        </p>
      )}
    </div>
  );
}

function Toggle({
  isOn,
  label,
  icons,
  isDisabled,
  onToggle,
}: {
  isOn: boolean;
  label: string;
  icons: readonly [on: IconName, off: IconName];
  isDisabled: boolean;
  onToggle: (isOn: boolean) => void;
}) {
  return (
    <button
      type="button"
      class="toggle"
      aria-pressed={isOn}
      disabled={isDisabled}
      onClick={() => {
        onToggle(!isOn);
      }}
    >
      <Icon name={isOn ? icons[0] : icons[1]} /> {label}
      <span class="toggle-state" aria-hidden="true">
        {isOn ? 'on' : 'off'}
      </span>
    </button>
  );
}
