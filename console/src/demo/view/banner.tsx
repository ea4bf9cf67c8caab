// What is wrong with the connection, and when it is tried again.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Icon } from '../../ui/icons.js';
import { Name } from '../../ui/text.js';
import type { RoomSession } from '../model/room-session.js';

/** The banner, if there is something to say. */
export function Banner({ session }: { session: RoomSession }) {
  const { status, degraded } = session.connection.value;
  const asked = session.unmuteRequest.value;
  const isDown = status === 'waiting' || status === 'connecting' || status === 'offline';
  return (
    <div class="banners">
      <div role="status">
        {isDown && (
          <p class="banner warn">
            <Icon name="alert" />
            <span>
              {status === 'offline' ? 'This device is offline.' : 'The connection is lost.'}{' '}
              <Countdown session={session} />
            </span>
            <button
              type="button"
              onClick={() => {
                session.manager.retryNow();
              }}
            >
              Retry now
            </button>
          </p>
        )}
        {!isDown && degraded && (
          <p class="banner warn">
            <Icon name="alert" />
            <span>The gateway is cut off from its cluster: changes to the room are rejected until it is back.</span>
          </p>
        )}
        {session.session.value.state === 'tokenExpired' && (
          <p class="banner warn">
            <Icon name="alert" />
            <span>Your session expired and is being renewed. Until then nothing can be sent.</span>
          </p>
        )}
      </div>
      <div role="alert">
        {asked !== undefined && (
          <p class="banner ask">
            <Icon name="microphone" />
            <span>
              <Name name={asked} /> asks you to turn your microphone on.
            </span>
            <button
              type="button"
              class="primary"
              onClick={() => {
                session.unmuteRequest.value = undefined;
                void session.publishing.set('audio', true);
              }}
            >
              Turn on
            </button>
            <button
              type="button"
              onClick={() => {
                session.unmuteRequest.value = undefined;
                void session.publishing.decline();
              }}
            >
              Not now
            </button>
          </p>
        )}
      </div>
    </div>
  );
}

/** Seconds until the next attempt. Not read aloud: it changes each second. */
function Countdown({ session }: { session: RoomSession }) {
  const { status, nextAttemptAt } = session.connection.value;
  const now = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => (now.value = Date.now()), TICK_MS);
    return () => {
      clearInterval(timer);
    };
  }, []);
  if (status === 'connecting') return <span aria-hidden="true">Reconnecting…</span>;
  if (status === 'offline') return <span>It reconnects when the network is back.</span>;
  if (nextAttemptAt === undefined) return <span aria-hidden="true">Reconnecting soon.</span>;
  const seconds = Math.max(0, Math.ceil((nextAttemptAt - now.value) / 1_000));
  return <span aria-hidden="true">Reconnecting in {seconds} s.</span>;
}

const TICK_MS = 250;
