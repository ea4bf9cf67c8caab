// The requests of a client: queued, sent, and lost with a connection. Pure: time and texts go in and out.
//
// A request is sent at most once, unless a resumed session proves that the gateway never received it. One that waits
// past its deadline is never sent.

import type { Reply, WireError } from '../wire/protocol.js';
import { abortError, type AbortSignalLike } from './abort.js';
import { DeadlineError, refusal, StagedoorError } from './errors.js';

/** A request as its caller describes it. */
export interface RequestSpec {
  /** The command: an object with one key. */
  readonly command: object;
  /** The room whose membership it needs: while the room is held, the request waits. */
  readonly room?: string | undefined;
  /** The idempotency key, for the error of an unknown outcome. */
  readonly ref?: string | undefined;
  /** When it expires, in milliseconds of the monotonic clock. */
  readonly deadline: number;
  /** Whether it may pass the queue: a join, or a command of the session itself. */
  readonly isUrgent?: boolean | undefined;
  /** Called if a reply arrives after the caller was given an error: the request took effect all the same. */
  readonly onLate?: ((reply: Reply) => void) | undefined;
  /** The end, before any later frame. What it throws says that the reply is of another kind. */
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: StagedoorError) => void;
}

interface Pending extends RequestSpec {
  readonly id: number;
  readonly text: string;
  status: 'queued' | 'sent' | 'unconfirmed';
  deadline: number;
}

/** Bounds of the queue. */
export interface QueueLimits {
  /** Maximum number of requests that are not sent yet. */
  readonly requests: number;
  /** Maximum size of all of them, in bytes of UTF-16 halves: characters of JSON. */
  readonly bytes: number;
}

/** All requests without an end, in the order of their calls. */
export class Requests {
  readonly #limits: QueueLimits;
  readonly #held = new Set<string>();
  readonly #late = new Map<number, (reply: Reply) => void>();
  readonly #pending = new Map<number, Pending>();
  #inFlight = Infinity;
  #nextId = 1;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /** A number for a message that is not a request of this table. */
  takeId(): number {
    const id = this.#nextId;
    this.#nextId = id >= 0xffff_ffff ? 1 : id + 1;
    return id;
  }

  /** Adds a request to the queue. Throws if the queue is full. */
  add(spec: RequestSpec): number {
    const id = this.takeId();
    const text = JSON.stringify({ id, ...spec.command });
    const queued = this.#with('queued');
    const bytes = queued.reduce((sum, request) => sum + request.text.length, text.length);
    if (queued.length >= this.#limits.requests || bytes > this.#limits.bytes) {
      throw new StagedoorError('queue_full', 'too many requests wait to be sent');
    }
    this.#pending.set(id, { ...spec, id, text, status: 'queued' });
    return id;
  }

  /** Sets the gateway's bound of requests without a reply. */
  setInFlight(limit: number): void {
    this.#inFlight = limit;
  }

  /** Holds back the requests of a room until {@link release}. */
  hold(room: string): void {
    this.#held.add(room);
  }

  /** Lets the requests of a room be sent. */
  release(room: string): void {
    this.#held.delete(room);
  }

  /** Takes the texts that can be sent now. */
  takeSendable(now: number): string[] {
    const sendable = this.#with('queued')
      .filter(
        ({ deadline, isUrgent, room }) =>
          deadline > now && (isUrgent === true || room === undefined || !this.#held.has(room)),
      )
      .slice(0, Math.max(this.#inFlight - this.#with('sent').length, 0));
    for (const request of sendable) request.status = 'sent';
    return sendable.map(({ text }) => text);
  }

  /** The result of a request. Returns false if no request waits for it. */
  settle(id: number, result: { ok?: Reply; error?: WireError }): boolean {
    const request = this.#take(id);
    const { ok, error } = result;
    if (!request) {
      if (ok) this.#late.get(id)?.(ok);
      this.#late.delete(id);
      return false;
    }
    if (error) request.reject(refusal(error, request.ref));
    else if (ok) {
      try {
        request.resolve(ok);
      } catch (cause) {
        request.reject(new StagedoorError('not_a_gateway', 'a reply of another kind', { cause, outcome: 'unknown' }));
        throw cause;
      }
    }
    return true;
  }

  /** The caller gave up. */
  abort(id: number, signal: AbortSignalLike): void {
    const request = this.#pending.get(id);
    if (request) this.#giveUp(request, abortError(signal, outcomeOf(request)));
  }

  /** Ends the requests whose deadline has passed. */
  expire(now: number): void {
    for (const request of this.#pending.values()) {
      if (request.deadline <= now) this.#giveUp(request, new DeadlineError(outcomeOf(request), request.ref));
    }
  }

  /** The next deadline; infinite if no request waits. */
  nextDeadline(): number {
    return Math.min(...Array.from(this.#pending.values(), ({ deadline }) => deadline));
  }

  /** The process slept: replies may be waiting in the socket, so sent requests get until `deadline`. */
  extendSent(deadline: number): void {
    for (const request of this.#with('sent')) request.deadline = Math.max(request.deadline, deadline);
  }

  /** The connection was lost: what was sent is unconfirmed. */
  connectionLost(): void {
    for (const request of this.#with('sent')) request.status = 'unconfirmed';
  }

  /** The session was resumed: the gateway still answers the requests of `pending`. */
  resumed(pending: readonly number[]): void {
    for (const request of this.#with('unconfirmed')) if (pending.includes(request.id)) request.status = 'sent';
  }

  /** All missed frames arrived: the gateway never received what is still unconfirmed, so it is sent again. */
  replayFinished(): void {
    for (const request of this.#with('unconfirmed')) request.status = 'queued';
  }

  /** The session is gone: nothing is known of what was sent. What is queued waits for the next session. */
  sessionLost(): void {
    for (const request of [...this.#with('sent'), ...this.#with('unconfirmed')]) {
      this.#take(request.id);
      const details = { outcome: 'unknown', ref: request.ref } as const;
      request.reject(new StagedoorError('connection_lost', 'the session ended before the reply', details));
    }
  }

  /** Ends all requests. */
  failAll(makeError: (outcome: 'not-sent' | 'unknown') => StagedoorError): void {
    const all = [...this.#pending.values()];
    this.#pending.clear();
    this.#late.clear();
    this.#held.clear();
    for (const request of all) request.reject(makeError(outcomeOf(request)));
  }

  /** Ends a request without its reply. */
  #giveUp({ id, status, onLate, reject }: Pending, error: StagedoorError): void {
    this.#take(id);
    if (status !== 'queued' && onLate) {
      this.#late.set(id, onLate);
      // A map iterates from its oldest entry.
      for (const oldest of this.#late.keys()) if (this.#late.size > MAX_LATE) this.#late.delete(oldest);
    }
    reject(error);
  }

  #with(status: Pending['status']): Pending[] {
    return [...this.#pending.values()].filter((request) => request.status === status);
  }

  #take(id: number): Pending | undefined {
    const request = this.#pending.get(id);
    this.#pending.delete(id);
    return request;
  }
}

/** How many replies that come too late are waited for. */
const MAX_LATE = 64;

function outcomeOf(request: Pending): 'not-sent' | 'unknown' {
  return request.status === 'queued' ? 'not-sent' : 'unknown';
}
