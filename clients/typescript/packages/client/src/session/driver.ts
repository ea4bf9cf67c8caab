// Drives one session: from `start` over lost connections and new sessions to its end. Owns the phase and the
// connection; what is shown, stored, asked for and queued belongs to the parts it combines.

import { onAbort, abortError } from '../core/abort.js';
import type { CloseInfo } from '../core/close.js';
import { asStagedoorError, Denied, SessionActiveError, StagedoorError } from '../core/errors.js';
import { Notifier } from '../core/observable.js';
import { Requests } from '../core/requests.js';
import type { StateCause } from '../core/states.js';
import { Tokens } from '../core/tokens.js';
import { CLOSE_END, CLOSE_HIBERNATE, CLOSE_RECONNECT } from '../shell/connection.js';
import { environment, reportUnhandled } from '../shell/environment.js';
import { Instance } from '../shell/instance.js';
import { attachPage, isOffline } from '../shell/page.js';
import { Storage } from '../shell/storage.js';
import { makeTimers } from '../shell/timers.js';
import { entryOf, type PushBody, type PushName } from '../wire/commands.js';
import type { Push, Resumed, Started } from '../wire/protocol.js';
import type { Session, StartResult, StartWith } from './api.js';
import { errorAfter, finalState, nextStep } from './after-close.js';
import { type Calls, makeCalls } from './calls.js';
import { Credentials } from './credentials.js';
import { makeTap } from './frame-tap.js';
import { Link, type LinkEnd } from './link.js';
import { checkStart, type Config } from './options.js';
import { Published } from './published.js';
import { Reconnector, type Urgency } from './reconnector.js';
import { Renewals } from './renewals.js';
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
export class Driver {
  readonly published: Published;
  readonly rooms: Rooms;
  readonly #config: Config;
  readonly #notifier: Notifier;
  readonly #timers = makeTimers();
  readonly #requests: Requests;
  readonly #calls: Calls;
  readonly #tokens: Tokens;
  readonly #instance: Instance;
  readonly #credentials: Credentials;
  readonly #renewals: Renewals;
  readonly #reconnector: Reconnector;
  readonly #link: Link;
  #phase: Phase = 'idle';
  /** The running preparation of a connection; another one makes it void. */
  #attempt: object | undefined;
  #starting: { resolve: (result: StartResult) => void } | undefined;
  #lastError: StagedoorError | undefined;
  /** What the gateway said of the end, before its `disconnect`. */
  #ending: StateCause | undefined;
  /** The session that ended without the program, for the loader. */
  #lastSession: Session | undefined;
  /** The `end` of a secure stop: it may have taken effect without a confirmation. */
  #secureEnd: SecureEnd | undefined;
  #detachPage: (() => void) | undefined;
  #liveSince = 0;
  #reauths = 0;

  constructor(config: Config, load: (expired: Session | undefined) => Promise<void> | undefined) {
    this.#config = config;
    this.#notifier = new Notifier(this.#report);
    this.published = new Published(this.#notifier);
    this.#requests = new Requests(config.queue);
    this.#calls = makeCalls(this.#requests, this.#timers, config.requestTimeoutMs, () => this.#link.flush());
    this.#tokens = new Tokens((ms, signal) => this.#calls.sleep(ms, signal), Math.random, this.#report);
    const scope = `stagedoor:${config.app}@${config.host}`;
    this.#instance = new Instance(scope, config.instance);
    const storage = new Storage<Session>(scope, config.storage);
    this.#credentials = new Credentials(config, storage, this.#instance, this.#tokens);
    this.#reconnector = new Reconnector(this.#timers, () => {
      this.#dial();
    });
    const parts = {
      notifier: this.#notifier,
      report: this.#report,
      calls: this.#calls,
      requests: this.#requests,
      tokens: this.#tokens,
      hasSession: () => this.#phase !== 'idle',
      load: () => load(this.#lastSession),
      flush: () => this.#link.flush(),
    };
    this.rooms = new Rooms((room) => makeChannel(parts, room));
    this.#link = new Link(
      config,
      {
        requests: this.#requests,
        credentials: this.#credentials,
        rooms: this.rooms,
        timers: this.#timers,
        tap: makeTap(config.onFrame, this.#report),
      },
      {
        started: (started) => this.#started(started),
        resumed: (resumed) => this.#resumed(resumed),
        refused: (error) => this.#refused(error),
        pushed: (push) => this.#pushed(push),
        ponged: (rttMs) => this.published.update({ connection: { rttMs } }),
        closed: (end) => this.#closed(end),
      },
    );
    this.#renewals = new Renewals(
      {
        report: this.#report,
        isLive: () => this.#phase === 'live',
        renew: async (body) => {
          this.#credentials.renewed(await this.#calls.send({ renew: body }, 'renewed', { isUrgent: true }));
          this.published.update({ session: this.#credentials.session ?? null });
        },
        postpone: () => this.#calls.send({ postpone_renewal: {} }, 'postponed', { isUrgent: true }),
        denied: (error) => {
          this.#credentials.clear();
          this.#refused(error);
        },
      },
      this.#credentials,
      this.#tokens,
      config.sessionHandler,
    );
  }

  /** Starts a session. Never rejects. */
  start(how: StartWith): Promise<StartResult> {
    const { signal } = how;
    const problem =
      this.#phase === 'idle'
        ? (checkStart(how) ?? (signal?.aborted ? abortError(signal) : undefined))
        : new SessionActiveError();
    if (problem) return Promise.resolve(failure(problem));
    if (!this.#webSocket())
      return Promise.resolve(failure(new StagedoorError('no_websocket', 'this platform has no WebSocket')));
    this.#phase = 'starting';
    this.#credentials.begin(how);
    this.#reconnector.reset();
    this.#reauths = 0;
    this.#lastError = this.#ending = this.#lastSession = this.#secureEnd = undefined;
    this.#detachPage = this.#attachPage();
    return new Promise((resolve) => {
      const forget = onAbort(signal, (aborted) => {
        this.#end({ code: 'aborted' }, abortError(aborted));
      });
      this.#starting = {
        resolve: (result) => {
          forget();
          this.#timers.cancel('start');
          this.#starting = undefined;
          resolve(result);
        },
      };
      this.#timers.schedule('start', this.#config.startTimeoutMs, () => {
        this.#fail(this.#lastError ?? new StagedoorError('unreachable', `no answer from ${this.#config.endpoint}`));
      });
      this.published.update({ state: 'establishing' });
      this.#dial();
    });
  }

  /** Ends the session. */
  async stop(options: { secure?: boolean | undefined; signal?: Parameters<typeof onAbort>[0] } = {}): Promise<void> {
    if (this.#phase === 'idle') return;
    if (options.secure && this.#phase !== 'starting') {
      await this.#endSecurely(options.signal);
      return;
    }
    const finished = this.#phase === 'live' ? this.#link.finish(STOP_TIMEOUT_MS) : undefined;
    this.#endByProgram();
    await finished;
  }

  /** The session, if there is one. */
  get(): Session | null {
    return this.#phase === 'live' || this.#phase === 'lost' ? (this.#credentials.session ?? null) : null;
  }

  /** Cuts the wait for the next attempt short, or checks that the connection is alive. */
  retryNow(probeMs = PROBE_MS): void {
    if (this.#phase === 'live') this.#link.probe(probeMs);
    else if (this.#reconnector.hurry() === 0) this.#show('connecting');
  }

  readonly #report = (error: unknown, where: string): void => {
    try {
      if (this.#config.onListenerError) this.#config.onListenerError(error, where);
      else reportUnhandled(error);
    } catch (second) {
      reportUnhandled(second);
    }
  };

  #webSocket(): Config['webSocket'] {
    return this.#config.webSocket ?? environment().WebSocket;
  }

  #dial(): void {
    const attempt = {};
    this.#attempt = attempt;
    this.#reconnector.stop();
    this.#show('connecting');
    void this.#prepare(attempt);
  }

  /** Gets what the first message needs before it connects: the gateway waits for that message only so long. */
  async #prepare(attempt: object): Promise<void> {
    try {
      await this.#credentials.acquire();
      const opening = await this.#credentials.opening();
      const webSocket = this.#webSocket();
      if (this.#attempt === attempt && webSocket) this.#link.connect(webSocket, opening);
    } catch (error) {
      if (this.#attempt !== attempt) return;
      if (error instanceof Denied) this.#credentials.clear();
      this.#fail(asStagedoorError(error, 'unreachable'));
    }
  }

  #started(started: Started): void {
    this.#credentials.started(started);
    this.#live();
    this.rooms.forEach(({ membership }) => membership.rejoin());
  }

  #resumed(resumed: Resumed): void {
    if (resumed.access_token) this.#renewals.renewedByResume();
    // The session goes on: an `end` whose caller gave up did not take effect.
    if (!this.#secureEnd?.isPending) this.#secureEnd = undefined;
    this.#credentials.resumed(resumed);
    this.#live();
    if (resumed.state === 'tokenExpired') this.#expired();
    this.rooms.forEach(({ membership }) => membership.resumed());
  }

  #live(): void {
    this.#phase = 'live';
    this.#liveSince = this.#timers.now();
    this.#reauths = 0;
    const session = this.#credentials.session ?? null;
    const connection = { status: 'live', attempt: this.#reconnector.attempt, nextAttemptAt: undefined } as const;
    this.published.update({ state: 'established', session, connection });
    if (session) this.#starting?.resolve({ succeeded: true, failed: false, session });
  }

  /** Ends the session, because of an error that no other attempt can avoid. */
  #fail(error: StagedoorError): void {
    this.#end({ code: error.code, reason: error.message }, error);
  }

  /** The application denied a token, or the gateway a name. */
  #refused(error: StagedoorError): void {
    this.#link.close(CLOSE_END);
    this.#fail(error);
  }

  #pushed(push: Push): void {
    const [name, body] = entryOf(push);
    if (this.rooms.receive(name, body)) return;
    const { session_state, token_expiring, degraded } = push as Pushes;
    if (session_state) {
      const { state, code, reason } = session_state;
      if (this.#phase !== 'live') return;
      if (state === 'tokenExpired') this.#expired();
      else if (state === 'established') this.published.update({ state });
      // The `disconnect` that follows says more.
      else if (state !== 'establishing') this.#ending = { code: code ?? undefined, reason: reason ?? undefined };
    } else if (token_expiring) {
      this.#renewals.prompt();
    } else if (degraded) {
      this.published.update({ connection: { degraded: degraded.active } });
    }
  }

  #expired(): void {
    this.published.update({ state: 'tokenExpired' });
    this.#renewals.prompt();
  }

  #closed(end: LinkEnd): void {
    const { info } = end;
    if (this.#phase === 'live') this.#reconnector.recordUptime(this.#timers.now() - this.#liveSince);
    this.published.update({ connection: { lastClose: { code: info.code, reason: info.reason } } });
    const error = errorAfter(end);
    this.#lastError = error;
    const isFirst = this.#phase === 'starting';
    if (!isFirst) this.#phase = 'lost';
    const { how, hasAccess } = this.#credentials;
    switch (nextStep(end, isFirst, 'stored' in how, hasAccess)) {
      case 'fail':
        this.#fail(error);
        break;
      case 'start-afresh':
        this.#credentials.sessionLost(true);
        this.#dial();
        break;
      case 'end':
        this.#endByGateway(info, error);
        break;
      case 'restart':
        this.#restart(false, info, error);
        break;
      case 'reauth':
        this.#restart(true, info, error);
        break;
      case 'retry':
        this.#again('backoff', info.retryAfterMs);
        break;
      case 'resume':
        this.#again('at-once', info.retryAfterMs);
        break;
    }
  }

  /** The session is gone: a new one starts, with other credentials if they were refused. */
  #restart(isRevoked: boolean, info: CloseInfo, error: StagedoorError): void {
    this.#ending = undefined;
    this.#credentials.sessionLost(isRevoked);
    this.#renewals.reset();
    this.#requests.sessionLost();
    this.rooms.forEach((room) => room.lost());
    if (this.#secureEnd) {
      this.#secureEnd.isConfirmed = true;
      this.#endByProgram();
      return;
    }
    if (isRevoked) this.#reauths += 1;
    if (this.#reauths > MAX_REAUTHS || !this.#credentials.canRestart()) {
      this.#endByGateway(info, error);
      return;
    }
    const cause = { code: info.code, reason: info.reason };
    this.published.update({ state: 'establishing', cause });
    this.#again(isRevoked || info.retryAfterMs !== undefined ? 'backoff' : 'at-once', info.retryAfterMs);
  }

  #again(urgency: Urgency, retryAfterMs: number | undefined): void {
    const isDown = isOffline();
    const delay = this.#reconnector.schedule(urgency, retryAfterMs, isDown);
    this.#show(isDown ? 'offline' : 'waiting', delay);
  }

  #endByProgram(): void {
    this.#credentials.clear();
    this.#end({}, new StagedoorError('stopped', 'stop() was called'));
  }

  #endByGateway(info: CloseInfo, error: StagedoorError): void {
    if (this.#secureEnd) this.#secureEnd.isConfirmed = true;
    this.#lastSession = this.#credentials.session;
    const { state, cause } = finalState(info, this.#ending);
    this.#credentials.clear();
    this.#end(cause, error, state);
  }

  /** Throws without a confirmation. The end of the session, also one that is seen later, is one. */
  async #endSecurely(signal: Parameters<typeof onAbort>[0]): Promise<void> {
    const end: SecureEnd = { isPending: true, isConfirmed: false };
    this.#secureEnd = end;
    try {
      await this.#calls.send({ end: { revoke: true } }, 'ended', {
        signal,
        isUrgent: true,
        onReply: () => {
          this.#link.close(CLOSE_END);
          this.#endByProgram();
        },
      });
    } catch (cause) {
      if (end.isConfirmed) return;
      end.isPending = false;
      const { outcome } = asStagedoorError(cause, 'not_confirmed');
      if (outcome !== 'unknown') this.#secureEnd = undefined;
      throw new StagedoorError('not_confirmed', 'the gateway did not confirm the end of the session', {
        cause,
        outcome,
      });
    }
  }

  /** Ends everything that belongs to the session or to its start. */
  #end(cause: StateCause, error: StagedoorError, state: 'notLoggedIn' | 'terminated' = 'notLoggedIn'): void {
    if (this.#phase === 'idle') return;
    this.#phase = 'idle';
    this.#attempt = undefined;
    this.#ending = undefined;
    // A start that is given up must not end the session that the tab stored.
    this.#link.close(this.#credentials.ticket ? CLOSE_RECONNECT : CLOSE_END);
    this.#detachPage?.();
    this.#tokens.cancel();
    this.#renewals.reset();
    this.#instance.release();
    this.#requests.failAll((outcome) => {
      const details = { outcome, cause: error, retryAfterMs: error.retryAfterMs };
      return new StagedoorError('session_ended', `the session ended: ${error.message}`, details);
    });
    this.published.update({
      state,
      cause,
      session: null,
      connection: { status: 'idle', attempt: 0, nextAttemptAt: undefined, degraded: false },
    });
    this.rooms.forEach(({ membership }) => membership.stopped());
    this.#starting?.resolve(failure(error));
    this.#reconnector.reset();
    this.#timers.clear();
  }

  #attachPage(): () => void {
    return attachPage({
      wake: () => this.retryNow(),
      online: () => this.retryNow(ONLINE_PROBE_MS),
      offline: () => {
        if (this.#phase !== 'live') this.#show('offline');
      },
      save: () => this.#credentials.persist(),
      hibernate: () => this.#hibernate(),
      restore: () => this.#dial(),
    });
  }

  /** The page enters the back/forward cache: the session is suspended at once, and the id is free for a duplicate. */
  #hibernate(): void {
    this.#link.suspend(CLOSE_HIBERNATE);
    this.#attempt = undefined;
    if (this.#phase === 'live') this.#phase = 'lost';
    this.#reconnector.stop();
    this.#instance.release();
    this.#show('waiting');
  }

  #show(status: 'connecting' | 'waiting' | 'offline', delay?: number): void {
    const nextAttemptAt = delay === undefined ? undefined : Date.now() + delay;
    this.published.update({ connection: { status, attempt: this.#reconnector.attempt, nextAttemptAt } });
  }
}

function failure(error: StagedoorError): StartResult {
  return { succeeded: false, failed: true, error };
}
