// Drives one session: from `start` over lost connections and new sessions to its end. Owns the phase and the
// connection; what is shown, stored, asked for and queued belongs to the parts it combines.

import { abortError, type AbortSignalLike, onAbort } from '../core/abort.js';
import type { CloseInfo } from '../core/close.js';
import { asStagedoorError, Denied, SessionActiveError, StagedoorError } from '../core/errors.js';
import { mapLazy } from '../core/lazy.js';
import { Notifier } from '../core/observable.js';
import { Requests } from '../core/requests.js';
import type { StateCause } from '../core/states.js';
import { Tokens } from '../core/tokens.js';
import { CLOSE_END, CLOSE_HIBERNATE, CLOSE_RECONNECT } from '../shell/connection.js';
import { environment, makeReporter } from '../shell/environment.js';
import { Instance } from '../shell/instance.js';
import { attachPage, isOffline } from '../shell/page.js';
import { Storage } from '../shell/storage.js';
import { makeTimers } from '../shell/timers.js';
import { entryOf, type PushBody, type PushName } from '../wire/commands.js';
import type { Push, Resumed, Started } from '../wire/protocol.js';
import type { Session, StartResult, StartWith } from './api.js';
import { errorAfter, finalState, nextStep } from './after-close.js';
import { makeCalls } from './calls.js';
import { Credentials } from './credentials.js';
import { type LinkEnd, makeLink } from './link.js';
import { checkStart, type Config } from './options.js';
import { Published } from './published.js';
import { Reconnector, type Urgency } from './reconnector.js';
import { afterStart, hintsLoaded } from './modules.js';
import { makeChannel } from './room-channel.js';
import { Rooms } from './rooms.js';

/** `lost`: there was a session, and the client connects again. */
type Phase = 'idle' | 'starting' | 'live' | 'lost';

interface SecureEnd {
  isPending: boolean;
  isConfirmed: boolean;
}

type Pushes = { readonly [K in PushName]?: PushBody<K> };

/** How often new credentials are tried before one of them has to be accepted. */
const MAX_REAUTHS = 3;
/** How long `stop` waits for the gateway's confirmation. */
const STOP_TIMEOUT_MS = 3_000;
/** After these a slower answer to a ping means that the connection is dead: at first, and when the network is back. */
const PROBE_MS = 1_500;
const ONLINE_PROBE_MS = 800;

/** The session of one manager. */
export interface Driver {
  readonly published: Published;
  readonly rooms: Rooms;
  /** Starts a session. Never rejects. */
  start(how: StartWith): Promise<StartResult>;
  /** Ends the session. */
  stop(options?: StopOptions): Promise<void>;
  /** The session, if there is one. */
  get(): Session | null;
  /** Cuts the wait for the next attempt short, or checks that the connection is alive. */
  retryNow(): void;
}

/** How a session is ended. */
export interface StopOptions {
  secure?: boolean | undefined;
  signal?: AbortSignalLike | undefined;
}

/** Makes the driver of one manager. `load` asks the loader. */
export function makeDriver(config: Config, load: (expired: Session | undefined) => Promise<void> | undefined): Driver {
  let phase: Phase = 'idle';
  /** The running preparation of a connection; another one makes it void. */
  let attempt: object | undefined;
  let starting: { resolve: (result: StartResult | Promise<StartResult>) => void } | undefined;
  let lastError: StagedoorError | undefined;
  /** What the gateway said of the end, before its `disconnect`. */
  let ending: StateCause | undefined;
  /** The session that ended without the program, for the loader. */
  let lastSession: Session | undefined;
  /** The `end` of a secure stop: it may have taken effect without a confirmation. */
  let secureEnd: SecureEnd | undefined;
  let detachPage: (() => void) | undefined;
  let liveSince = 0;
  let reauths = 0;

  const report = makeReporter(config.onListenerError);
  const notifier = new Notifier(report);
  const published = new Published(notifier);
  const timers = makeTimers();
  const requests = new Requests(config.queue);
  const calls = makeCalls(requests, timers, config.requestTimeoutMs, () => link.flush());
  const tokens = new Tokens(calls.sleep, Math.random, report);
  const scope = `stagedoor:${config.app}@${config.host}`;
  const instance = new Instance(scope, config.instance);
  const credentials = new Credentials(config, new Storage<Session>(scope, config.storage), instance, tokens);
  const reconnector = new Reconnector(timers, () => dial());
  const { onFrame } = config;
  const tap = onFrame && mapLazy(afterStart, ({ makeTap }) => makeTap(onFrame, report));
  const parts = {
    notifier,
    report,
    calls,
    requests,
    tokens,
    hasSession: () => phase !== 'idle',
    load: () => load(lastSession),
    flush: () => link.flush(),
  };
  const rooms = new Rooms((room) => makeChannel(parts, room));
  const link = makeLink(
    { config, requests, credentials, rooms, timers, tap: () => tap?.value },
    {
      started: (started) => begin(started),
      resumed: (resumed) => goOn(resumed),
      refused: (error) => refuse(error),
      pushed: (push) => receive(push),
      ponged: (rttMs) => published.update({ connection: { rttMs } }),
      closed: (end) => lost(end),
    },
  );
  const renewals = mapLazy(
    afterStart,
    ({ Renewals }) =>
      new Renewals(
        {
          report,
          isLive: () => phase === 'live',
          renew: async (body) => {
            credentials.renewed(await calls.send({ renew: body }, 'renewed', { isUrgent: true }));
            published.update({ session: credentials.session ?? null });
          },
          postpone: () => calls.send({ postpone_renewal: {} }, 'postponed', { isUrgent: true }),
          denied: (error) => {
            credentials.clear();
            refuse(error);
          },
        },
        credentials,
        tokens,
        config.sessionHandler,
      ),
  );

  /** Starts a session. Never rejects. */
  const start = (how: StartWith): Promise<StartResult> => {
    const { signal } = how;
    if (phase !== 'idle') return Promise.resolve(failed(new SessionActiveError()));
    const problem = checkStart(how) ?? (signal?.aborted ? abortError(signal) : undefined);
    if (problem) return failure(problem);
    const { webSocket = environment().WebSocket } = config;
    if (!webSocket) return failure(new StagedoorError('no_websocket', 'this platform has no WebSocket'));
    afterStart.load().catch(() => undefined);
    phase = 'starting';
    credentials.begin(how);
    reconnector.reset();
    reauths = 0;
    lastError = ending = lastSession = secureEnd = undefined;
    detachPage = listen();
    return new Promise((resolve) => {
      const forget = onAbort(signal, (aborted) => {
        end({ code: 'aborted' }, abortError(aborted));
      });
      starting = {
        resolve: (result) => {
          forget();
          timers.cancel('start');
          starting = undefined;
          resolve(result);
        },
      };
      timers.schedule('start', config.startTimeoutMs, () => {
        fail(lastError ?? new StagedoorError('unreachable', `no answer from ${config.endpoint}`));
      });
      published.update({ state: 'establishing' });
      dial();
    });
  };

  /** Ends the session. */
  const stop = async ({ secure, signal }: StopOptions = {}): Promise<void> => {
    if (phase === 'idle') return;
    if (secure && phase !== 'starting') {
      await endSecurely(signal);
      return;
    }
    const finished = phase === 'live' ? link.finish(STOP_TIMEOUT_MS) : undefined;
    endByProgram();
    await finished;
  };

  /** The session, if there is one. */
  const get = (): Session | null => (phase === 'live' || phase === 'lost' ? (credentials.session ?? null) : null);

  /** Cuts the wait for the next attempt short, or checks that the connection is alive. */
  const retryNow = (probeMs = PROBE_MS): void => {
    if (phase === 'live') link.probe(probeMs);
    else if (reconnector.hurry() === 0) show('connecting');
  };

  const dial = (): void => {
    attempt = {};
    reconnector.stop();
    show('connecting');
    void prepare(attempt);
  };

  /** Gets what the first message needs before it connects: the gateway waits for that message only so long. */
  const prepare = async (own: object): Promise<void> => {
    try {
      await credentials.acquire();
      const opening = await credentials.opening();
      // Frames are shown from the first one on.
      await tap?.load().catch(() => undefined);
      const { webSocket = environment().WebSocket } = config;
      if (attempt === own && webSocket) link.connect(webSocket, opening);
    } catch (error) {
      if (attempt !== own) return;
      if (error instanceof Denied) credentials.clear();
      fail(asStagedoorError(error, 'unreachable'));
    }
  };

  const begin = (started: Started): void => {
    credentials.started(started);
    live();
    rooms.forEach(({ membership }) => membership.rejoin());
  };

  const goOn = (resumed: Resumed): void => {
    if (resumed.access_token) renewals.value?.renewedByResume();
    // The session goes on: an `end` whose caller gave up did not take effect.
    if (!secureEnd?.isPending) secureEnd = undefined;
    credentials.resumed(resumed);
    live();
    if (resumed.state === 'tokenExpired') expired();
    rooms.forEach(({ membership }) => membership.resumed());
  };

  const live = (): void => {
    phase = 'live';
    liveSince = timers.now();
    reauths = 0;
    const session = credentials.session ?? null;
    const connection = { status: 'live', attempt: reconnector.attempt, nextAttemptAt: undefined } as const;
    published.update({ state: 'established', session, connection });
    if (session) starting?.resolve({ succeeded: true, failed: false, session });
  };

  /** Ends the session, because of an error that no other attempt can avoid. */
  const fail = (error: StagedoorError): void => {
    end({ code: error.code, reason: error.message }, error);
  };

  /** The application denied a token, or the gateway a name. */
  const refuse = (error: StagedoorError): void => {
    link.close(CLOSE_END);
    fail(error);
  };

  const receive = (push: Push): void => {
    const [name, body] = entryOf(push);
    if (rooms.receive(name, body)) return;
    const { session_state, token_expiring, degraded } = push as Pushes;
    if (session_state) {
      const { state, code, reason } = session_state;
      if (phase !== 'live') return;
      if (state === 'tokenExpired') expired();
      else if (state === 'established') published.update({ state });
      // The `disconnect` that follows says more.
      else if (state !== 'establishing') ending = { code: code ?? undefined, reason: reason ?? undefined };
    } else if (token_expiring) {
      prompt();
    } else if (degraded) {
      published.update({ connection: { degraded: degraded.active } });
    }
  };

  const expired = (): void => {
    published.update({ state: 'tokenExpired' });
    prompt();
  };

  /** The session has to be renewed. After a failure the expiry prompts again. */
  const prompt = (): void => {
    const prompted = renewals.load().then((loaded) => {
      if (phase !== 'idle') loaded.prompt();
    });
    prompted.catch((error: unknown) => report(error, 'renew'));
  };

  const lost = (end: LinkEnd): void => {
    const { info } = end;
    if (phase === 'live') reconnector.recordUptime(timers.now() - liveSince);
    published.update({ connection: { lastClose: { code: info.code, reason: info.reason } } });
    const error = errorAfter(end);
    lastError = error;
    const isFirst = phase === 'starting';
    if (!isFirst) phase = 'lost';
    const { how, hasAccess } = credentials;
    switch (nextStep(end, isFirst, 'stored' in how, hasAccess)) {
      case 'fail':
        fail(error);
        break;
      case 'start-afresh':
        credentials.sessionLost(true);
        dial();
        break;
      case 'end':
        endByGateway(info, error);
        break;
      case 'restart':
        restart(false, info, error);
        break;
      case 'reauth':
        restart(true, info, error);
        break;
      case 'retry':
        again('backoff', info.retryAfterMs);
        break;
      case 'resume':
        again('at-once', info.retryAfterMs);
        break;
    }
  };

  /** The session is gone: a new one starts, with other credentials if they were refused. */
  const restart = (isRevoked: boolean, info: CloseInfo, error: StagedoorError): void => {
    ending = undefined;
    credentials.sessionLost(isRevoked);
    renewals.value?.reset();
    requests.sessionLost();
    rooms.forEach((room) => room.lost());
    if (secureEnd) {
      secureEnd.isConfirmed = true;
      endByProgram();
      return;
    }
    if (isRevoked) reauths += 1;
    if (reauths > MAX_REAUTHS || !credentials.canRestart()) {
      endByGateway(info, error);
      return;
    }
    const cause = { code: info.code, reason: info.reason };
    published.update({ state: 'establishing', cause });
    again(isRevoked || info.retryAfterMs !== undefined ? 'backoff' : 'at-once', info.retryAfterMs);
  };

  const again = (urgency: Urgency, retryAfterMs: number | undefined): void => {
    const isDown = isOffline();
    const delay = reconnector.schedule(urgency, retryAfterMs, isDown);
    show(isDown ? 'offline' : 'waiting', delay);
  };

  const endByProgram = (): void => {
    credentials.clear();
    end({}, new StagedoorError('stopped', 'stop() was called'));
  };

  const endByGateway = (info: CloseInfo, error: StagedoorError): void => {
    if (secureEnd) secureEnd.isConfirmed = true;
    lastSession = credentials.session;
    const { state, cause } = finalState(info, ending);
    credentials.clear();
    end(cause, error, state);
  };

  /** Throws without a confirmation. The end of the session, also one that is seen later, is one. */
  const endSecurely = async (signal: AbortSignalLike | undefined): Promise<void> => {
    const own: SecureEnd = { isPending: true, isConfirmed: false };
    secureEnd = own;
    try {
      await calls.send({ end: { revoke: true } }, 'ended', {
        signal,
        isUrgent: true,
        onReply: () => {
          link.close(CLOSE_END);
          endByProgram();
        },
      });
    } catch (cause) {
      if (own.isConfirmed) return;
      own.isPending = false;
      const { outcome } = asStagedoorError(cause, 'not_confirmed');
      if (outcome !== 'unknown') secureEnd = undefined;
      throw new StagedoorError('not_confirmed', 'the gateway did not confirm the end of the session', {
        cause,
        outcome,
      });
    }
  };

  /** Ends everything that belongs to the session or to its start. */
  const end = (cause: StateCause, error: StagedoorError, state: 'notLoggedIn' | 'terminated' = 'notLoggedIn'): void => {
    if (phase === 'idle') return;
    phase = 'idle';
    attempt = undefined;
    ending = undefined;
    // A start that is given up must not end the session that the tab stored.
    link.close(credentials.ticket ? CLOSE_RECONNECT : CLOSE_END);
    detachPage?.();
    tokens.cancel();
    renewals.value?.reset();
    instance.release();
    requests.failAll((outcome) => {
      const details = { outcome, cause: error, retryAfterMs: error.retryAfterMs };
      return new StagedoorError('session_ended', `the session ended: ${error.message}`, details);
    });
    published.update({
      state,
      cause,
      session: null,
      connection: { status: 'idle', attempt: 0, nextAttemptAt: undefined, degraded: false },
    });
    rooms.forEach(({ membership }) => membership.stopped());
    starting?.resolve(failure(error));
    reconnector.reset();
    timers.clear();
  };

  const listen = (): (() => void) =>
    attachPage({
      wake: () => retryNow(),
      online: () => retryNow(ONLINE_PROBE_MS),
      offline: () => {
        if (phase !== 'live') show('offline');
      },
      save: () => credentials.persist(),
      // The tab may load or restore its next page before the browser has ended this one.
      leave: () => instance.release(),
      hibernate: () => hibernate(),
      restore: () => dial(),
    });

  /** The page enters the back/forward cache: the session is suspended at once, and the id is free for a duplicate. */
  const hibernate = (): void => {
    link.suspend(CLOSE_HIBERNATE);
    attempt = undefined;
    if (phase === 'live') phase = 'lost';
    reconnector.stop();
    instance.release();
    show('waiting');
  };

  const show = (status: 'connecting' | 'waiting' | 'offline', delay?: number): void => {
    const nextAttemptAt = delay === undefined ? undefined : Date.now() + delay;
    published.update({ connection: { status, attempt: reconnector.attempt, nextAttemptAt } });
  };

  const failure = async (error: StagedoorError): Promise<StartResult> => {
    await hintsLoaded(calls.within);
    return failed(error);
  };

  return { published, rooms, start, stop, get, retryNow: () => retryNow() };
}

function failed(error: StagedoorError): StartResult {
  return { succeeded: false, failed: true, error };
}
