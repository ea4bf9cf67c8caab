// The events of a room and their readers.

import { type AbortSignalLike, onAbort } from '../core/abort.js';
import { LaggedError, type StagedoorError } from '../core/errors.js';
import { makeReader, type Notifier } from '../core/observable.js';
import type { Actor, ParticipantId, StreamId } from './model.js';
import type { RosterEvent } from './roster.js';

/** The signals of an application: the type of the data by name. */
export type SignalMap = object;
/** Signals without declared types. */
export type AnySignals = Record<string, unknown>;

/** Checks and types the data of a signal: a function that throws, or a Standard Schema. */
export type Parser<T> =
  | ((data: unknown) => T)
  | {
      readonly '~standard': {
        /** Checks the data. */
        readonly validate: (data: unknown) => StandardResult<T> | Promise<StandardResult<T>>;
      };
    };

/** The result of a Standard Schema. */
export type StandardResult<T> =
  { readonly value: T; readonly issues?: undefined } | { readonly issues: readonly { readonly message: string }[] };

/** A parser for each signal. */
export type Parsers<S> = { readonly [K in keyof S]: Parser<S[K]> };

/** The sender of a signal; null for the application's server. */
export type SignalFrom = { readonly participant: ParticipantId; readonly username: string } | null;

/** A signal of any declared name. */
export type SignalEvent<S> = {
  [K in keyof S & string]: {
    /** The name of the signal. */
    readonly name: K;
    /** Its data, as its parser returned it. */
    readonly data: S[K];
    /** Its sender. */
    readonly from: SignalFrom;
    /** Its position among the signals of the room. */
    readonly order: number;
  };
}[keyof S & string];

type RosterEvents = { [E in RosterEvent as E['type']]: Omit<E, 'type'> };

/** The events of a room, by type. */
export interface RoomEvents<S> extends RosterEvents {
  /** The room was joined, or joined again in a new session. */
  joined: { readonly isRejoin: boolean };
  /** The room was left: why, and until when the user is blocked. */
  left: {
    readonly why: 'left' | 'removed' | 'ended' | 'refused' | 'stopped';
    readonly by?: Actor | undefined;
    readonly reason?: string | undefined;
    readonly untilMs?: number | undefined;
    readonly error?: StagedoorError | undefined;
  };
  /** Changes were missed, and the roster was replaced. */
  reset: { readonly version: number };
  /** A signal arrived. */
  signal: SignalEvent<S>;
  /** A signal arrived that its parser rejected, or that has none. */
  invalidSignal: { readonly name: string; readonly data: unknown; readonly error: unknown; readonly from: SignalFrom };
  /** Media negotiation from the other end of a subscription. */
  relay: { readonly stream: StreamId; readonly from: ParticipantId; readonly data: unknown };
  /** A participant subscribed to a stream of this client. */
  subscribed: { readonly stream: StreamId; readonly participant: ParticipantId };
  /** A participant unsubscribed from a stream of this client. */
  unsubscribed: { readonly stream: StreamId; readonly participant: ParticipantId };
  /** A mute was set or lifted; without stream and participant it is that of the room. */
  mute: {
    readonly active: boolean;
    readonly lock: boolean;
    readonly by: Actor;
    readonly stream?: StreamId | undefined;
    readonly participant?: ParticipantId | undefined;
  };
  /** A moderator asks this client to unmute a stream. */
  unmuteRequested: { readonly stream: StreamId; readonly by: Actor };
}

/** Any event of a room. */
export type RoomEvent<S> = { [K in keyof RoomEvents<S>]: { readonly type: K } & RoomEvents<S>[K] }[keyof RoomEvents<S>];

/** The listeners and readers of one room. */
export class Emitter<S extends SignalMap> {
  readonly #notifier: Notifier;
  readonly #listeners = new Map<PropertyKey, Set<{ fn: (event: never) => unknown }>>();
  readonly #readers = new Set<(event: RoomEvent<S>) => void>();

  constructor(notifier: Notifier) {
    this.#notifier = notifier;
  }

  /** Calls `fn` with each event of a type. Each registration is its own, also of one function. */
  on<K extends keyof RoomEvents<S>>(
    type: K,
    fn: (event: RoomEvents<S>[K]) => unknown,
    options?: { signal?: AbortSignalLike | undefined },
  ): () => void {
    if (options?.signal?.aborted) return () => undefined;
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners);
    const listener = { fn };
    listeners.add(listener);
    const forget = onAbort(options?.signal, () => listeners.delete(listener));
    return () => {
      listeners.delete(listener);
      forget();
    };
  }

  /** Delivers an event, after the running notifications. */
  emit<K extends keyof RoomEvents<S>>(type: K, event: RoomEvents<S>[K]): void {
    this.#notifier.enqueue(() => {
      const whole = Object.freeze({ type, ...event }) as unknown as RoomEvent<S>;
      for (const read of [...this.#readers]) read(whole);
      const listeners = this.#listeners.get(type);
      for (const listener of [...(listeners ?? [])]) {
        if (!listeners?.has(listener)) continue;
        this.#notifier.call(listener.fn as (event: unknown) => unknown, whole, `on ${type}`);
      }
    });
  }

  /** The events from now on. Ends with `signal`; throws `LaggedError` when more than `limit` events wait. */
  events({
    signal,
    limit = DEFAULT_EVENT_LIMIT,
  }: { signal?: AbortSignalLike | undefined; limit?: number | undefined } = {}): AsyncIterable<RoomEvent<S>> {
    return { [Symbol.asyncIterator]: () => this.#read(limit, signal) };
  }

  #read(limit: number, signal: AbortSignalLike | undefined): AsyncIterator<RoomEvent<S>, undefined> {
    const queue: { value: RoomEvent<S> }[] = [];
    let error: LaggedError | undefined;
    const add = (value: RoomEvent<S>): void => {
      if (queue.length < limit) {
        queue.push({ value });
        reader.wake();
      } else {
        error = new LaggedError(limit);
        reader.end();
      }
    };
    const reader = makeReader(
      () => {
        const thrown = error;
        if (queue.length > 0 || !thrown) return queue.shift();
        error = undefined;
        throw thrown;
      },
      () => {
        this.#readers.delete(add);
        forget();
      },
    );
    const forget = onAbort(signal, reader.end);
    this.#readers.add(add);
    if (signal?.aborted) reader.end();
    return reader.iterator;
  }
}

/** How many events may wait for a reader by default. */
const DEFAULT_EVENT_LIMIT = 1_024;
