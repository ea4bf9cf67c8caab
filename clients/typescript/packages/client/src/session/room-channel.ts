// The session as rooms use it: calls that ask the loader for a session when there is none.

import { NoActiveSessionError, StagedoorError } from '../core/errors.js';
import type { ErrorReporter, Notifier } from '../core/observable.js';
import type { Requests } from '../core/requests.js';
import type { Tokens } from '../core/tokens.js';
import type { Channel } from '../room/channel.js';
import { randomText } from '../shell/environment.js';
import type { Timers } from '../shell/timers.js';
import type { Calls } from './calls.js';

/** What a channel combines. */
export interface ChannelParts {
  readonly notifier: Notifier;
  readonly timers: Timers;
  readonly report: ErrorReporter;
  readonly calls: Calls;
  readonly requests: Requests;
  readonly tokens: Tokens;
  /** Whether there is a session, or one is starting. */
  hasSession(): boolean;
  /** Asks the loader; undefined if there is none. */
  load(): Promise<void> | undefined;
  flush(): void;
}

/** Makes the channel of all rooms. */
export function makeChannel(parts: ChannelParts): Channel {
  const { notifier, timers, report, calls, requests, tokens } = parts;
  const needSession = (): Promise<void> | undefined =>
    parts.hasSession() ? undefined : (parts.load() ?? Promise.reject(new NoActiveSessionError()));
  return {
    notifier,
    timers,
    report,
    needSession,
    async call(command, reply, request) {
      const missing = needSession();
      if (missing) {
        await missing;
        return calls.send(command, reply, request);
      }
      try {
        return await calls.send(command, reply, request);
      } catch (error) {
        // The session ended before the request was sent: once more in the session that the loader gets.
        const loaded = isUnsent(error) && !parts.hasSession() ? parts.load() : undefined;
        if (!loaded) throw error;
        await loaded;
        return calls.send(command, reply, request);
      }
    },
    token: (source, reason) => tokens.get(source, reason),
    within: (promise, options) => calls.within(promise, options),
    sleep: (ms) => calls.sleep(ms),
    hold: (room) => requests.hold(room),
    release: (room) => {
      requests.release(room);
      parts.flush();
    },
    newRef: () => randomText(16),
  };
}

function isUnsent(error: unknown): boolean {
  return error instanceof StagedoorError && error.code === 'session_ended' && error.outcome === 'not-sent';
}
