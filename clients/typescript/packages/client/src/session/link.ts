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
export interface Link {
  /** Connects, and sends the first message. */
  connect(webSocket: WebSocketConstructor, opening: Opening): void;
  /** Closes the connection, without a report. */
  close(code: number): void;
  /** Closes the connection in order to come back, without a report. */
  suspend(code: number): void;
  /** Ends the session on this connection, without a report. Resolves when the gateway confirmed, or too late. */
  finish(timeoutMs: number): Promise<void>;
  /** Checks that the connection is alive: without an answer within `timeoutMs` it is over. */
  probe(timeoutMs: number): void;
  /** Sends the requests that can be sent now. */
  flush(): void;
}

/** What a link combines. */
export interface LinkParts {
  readonly config: Config;
  readonly requests: Requests;
  readonly credentials: Credentials;
  readonly rooms: Rooms;
  readonly timers: Timers;
  readonly tap: () => FrameTap | undefined;
}

/** Makes the link of one manager. */
export function makeLink(parts: LinkParts, handler: LinkHandler): Link {
  const { config, requests, credentials, rooms, timers } = parts;
  let connection: Connection | undefined;
  let opening: { readonly id: number; readonly isResume: boolean; refusal?: StagedoorError } | undefined;
  let heartbeat: Heartbeat | undefined;
  /** Missed frames that still follow, and the rooms of the resumed session. */
  let replay: { left: number; readonly rooms: ReadonlySet<string> } | undefined;
  let ping: { readonly id: number; readonly sentAt: number } | undefined;

  /** Connects, and sends the first message. */
  const connect = (webSocket: WebSocketConstructor, first: Opening): void => {
    const id = requests.takeId();
    opening = { id, isResume: 'resume' in first };
    const own: Connection = new Connection(
      webSocket,
      config.endpoint,
      config.connectTimeoutMs,
      {
        opened: () => own.send(JSON.stringify({ id, ...first })),
        received,
        silenceMs,
        closed: (info, disconnect, cause) => {
          const ended = opening;
          forget();
          lost();
          handler.closed({
            info,
            disconnect,
            cause,
            refusal: ended?.refusal,
            wasResuming: ended?.isResume ?? false,
            wasLive: ended === undefined,
          });
        },
      },
      parts.tap(),
    );
    connection = own;
  };

  /** Closes the connection, without a report. */
  const close = (code: number): void => {
    const closing = connection;
    forget();
    closing?.close(code);
  };

  /** Closes the connection in order to come back, without a report. */
  const suspend = (code: number): void => {
    close(code);
    lost();
  };

  /** Ends the session on this connection, without a report. Resolves when the gateway confirmed, or too late. */
  const finish = async (timeoutMs: number): Promise<void> => {
    const ending = connection;
    forget();
    await ending?.finish(JSON.stringify({ id: requests.takeId(), end: { revoke: true } }), timeoutMs);
  };

  /** Checks that the connection is alive: without an answer within `timeoutMs` it is over. */
  const probe = (timeoutMs: number): void => {
    if (!connection || ping) return;
    const id = requests.takeId();
    ping = { id, sentAt: timers.now() };
    connection.probe(JSON.stringify({ id, ping: {} }), timeoutMs);
  };

  /** Sends the requests that can be sent now. */
  const flush = (): void => {
    if (!connection || opening || replay) return;
    for (const text of requests.takeSendable(timers.now())) connection.send(text);
  };

  const received = (frame: ServerFrame): boolean => {
    if (frame.kind === 'disconnect') return false;
    if (frame.kind === 'ping') {
      connection?.send(JSON.stringify({ pong: { seq: credentials.lastSeq } }));
      return false;
    }
    if (frame.seq !== undefined && !credentials.received(frame.seq)) return false;
    let isSettled = false;
    if (frame.kind === 'push') handler.pushed(frame.push);
    else isSettled = answered(frame);
    if (frame.seq !== undefined && replay) {
      replay.left -= 1;
      finishReplay();
    }
    return isSettled;
  };

  const answered = (frame: Extract<ServerFrame, { kind: 'reply' | 'error' }>): boolean => {
    const result = frame.kind === 'reply' ? { ok: frame.ok } : { error: frame.error };
    if (frame.id === opening?.id) {
      if ('ok' in result) opened(result.ok);
      else refused(refusal(result.error));
      return true;
    }
    if (frame.id === ping?.id) {
      ponged(frame.kind === 'reply' ? frame.ok : undefined);
      return false;
    }
    const isSettled = requests.settle(frame.id, result);
    flush();
    return isSettled;
  };

  const opened = (reply: Reply): void => {
    opening = undefined;
    const { started, resumed }: Replies = reply;
    if (started) {
      requests.sessionLost();
      heartbeat = started.heartbeat;
      requests.setInFlight(started.limits.in_flight);
    } else if (resumed) {
      requests.resumed(resumed.pending);
      replay = { left: resumed.replayed_count, rooms: new Set(resumed.rooms.map(({ room }) => room)) };
    } else {
      throw new StagedoorError('not_a_gateway', 'a reply of another kind');
    }
    connection?.established();
    if (started) handler.started(started);
    else if (resumed) handler.resumed(resumed);
    finishReplay();
    probe(config.connectTimeoutMs);
    flush();
  };

  const refused = (error: StagedoorError): void => {
    if (opening) opening.refusal = error;
    // After these refusals alone the gateway waits for another `start`.
    if (['name_taken', 'invalid_argument', 'malformed', 'too_large'].includes(error.code)) handler.refused(error);
  };

  const ponged = (reply: Reply | undefined): void => {
    const { pong }: Replies = reply ?? {};
    if (pong) credentials.setClock(pong.time_ms);
    const rttMs = Math.round(timers.now() - (ping?.sentAt ?? 0));
    ping = undefined;
    handler.ponged(rttMs);
  };

  const finishReplay = (): void => {
    if (!replay || replay.left > 0) return;
    const { rooms: resumed } = replay;
    replay = undefined;
    requests.replayFinished();
    rooms.forEach(({ room, membership }) => membership.reconcile(resumed.has(room)));
    flush();
  };

  const silenceMs = (): number => {
    if (!heartbeat) return Infinity;
    const { interval_ms, timeout_ms, room_interval_ms, room_timeout_ms } = heartbeat;
    const allowed = rooms.isInside ? room_interval_ms + room_timeout_ms : interval_ms + timeout_ms;
    return allowed + SILENCE_SLACK_MS;
  };

  const forget = (): void => {
    connection = opening = replay = ping = undefined;
  };

  const lost = (): void => {
    requests.connectionLost();
    rooms.forEach(({ membership }) => membership.suspend());
  };

  return { connect, close, suspend, finish, probe, flush };
}
