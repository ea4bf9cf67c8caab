// The session and its connection.

import type { ConnectionSnapshot, Session, SessionSnapshot } from '@stagedoor/client';
import { useMemo } from 'react';

import { useObservable } from './observable.js';
import { useSessionManager } from './provider.js';

/** The state of the session, and the session. */
export interface SessionView extends SessionSnapshot {
  /** The session, or null. */
  readonly session: Session | null;
}

/** The state of the session, and the session. Rendered on a server, the state is `notLoggedIn`. */
export function useSession(): SessionView {
  const manager = useSessionManager();
  const state = useObservable(manager.state, NOT_LOGGED_IN);
  const session = useObservable(manager.session, null);
  return useMemo(() => ({ ...state, session }), [state, session]);
}

/** The state of the connection; the session outlives it. Rendered on a server, it is `idle`. */
export function useConnection(): ConnectionSnapshot {
  return useObservable(useSessionManager().connection, IDLE);
}

const NOT_LOGGED_IN: SessionSnapshot = { state: 'notLoggedIn', version: 0 };
const IDLE: ConnectionSnapshot = { status: 'idle', attempt: 0, degraded: false };
