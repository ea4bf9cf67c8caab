// The rooms of one manager.

import { StagedoorError } from '../core/errors.js';
import type { RoomOptions } from '../room/api.js';
import type { Channel } from '../room/channel.js';
import type { SignalMap } from '../room/events.js';
import { RoomImpl } from '../room/room.js';

/** All rooms that the program declared, by name. */
export class Rooms {
  readonly #channel: Channel;
  readonly #all = new Map<string, RoomImpl<SignalMap>>();

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** The room of this name, which is made by the first call. */
  get<S extends SignalMap>(name: string, options: RoomOptions<S> | undefined): RoomImpl<S> {
    if (typeof name !== 'string' || !/^[A-Za-z0-9._~:@-]{1,128}$/.test(name)) {
      const hint = 'A room id has 1 to 128 characters A-Z a-z 0-9 . _ ~ : @ -.';
      throw new StagedoorError('invalid_argument', `room: ${JSON.stringify(name)} is not a room id`, {
        field: 'room',
        hint,
      });
    }
    const known = this.#all.get(name) as RoomImpl<S> | undefined;
    if (known && options) known.configure(options);
    if (known) return known;
    const room = new RoomImpl<S>(this.#channel, name, options ?? {});
    this.#all.set(name, room as unknown as RoomImpl<SignalMap>);
    return room;
  }

  /** Whether this client is in any room. */
  get isInside(): boolean {
    return [...this.#all.values()].some((room) => room.isInside);
  }

  /** Hands a push to its room. Returns false if it is about none. */
  receive(name: string, body: unknown): boolean {
    const { room } = body as { room?: unknown };
    if (typeof room !== 'string') return false;
    this.#all.get(room)?.receive(name, body);
    return true;
  }

  /** The connection was lost. */
  suspended(): void {
    for (const room of this.#all.values()) room.suspended();
  }

  /** The session was resumed. */
  resumed(): void {
    for (const room of this.#all.values()) room.resumed();
  }

  /** All missed frames of a resumed session arrived, and it is in the rooms of `members`. */
  reconcile(members: ReadonlySet<string>): void {
    for (const room of this.#all.values()) room.reconcile(members.has(room.name));
  }

  /** The session is gone. */
  lost(): void {
    for (const room of this.#all.values()) room.lost();
  }

  /** A new session started. */
  renewed(): void {
    for (const room of this.#all.values()) room.renewed();
  }

  /** The session ended for good. */
  stopped(): void {
    for (const room of this.#all.values()) room.stopped();
  }
}
