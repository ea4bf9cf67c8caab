// The session as rooms use it: calls that ask the loader for a session when there is none.

import { NoActiveSessionError, StagedoorError } from '../core/errors.js';
import type { ErrorReporter, Notifier } from '../core/observable.js';
import { type InOrder, makeOrder } from '../core/order.js';
import type { Requests } from '../core/requests.js';
import type { Tokens } from '../core/tokens.js';
import type { Channel, RoomCall, RoomRequest } from '../room/channel.js';
import { randomText } from '../shell/environment.js';
import type { BodyDraft, CommandDraft, CommandName, ReplyBody, ReplyName } from '../wire/commands.js';
import type { Calls } from './calls.js';
import { hintsLoaded } from './modules.js';

/** What a channel combines. */
export interface ChannelParts {
  readonly notifier: Notifier;
  readonly report: ErrorReporter;
  readonly calls: Calls;
  readonly requests: Requests;
  readonly tokens: Tokens;
  /** Whether there is a session, or one is starting. */
  readonly hasSession: () => boolean;
  /** Asks the loader; undefined if there is none. */
  readonly load: () => Promise<void> | undefined;
  readonly flush: () => void;
}

/** Makes the channel of a room. */
export function makeChannel(parts: ChannelParts, room: string): Channel {
  const { notifier, report, calls, requests, tokens, hasSession, load, flush } = parts;
  const needSession = (): Promise<void> | undefined =>
    hasSession() ? undefined : (load() ?? Promise.reject(new NoActiveSessionError()));
  const inOrder = makeOrder((promise, options) => calls.within(promise, options, 'not-sent'));
  const start: InOrder = async (...args) => {
    try {
      return await inOrder(...args);
    } catch (error) {
      await hintsLoaded(calls.within);
      throw error;
    }
  };
  const callNow = async <C extends CommandName, K extends ReplyName, T = ReplyBody<K>>(
    command: C,
    body: BodyDraft<C>,
    reply: K,
    request?: RoomRequest<K, T>,
  ): Promise<T> => {
    const send = (): Promise<T> =>
      calls.send({ [command]: body } as unknown as CommandDraft, reply, { ...request, room });
    const missing = needSession();
    if (missing) await calls.within(missing, request ?? {}, 'not-sent');
    try {
      return await send();
    } catch (error) {
      // The session ended before the request was sent: once more in the session that the loader gets.
      const loaded = missing || hasSession() || !isUnsent(error) ? undefined : load();
      if (!loaded) throw error;
      await calls.within(loaded, request ?? {}, 'not-sent');
      return send();
    }
  };
  /** What is urgent waits for no other call. */
  const call: RoomCall = (command, body, reply, request) =>
    request?.isUrgent
      ? callNow(command, body, reply, request)
      : start(() => callNow(command, body, reply, request), request);
  return {
    room,
    notifier,
    report,
    needSession,
    call,
    callOnce: (command, body, reply, request) => {
      const ref = request?.ref ?? randomText();
      return call(command, { ...body, ref }, reply, { ...request, ref });
    },
    inBackground: (work, where) => void work.catch((error: unknown) => report(error, where)),
    with: (lazy, use, options) => {
      const ready = lazy.value ? undefined : lazy.load();
      return start(async () => use(lazy.value ?? (await lazy.load())), options, ready);
    },
    token: (source, reason) => tokens.get(source, reason),
    within: calls.within,
    sleep: calls.sleep,
    hold: () => requests.hold(room),
    release: () => {
      requests.release(room);
      flush();
    },
  };
}

function isUnsent(error: unknown): boolean {
  return error instanceof StagedoorError && error.code === 'session_ended' && error.outcome === 'not-sent';
}
