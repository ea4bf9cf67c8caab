// The membership that all mounted components share: the first one joins the room, and it is left after the last one.

import type { Room, RoomEvents, SessionManager, SignalMap, StagedoorError } from '@stagedoor/client';

import type { Source } from './observable.js';

/** Why this client is not in the room any more, or could not join it. */
export type LeftEvent = RoomEvents<SignalMap>['left'];

/** What a membership needs of a room, of any signals. */
interface JoinedRoom extends Pick<Room, 'state' | 'join' | 'leave'> {
  on(type: 'joined', fn: () => void): () => void;
  on(type: 'left', fn: (event: LeftEvent) => void): () => void;
}

/** Joins a room while components are mounted. Its value is why the room was left or not joined. */
export class SharedMembership implements Source<LeftEvent | undefined> {
  readonly #manager: SessionManager;
  readonly #room: JoinedRoom;
  readonly #listeners = new Set<() => void>();
  #mounted = 0;
  #detach: (() => void) | undefined;
  #value: LeftEvent | undefined;

  constructor(manager: SessionManager, room: JoinedRoom) {
    this.#manager = manager;
    this.#room = room;
  }

  get value(): LeftEvent | undefined {
    return this.#value;
  }

  subscribe(fn: () => void): () => void {
    const listener = (): void => fn();
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** A component was mounted; the returned function unmounts it. */
  mount(): () => void {
    this.#mounted += 1;
    this.#detach ??= this.#attach();
    return () => {
      this.#mounted -= 1;
      // StrictMode, hot reload and a new key mount again before this microtask.
      queueMicrotask(() => {
        if (this.#mounted > 0 || !this.#detach) return;
        this.#detach();
        this.#detach = undefined;
        // The room leaves again on its own if the gateway missed this.
        this.#room.leave().catch(() => undefined);
      });
    };
  }

  #attach(): () => void {
    this.#set(undefined);
    const subscriptions = [
      this.#room.on('joined', () => {
        this.#set(undefined);
      }),
      this.#room.on('left', (event) => {
        this.#set(event);
      }),
    ];
    this.#join();
    let isLive = true;
    subscriptions.push(
      this.#manager.connection.subscribe(({ status }) => {
        const wasLive = isLive;
        isLive = status === 'live';
        // A session started, or the connection is back.
        if (isLive && !wasLive) this.#join();
      }),
    );
    return () => {
      for (const unsubscribe of subscriptions) unsubscribe();
    };
  }

  /** Joins the room, unless the program left it. Without a session it is joined when one starts. */
  #join(): void {
    if (this.#room.state.value.membership !== 'out' || this.#value?.why === 'left') return;
    this.#room.join().catch((thrown: unknown) => {
      const error = thrown as StagedoorError;
      if (this.#mounted > 0 && !WITHOUT_SESSION.has(error.code)) this.#set({ why: 'refused', error });
    });
  }

  #set(value: LeftEvent | undefined): void {
    this.#value = value;
    for (const listener of [...this.#listeners]) listener();
  }
}

/** The memberships by room. */
const memberships = new WeakMap<object, SharedMembership>();

/** The membership that all components with this room share. */
export function sharedMembership(manager: SessionManager, room: JoinedRoom): SharedMembership {
  const known = memberships.get(room) ?? new SharedMembership(manager, room);
  memberships.set(room, known);
  return known;
}

/** There is no session, or it ended: the room is joined in the next one. */
const WITHOUT_SESSION: ReadonlySet<string> = new Set(['no_active_session', 'session_ended', 'stopped']);
