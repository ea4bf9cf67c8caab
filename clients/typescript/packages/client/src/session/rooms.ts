// The rooms of one manager.

import { StagedoorError } from '../core/errors.js';
import type { Room, RoomOptions } from '../room/api.js';
import type { Channel } from '../room/channel.js';
import type { Engine } from '../room/engine.js';
import type { SignalMap } from '../room/events.js';
import { makeRoom, type RoomParts } from '../room/room.js';
import { afterStart } from './modules.js';

/** All rooms that the program declared, by name. */
export class Rooms {
  readonly #makeChannel: (room: string) => Channel;
  readonly #all = new Map<string, RoomParts<SignalMap>>();

  constructor(makeChannel: (room: string) => Channel) {
    this.#makeChannel = makeChannel;
  }

  /** The room of this name, which is made by the first call. */
  get<S extends SignalMap>(name: string, options: RoomOptions<S> | undefined): Room<S> {
    if (typeof name !== 'string' || !/^[A-Za-z0-9._~:@-]{1,128}$/.test(name)) {
      throw new StagedoorError('invalid_argument', `room: ${JSON.stringify(name)} is not a room id`, {
        field: 'room',
        hint: 'A room id has 1 to 128 characters A-Z a-z 0-9 . _ ~ : @ -.',
      });
    }
    const known = this.#all.get(name) as RoomParts<S> | undefined;
    if (known && options) known.configure(options);
    const { room } = known ?? this.#add<S>(name, options ?? {});
    return room;
  }

  /** Whether this client is in any room. */
  get isInside(): boolean {
    return [...this.#all.values()].some(({ engine }) => engine.value?.membership.status === 'in');
  }

  /** Hands a push to its room. Returns false if it is about none. */
  receive(name: string, body: unknown): boolean {
    const { room } = body as { room?: unknown };
    if (typeof room !== 'string') return false;
    this.#all.get(room)?.receive(name, body);
    return true;
  }

  /** Calls `fn` with each room that may have been joined. */
  forEach(fn: (engine: Engine) => void): void {
    for (const { engine } of this.#all.values()) if (engine.value) fn(engine.value);
  }

  #add<S extends SignalMap>(name: string, options: RoomOptions<S>): RoomParts<S> {
    const parts = makeRoom(this.#makeChannel(name), afterStart, options);
    this.#all.set(name, parts as unknown as RoomParts<SignalMap>);
    return parts;
  }
}
