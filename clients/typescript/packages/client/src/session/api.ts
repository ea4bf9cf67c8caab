// The types of the session layer, as programs see them.

import type { AbortSignalLike } from '../core/abort.js';
import type { StagedoorError } from '../core/errors.js';
import type { Observable } from '../core/observable.js';
import type { SessionSnapshot } from '../core/states.js';
import type { TokenSource } from '../core/tokens.js';
import type { Room, RoomOptions } from '../room/api.js';
import type { AnySignals, SignalMap } from '../room/events.js';
import type { KeyValueStore, WebSocketConstructor } from '../shell/environment.js';
import type { InstanceOption } from '../shell/instance.js';

/** JSON of the application. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/** A frame as it passed the socket, with all secrets blanked. */
export interface WireFrame {
  /** Whether it was received or sent. */
  readonly direction: 'in' | 'out';
  /** The JSON of the frame. */
  readonly text: string;
  /** When, in milliseconds since the Unix epoch. */
  readonly atMs: number;
}

/** The options of a session manager. */
export interface Options {
  /** Where the gateway is, such as `https://gateway.example.com`; `/v1/connect` is added if it is missing. */
  url: string | { readonly href: string };
  /** The id of the app. */
  app: string;
  /** The software of the client, shown to operators. */
  client?: { readonly name: string; readonly version: string } | undefined;
  /** The client instance: one per tab (the default in pages), one per manager, or an id. */
  instance?: InstanceOption | undefined;
  /** Where access token and resume secret are stored: `session` by default in pages, else `memory`. */
  storage?: 'session' | 'memory' | KeyValueStore | undefined;
  /** Handles renewals, in place of the credentials given to `start`. */
  sessionHandler?: SessionHandler | undefined;
  /** Asked for a session when a call needs one and there is none. */
  loader?: Loader | undefined;
  /** The WebSocket to use. Needed on Node 20, which has none: that of the package `ws`. */
  webSocket?: WebSocketConstructor | undefined;
  /** The deadline of requests, in milliseconds (10 000). */
  requestTimeoutMs?: number | undefined;
  /** How long `start` tries, in milliseconds (30 000). */
  startTimeoutMs?: number | undefined;
  /** How long one connection attempt may take, in milliseconds (10 000). */
  connectTimeoutMs?: number | undefined;
  /** How many requests may wait to be sent, and their size in bytes (64, and 256 KiB). */
  queue?: { readonly requests: number; readonly bytes: number } | undefined;
  /** Gets what listeners and callbacks threw. By default they are reported as uncaught errors. */
  onListenerError?: ((error: unknown, where: string) => void) | undefined;
  /** Gets each frame, for debugging. */
  onFrame?: ((frame: WireFrame) => void) | undefined;
}

/** How a session is started: exactly one way. */
export type StartWith = {
  /** Gives up. */
  signal?: AbortSignalLike | undefined;
} & (
  | { /** The name of a guest. */ guest: string }
  | { /** The name of the user. */ username: string; /** JSON for the app's hook. */ params: Json }
  | { /** A session token or an API token, or a function that gets one. */ token: TokenSource }
  | { /** The session that this tab stored. */ stored: true }
);

/** The result of `start`. */
export type StartResult =
  | { readonly succeeded: true; readonly failed: false; readonly session: Session; readonly error?: undefined }
  | { readonly succeeded: false; readonly failed: true; readonly error: StagedoorError; readonly session?: undefined };

/** The session of this client. A renewal replaces the object. */
export interface Session {
  /** The id of the session. */
  readonly id: string;
  /** The client instance it belongs to. */
  readonly instance: string;
  /** The user. */
  readonly user: SessionUser;
  /** When it expires unless it is renewed, in milliseconds since the Unix epoch. */
  readonly expiresAtMs: number;
  /** The granted scopes. */
  readonly scopes: readonly string[];
}

/** The user of a session. */
export interface SessionUser {
  /** The unique name. */
  readonly username: string;
  /** Whether the user is a guest. */
  readonly guest: boolean;
  /** The display name. */
  readonly name: string | undefined;
  /** Properties that the application set. */
  readonly properties: Json | undefined;
}

/** The connection, as programs see it. */
export interface ConnectionSnapshot {
  /** What it does. */
  readonly status: 'idle' | 'connecting' | 'live' | 'waiting' | 'offline';
  /** Attempts since the last usable connection. */
  readonly attempt: number;
  /** When the next attempt starts, in milliseconds since the Unix epoch. */
  readonly nextAttemptAt?: number | undefined;
  /** How the last connection ended. */
  readonly lastClose?: { readonly code: number; readonly reason: string } | undefined;
  /** The round-trip time of the last ping, in milliseconds. */
  readonly rttMs?: number | undefined;
  /** Whether the gateway rejects what needs its whole cluster. */
  readonly degraded: boolean;
}

/** Is called with each change. All functions are optional. */
export interface SessionObserver {
  /** The session started, was renewed, or ended. */
  sessionChanged?: ((session: Session | null) => void) | undefined;
  /** The state changed. */
  stateChanged?: ((state: SessionSnapshot) => void) | undefined;
  /** The connection changed. */
  connectionChanged?: ((connection: ConnectionSnapshot) => void) | undefined;
}

/** One renewal. Exactly one of its methods is called, once; a second call has no effect. */
export interface Renewal {
  /** Renews with what the gateway has, if the app allows that. */
  renew(): void;
  /** Renews with a new token of the app. */
  renewWithAuthToken(token: string): void;
  /** No token is available now; the gateway asks again later. */
  unableToRetrieveAuthToken(): void;
}

/** Handles renewals. */
export interface SessionHandler {
  /** The session will expire: call one method of `renewal`. */
  sessionWillRenewAccessToken(renewal: Renewal): void | Promise<void>;
}

/** Gets a session when a call needs one and there is none. */
export interface Loader {
  /**
   * Starts a session with `manager.start` and waits for its success; the call that needed it is then repeated once.
   * `expired` is the session that ended, if there was one.
   */
  load(manager: Manager, expired?: Session): void | Promise<void>;
}

/** A session manager, as loaders get it: see the class `SessionManager`. */
export interface Manager {
  /** The session, or null. */
  readonly session: Observable<Session | null>;
  /** The state of the session. */
  readonly state: Observable<SessionSnapshot>;
  /** The state of the connection; the session outlives it. */
  readonly connection: Observable<ConnectionSnapshot>;
  /** Starts a session. */
  start(how: StartWith): Promise<StartResult>;
  /** Ends the session. */
  stop(options?: { secure?: boolean | undefined; signal?: AbortSignalLike | undefined }): Promise<void>;
  /** The session, or null. */
  get(): Session | null;
  /** A room. */
  room<S extends SignalMap = AnySignals>(name: string, options?: RoomOptions<S>): Room<S>;
  /** Connects at once, or checks that the connection is alive. */
  retryNow(): void;
  /** Adds an observer. */
  addObserver(observer: SessionObserver): void;
  /** Removes an observer. */
  removeObserver(observer: SessionObserver): void;
}
