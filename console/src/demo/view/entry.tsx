// The first screen: name, room, role, and the check of camera and microphone.

import type { App } from '../model/app.js';
import { ROLES, roleName } from '../model/roles.js';
import { Name } from '../../ui/text.js';
import { DeviceCheck } from './device-check.js';
import { Problem } from './problem.js';

const CHOICES = [
  ...ROLES.filter(({ role }) => role !== 'publisher_only'),
  { role: 'guest', name: 'Guest', allows: 'No token: the role that the app gives.' },
] as const;

/** The first screen. */
export function EntryScreen({ app, isEntering }: { app: App; isEntering: boolean }) {
  const invitation = app.invitation.value;
  const submit = (event: Event): void => {
    event.preventDefault();
    void app.enter();
  };
  return (
    <main class="entry">
      <header class="entry-header">
        <p class="brand">Stagedoor</p>
        <h1 tabIndex={-1}>{invitation ? 'You are invited' : 'Enter a room'}</h1>
        <p class="muted">
          Chat and call, person to person, over this gateway. Open the page in a second window to have a person to talk
          to.
        </p>
      </header>
      <form onSubmit={submit}>
        <Problem problem={app.problem.value} />
        <div class="entry-columns">
          <div class="card">
            <div class="field">
              <label for="name">Your name</label>
              <input
                id="name"
                required
                maxLength={64}
                autoComplete="nickname"
                spellcheck={false}
                value={app.name.value}
                disabled={isEntering || invitation?.username !== undefined}
                onInput={(event) => (app.name.value = event.currentTarget.value)}
                onFocus={(event) => {
                  event.currentTarget.select();
                }}
              />
            </div>
            {invitation ? <InvitedRoom app={app} /> : <ChosenRoom app={app} isEntering={isEntering} />}
          </div>
          <DeviceCheck devices={app.devices} isSecond={app.speakers.isSecond.value} />
        </div>
        <button class="primary enter" disabled={isEntering} aria-busy={isEntering}>
          {isEntering ? 'Entering…' : 'Enter'}
        </button>
      </form>
      {app.version.value !== '' && (
        <footer class="muted entry-footer">
          Gateway {app.version.value}
          {app.isDevelopment.value && ', in development mode'}
        </footer>
      )}
    </main>
  );
}

function ChosenRoom({ app, isEntering }: { app: App; isEntering: boolean }) {
  return (
    <>
      <div class="field">
        <label for="room">Room</label>
        <input
          id="room"
          required
          maxLength={64}
          spellcheck={false}
          autoCapitalize="none"
          value={app.room.value}
          disabled={isEntering}
          onInput={(event) => (app.room.value = event.currentTarget.value)}
        />
      </div>
      {app.isDevelopment.value && (
        <fieldset class="roles" disabled={isEntering}>
          <legend>Role</legend>
          {CHOICES.map(({ role, name, allows }) => (
            <label key={role} class="choice">
              <input
                type="radio"
                name="role"
                value={role}
                checked={app.role.value === role}
                onChange={() => (app.role.value = role)}
              />
              <span>
                <span class="choice-name">{name}</span>
                <span class="muted">{allows}</span>
              </span>
            </label>
          ))}
        </fieldset>
      )}
    </>
  );
}

function InvitedRoom({ app }: { app: App }) {
  const invitation = app.invitation.value;
  if (!invitation) return null;
  return (
    <>
      <dl class="facts">
        <dt>Room</dt>
        <dd>
          <Name name={invitation.room} />
        </dd>
        {invitation.role !== undefined && (
          <>
            <dt>Role</dt>
            <dd>{roleName(invitation.role)}</dd>
          </>
        )}
      </dl>
      <button
        type="button"
        class="link"
        onClick={() => {
          app.declineInvitation();
        }}
      >
        Enter without the invitation
      </button>
    </>
  );
}
