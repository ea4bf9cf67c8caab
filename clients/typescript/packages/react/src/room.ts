// Rooms, joined while components are mounted.

import type {
  AnySignals,
  Participant,
  Room,
  RoomOptions,
  RoomState,
  SignalEvent,
  SignalMap,
  Stream,
  StreamId,
} from '@stagedoor/client';
import { useCallback, useEffect, useInsertionEffect, useMemo, useRef } from 'react';

import { type LeftEvent, sharedMembership } from './membership.js';
import { useObservable, useSelected } from './observable.js';
import { useSessionManager } from './provider.js';

/**
 * A room and its state. The object is new with each state. Its functions can be used without it and stay the same, and
 * so does `room`: effects depend on them.
 */
export type RoomView<S extends SignalMap = AnySignals> = Room<S> &
  RoomState & {
    /** The room, the same object in each render. */
    readonly room: Room<S>;
    /** Why the room was left or could not be joined; undefined while it is joined. */
    readonly left: LeftEvent | undefined;
  };

/**
 * A room, which is joined while the component is mounted. Without a session it is joined when one starts. A join that
 * failed is repeated with the next connection; `left` says why it failed. Options apply from the next join on.
 */
export function useRoom<S extends SignalMap = AnySignals>(name: string, options?: RoomOptions<S>): RoomView<S> {
  const manager = useSessionManager();
  const room = useMemo(() => manager.room<S>(name), [manager, name]);
  const membership = sharedMembership(manager, room);
  // Before the join below.
  useEffect(() => {
    if (options) manager.room(name, options);
  });
  useEffect(() => membership.mount(), [membership]);
  const members = useMemo(() => membersOf(room), [room]);
  const state = useObservable(room.state, OUT);
  const left = useObservable(membership, undefined);
  return useMemo(() => ({ ...members, ...state, left }), [members, state, left]);
}

/** The listed participants of a room; an entry that did not change stays the same object. */
export function useParticipants(room: Pick<Room, 'participants'>): readonly Participant[];
/**
 * What `select` makes of the listed participants. The component renders again only if the entries of that list changed;
 * `select` may be an inline function.
 */
export function useParticipants<T>(
  room: Pick<Room, 'participants'>,
  select: (participants: readonly Participant[]) => readonly T[],
): readonly T[];
export function useParticipants(
  room: Pick<Room, 'participants'>,
  select?: (participants: readonly Participant[]) => readonly unknown[],
): readonly unknown[] {
  return useSelected(
    room.participants,
    NONE,
    useCallback(
      (all: ReadonlyMap<string, Participant>) => (select ? select([...all.values()]) : [...all.values()]),
      [select],
    ),
  );
}

/** A stream of a room; null while it is not visible. */
export function useStream(room: Pick<Room, 'streams'>, id: StreamId): Stream | null {
  return useSelected(
    room.streams,
    NONE,
    useCallback((all: ReadonlyMap<StreamId, Stream>) => all.get(id) ?? null, [id]),
  );
}

/** Calls `fn` with each signal of a name while the component is mounted. `fn` may be an inline function. */
export function useSignal<S extends SignalMap, K extends keyof S & string>(
  room: Room<S> | RoomView<S>,
  name: K,
  fn: (event: Extract<SignalEvent<S>, { name: K }>) => unknown,
): void {
  const newest = useRef(fn);
  // Before any effect of this render, and before the browser can deliver a signal.
  useInsertionEffect(() => {
    newest.current = fn;
  });
  const stable = stableRoom(room);
  useEffect(
    () =>
      stable.on('signal', (event) =>
        event.name === name ? newest.current(event as Extract<typeof event, { name: K }>) : undefined,
      ),
    [stable, name],
  );
}

/** The room itself, which stays the same object. */
export function stableRoom<S extends SignalMap>(room: Room<S> | RoomView<S>): Room<S> {
  return 'room' in room ? room.room : room;
}

/** The members of a room as properties that can be used without it. */
function membersOf<S extends SignalMap>(room: Room<S>): Room<S> & { readonly room: Room<S> } {
  const { name, state, participants, streams, moderation } = room;
  return {
    room,
    name,
    state,
    participants,
    streams,
    moderation,
    join: (...args) => room.join(...args),
    leave: (...args) => room.leave(...args),
    on: (...args) => room.on(...args),
    events: (...args) => room.events(...args),
    send: (...args) => room.send(...args),
    publish: (...args) => room.publish(...args),
    subscribe: (...args) => room.subscribe(...args),
    everybody: (...args) => room.everybody(...args),
  };
}

const NONE: ReadonlyMap<string, never> = new Map<string, never>();
const OUT: RoomState = {
  membership: 'out',
  me: undefined,
  capabilities: { publish: false, subscribe: false, signal: false, moderate: false },
  locked: false,
  mute: { active: false, lock: false },
  counts: { participants: 0, publishers: 0, streams: 0 },
  isLarge: false,
};
