// The conversation on one connection: the first message and its answer, numbered frames and their replay, pings, and
// the requests. Not here: what a push or a close means for the session.

import type { CloseInfo } from '../core/close.js';
import { refusal, StagedoorError } from '../core/errors.js';
import type { ServerFrame } from '../core/frames.js';
import type { Requests } from '../core/requests.js';
import { Connection, type FrameTap } from '../shell/connection.js';
import type { WebSocketConstructor } from '../shell/environment.js';
import type { Timers } from '../shell/timers.js';
import type { ReplyBody, ReplyName } from '../wire/commands.js';
import type { Disconnect, Heartbeat, Push, Reply, Resumed, Started } from '../wire/protocol.js';
import type { Credentials, Opening } from './credentials.js';
import type { Config } from './options.js';
import type { Rooms } from './rooms.js';

/** How a connection ended. */
export interface LinkEnd {
  readonly info: CloseInfo;
  readonly disconnect: Disconnect | undefined;
  /** What was wrong, if the gateway did not close. */
  readonly cause: 'closed' | 'timeout' | 'malformed';
  /** The error reply to the first message. */
  readonly refusal: StagedoorError | undefined;
  /** Whether the first message was a `resume` without an answer. */
  readonly wasResuming: boolean;
  /** Whether the first message was accepted. */
  readonly wasLive: boolean;
}

/** What a link reports. */
export interface LinkHandler {
  /** A session was started. */
  started(started: Started): void;
  /** The session was resumed; missed frames follow. */
  resumed(resumed: Resumed): void;
  /** The first message was refused, and the gateway does not close. */
  refused(error: StagedoorError): void;
  /** A push of the session. */
  pushed(push: Push): void;
  /** A ping was answered. */
  ponged(rttMs: number): void;
  /** The connection is over. */
  closed(end: LinkEnd): void;
}

/** A reply as its possible keys. */
type Replies = { readonly [K in ReplyName]?: ReplyBody<K> };

/** Slack for the silence that the gateway allows, in milliseconds. */
const SILENCE_SLACK_MS = 1_000;

/** The connection of one manager, or none. */
export class Link {
  readonly #config: Config;
  readonly #requests: Requests;
  readonly #credentials: Credentials;
  readonly #rooms: Rooms;
  readonly #timers: Timers;
  readonly #tap: FrameTap | undefined;
  readonly #handler: LinkHandler;
  #connection: Connection | undefined;
  #opening: { readonly id: number; readonly isResume: boolean; refusal?: StagedoorError } | undefined;
  #heartbeat: Heartbeat | undefined;
  /** Missed frames that still follow, and the rooms of the resumed session. */
  #replay: { left: number; readonly rooms: ReadonlySet<string> } | undefined;
  #ping: { readonly id: number; readonly sentAt: number } | undefined;

  constructor(
    config: Config,
    parts: { requests: Requests; credentials: Credentials; rooms: Rooms; timers: Timers; tap: FrameTap | undefined },
    handler: LinkHandler,
  ) {
    this.#config = config;
    this.#requests = parts.requests;
    this.#credentials = parts.credentials;
    this.#rooms = parts.rooms;
    this.#timers = parts.timers;
    this.#tap = parts.tap;
    this.#handler = handler;
  }

  /** Connects, and sends the first message. */
  connect(webSocket: WebSocketConstructor, opening: Opening): void {
    const id = this.#requests.takeId();
    this.#opening = { id, isResume: 'resume' in opening };
    const connection: Connection = new Connection(
      webSocket,
      this.#config.endpoint,
      this.#config.connectTimeoutMs,
      {
        opened: () => connection.send(JSON.stringify({ id, ...opening })),
        received: (frame) => this.#received(frame),
        silenceMs: () => this.#silenceMs(),
        closed: (info, disconnect, cause) => {
          const ended = this.#opening;
          this.#forget();
          this.#lost();
          this.#handler.closed({
            info,
            disconnect,
            cause,
            refusal: ended?.refusal,
            wasResuming: ended?.isResume ?? false,
            wasLive: ended === undefined,
          });
        },
      },
      this.#tap,
    );
    this.#connection = connection;
  }

  /** Closes the connection, without a report. */
  close(code: number): void {
    const connection = this.#connection;
    this.#forget();
    connection?.close(code);
  }

  /** Closes the connection in order to come back, without a report. */
  suspend(code: number): void {
    this.close(code);
    this.#lost();
  }

  /** Ends the session on this connection, without a report. Resolves when the gateway confirmed, or too late. */
  async finish(timeoutMs: number): Promise<void> {
    const connection = this.#connection;
    this.#forget();
    await connection?.finish(JSON.stringify({ id: this.#requests.takeId(), end: { revoke: true } }), timeoutMs);
  }

  /** Checks that the connection is alive: without an answer within `timeoutMs` it is over. */
  probe(timeoutMs: number): void {
    if (!this.#connection || this.#ping) return;
    const id = this.#requests.takeId();
    this.#ping = { id, sentAt: this.#timers.now() };
    this.#connection.probe(JSON.stringify({ id, ping: {} }), timeoutMs);
  }

  /** Sends the requests that can be sent now. */
  flush(): void {
    if (!this.#connection || this.#opening || this.#replay) return;
    for (const text of this.#requests.takeSendable(this.#timers.now())) this.#connection.send(text);
  }

  #received(frame: ServerFrame): boolean {
    if (frame.kind === 'disconnect') return false;
    if (frame.kind === 'ping') {
      this.#connection?.send(JSON.stringify({ pong: { seq: this.#credentials.lastSeq } }));
      return false;
    }
    if (frame.seq !== undefined && !this.#credentials.received(frame.seq)) return false;
    let isSettled = false;
    if (frame.kind === 'push') this.#handler.pushed(frame.push);
    else isSettled = this.#answered(frame);
    if (frame.seq !== undefined && this.#replay) {
      this.#replay.left -= 1;
      this.#finishReplay();
    }
    return isSettled;
  }

  #answered(frame: Extract<ServerFrame, { kind: 'reply' | 'error' }>): boolean {
    const result = frame.kind === 'reply' ? { ok: frame.ok } : { error: frame.error };
    if (frame.id === this.#opening?.id) {
      if ('ok' in result) this.#opened(result.ok);
      else this.#refused(refusal(result.error));
      return true;
    }
    if (frame.id === this.#ping?.id) {
      this.#ponged(frame.kind === 'reply' ? frame.ok : undefined);
      return false;
    }
    const isSettled = this.#requests.settle(frame.id, result);
    this.flush();
    return isSettled;
  }

  #opened(reply: Reply): void {
    this.#opening = undefined;
    const { started, resumed }: Replies = reply;
    if (started) {
      this.#requests.sessionLost();
      this.#heartbeat = started.heartbeat;
      this.#requests.setInFlight(started.limits.in_flight);
    } else if (resumed) {
      this.#requests.resumed(resumed.pending);
      this.#replay = { left: resumed.replayed_count, rooms: new Set(resumed.rooms.map(({ room }) => room)) };
    } else {
      throw new StagedoorError('not_a_gateway', 'a reply of another kind');
    }
    this.#connection?.established();
    if (started) this.#handler.started(started);
    else if (resumed) this.#handler.resumed(resumed);
    this.#finishReplay();
    this.probe(this.#config.connectTimeoutMs);
    this.flush();
  }

  #refused(error: StagedoorError): void {
    if (this.#opening) this.#opening.refusal = error;
    // After these refusals alone the gateway waits for another `start`.
    if (['name_taken', 'invalid_argument', 'malformed', 'too_large'].includes(error.code)) this.#handler.refused(error);
  }

  #ponged(reply: Reply | undefined): void {
    const { pong }: Replies = reply ?? {};
    if (pong) this.#credentials.setClock(pong.time_ms);
    const rttMs = Math.round(this.#timers.now() - (this.#ping?.sentAt ?? 0));
    this.#ping = undefined;
    this.#handler.ponged(rttMs);
  }

  #finishReplay(): void {
    if (!this.#replay || this.#replay.left > 0) return;
    const { rooms } = this.#replay;
    this.#replay = undefined;
    this.#requests.replayFinished();
    this.#rooms.forEach(({ room, membership }) => membership.reconcile(rooms.has(room.name)));
    this.flush();
  }

  #silenceMs(): number {
    if (!this.#heartbeat) return Infinity;
    const { interval_ms, timeout_ms, room_interval_ms, room_timeout_ms } = this.#heartbeat;
    const allowed = this.#rooms.isInside ? room_interval_ms + room_timeout_ms : interval_ms + timeout_ms;
    return allowed + SILENCE_SLACK_MS;
  }

  #forget(): void {
    this.#connection = this.#opening = this.#replay = this.#ping = undefined;
  }

  #lost(): void {
    this.#requests.connectionLost();
    this.#rooms.forEach(({ membership }) => membership.suspend());
  }
}
