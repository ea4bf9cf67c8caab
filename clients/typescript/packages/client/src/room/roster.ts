// Participants and streams of a room: a snapshot, and the changes after it. Pure.
//
// A change whose version is not above that of the last snapshot is part of it already. Several changes may share a
// version. An entry that did not change stays the same object, also when a new snapshot arrives.

import type * as wire from '../wire/protocol.js';
import { isEqual } from '../core/observable.js';
import { NO_COUNTS, NO_MUTE } from './initial.js';
import {
  type LeaveReason,
  type Participant,
  type ParticipantId,
  participantOf,
  type Stream,
  type StreamEndReason,
  type StreamId,
  streamOf,
} from './model.js';

/** What changed in the roster. A reason is `unknown` if the change happened while this client was away. */
export type RosterEvent =
  | { readonly type: 'participantJoined'; readonly participant: Participant }
  | { readonly type: 'participantLeft'; readonly participant: Participant; readonly reason: LeaveReason | 'unknown' }
  | { readonly type: 'participantChanged'; readonly participant: Participant; readonly previous: Participant }
  | { readonly type: 'streamPublished'; readonly stream: Stream }
  | { readonly type: 'streamChanged'; readonly stream: Stream; readonly previous: Stream }
  | { readonly type: 'streamEnded'; readonly stream: Stream; readonly reason: StreamEndReason | 'unknown' };

/** The names of the events about each kind of entry. */
const EVENTS = {
  participant: { added: 'participantJoined', changed: 'participantChanged', removed: 'participantLeft' },
  stream: { added: 'streamPublished', changed: 'streamChanged', removed: 'streamEnded' },
} as const;

interface Entries {
  participant: Participant;
  stream: Stream;
}
type Kind = keyof Entries;
type Maps = { [K in Kind]: Map<string, Entries[K]> };

/** The roster of one room. */
export class Roster {
  /** Totals. */
  counts = NO_COUNTS;
  /** The mute of the room. */
  mute = NO_MUTE;
  /** Whether the room rejects new participants. */
  locked = false;
  /** Whether only moderators and publishers are listed. */
  isLarge = false;
  #maps = noEntries();
  /** The maps that were given out: they are copied before the next change. */
  readonly #given = new Set<Kind>();
  #events: RosterEvent[] = [];
  #snapshotVersion = 0;
  #isCut = false;
  #seesStreams = true;

  /** Listed participants; a new map with each change. */
  get participants(): ReadonlyMap<ParticipantId, Participant> {
    this.#given.add('participant');
    return this.#maps.participant;
  }

  /** Visible streams; a new map with each change. */
  get streams(): ReadonlyMap<StreamId, Stream> {
    this.#given.add('stream');
    return this.#maps.stream;
  }

  /** Replaces everything by a snapshot; returns what changed. */
  reset(snapshot: wire.RoomSnapshot, seesStreams: boolean): RosterEvent[] {
    const participants = snapshot.participants.map(participantOf);
    const streams = snapshot.streams.map(streamOf);
    this.#retain('stream', streams);
    this.#retain('participant', participants);
    for (const participant of participants) this.#put('participant', participant);
    for (const stream of streams) this.#put('stream', stream);
    this.roomState(snapshot);
    this.counts = snapshot.counts;
    this.isLarge = snapshot.is_large ?? false;
    this.#isCut = typeof snapshot.next === 'string';
    this.#seesStreams = seesStreams;
    this.#snapshotVersion = snapshot.version;
    return this.#takeEvents();
  }

  /** Forgets everything, because the membership is over. */
  clear(): void {
    this.#maps = noEntries();
    [this.counts, this.mute, this.locked, this.isLarge] = [NO_COUNTS, NO_MUTE, false, false];
  }

  /** Whether a push with this version is newer than the snapshot. */
  isNew(version: number): boolean {
    return version > this.#snapshotVersion;
  }

  participantJoined(joined: wire.Participant): RosterEvent[] {
    this.#put('participant', participantOf(joined));
    return this.#finish();
  }

  participantLeft(id: ParticipantId, reason: LeaveReason): RosterEvent[] {
    for (const stream of this.#streamsOf(id)) this.#remove('stream', stream, reason);
    const participant = this.#maps.participant.get(id);
    if (participant) this.#remove('participant', participant, reason);
    return this.#finish();
  }

  participantChanged(id: ParticipantId, change: Partial<Participant>): RosterEvent[] {
    const previous = this.#maps.participant.get(id);
    if (previous) this.#put('participant', Object.freeze({ ...previous, ...change }));
    return this.#finish(id);
  }

  streamPut(put: wire.Stream): RosterEvent[] {
    this.#put('stream', streamOf(put));
    return this.#finish();
  }

  streamEnded(id: StreamId, reason: StreamEndReason): RosterEvent[] {
    const stream = this.#maps.stream.get(id);
    if (stream) this.#remove('stream', stream, reason);
    return this.#finish(stream?.participant);
  }

  muteForced(mute: wire.MuteForced): RosterEvent[] {
    const { active, lock } = mute;
    for (const stream of this.#maps.stream.values()) {
      const hasAudio = stream.hasAudio && !active;
      if (isTarget(mute, stream)) this.#put('stream', Object.freeze({ ...stream, muted: active, hasAudio }));
    }
    if (mute.participant) return this.participantChanged(mute.participant, { muteLocked: lock });
    if (!mute.stream) this.mute = { active, lock };
    return this.#finish();
  }

  roomState({ mute, locked }: Pick<wire.RoomStateChange, 'mute' | 'locked'>): void {
    this.mute = mute;
    this.locked = locked;
  }

  #streamsOf(owner: ParticipantId | undefined): Stream[] {
    return [...this.#maps.stream.values()].filter(({ participant }) => participant === owner);
  }

  #put<K extends Kind>(kind: K, entry: Entries[K]): void {
    const previous = this.#maps[kind].get(entry.id);
    if (isEqual(previous, entry)) return;
    this.#draft(kind).set(entry.id, entry);
    const { added, changed } = EVENTS[kind];
    this.#record(previous ? { type: changed, [kind]: entry, previous } : { type: added, [kind]: entry });
  }

  #remove<K extends Kind>(kind: K, entry: Entries[K], reason: StreamEndReason | 'unknown'): void {
    this.#draft(kind).delete(entry.id);
    this.#record({ type: EVENTS[kind].removed, [kind]: entry, reason });
  }

  /** Removes the entries that are not part of `fresh`. */
  #retain<K extends Kind>(kind: K, fresh: readonly Entries[K][]): void {
    const ids = new Set(fresh.map(({ id }) => id));
    for (const entry of this.#maps[kind].values()) if (!ids.has(entry.id)) this.#remove(kind, entry, 'unknown');
  }

  #draft<K extends Kind>(kind: K): Maps[K] {
    if (this.#given.delete(kind)) this.#maps[kind] = new Map(this.#maps[kind]) as Maps[K];
    return this.#maps[kind];
  }

  #record(event: object): void {
    this.#events.push(event as RosterEvent);
  }

  #takeEvents(): RosterEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Counts again; returns what changed. `changed` is a participant with a new role or an ended stream. */
  #finish(changed?: ParticipantId): RosterEvent[] {
    const { participant: participants, stream: streams } = this.#maps;
    if (this.isLarge) {
      // A large room lists only moderators and publishers. Who is no longer listed did not leave.
      const known = participants.get(changed ?? '');
      if (known && known.role !== 'moderator' && this.#streamsOf(known.id).length === 0) {
        this.#draft('participant').delete(known.id);
      }
    } else if (!this.#isCut) {
      const owners = new Set(Array.from(streams.values(), (stream) => stream.participant));
      this.counts = {
        ...this.counts,
        participants: participants.size,
        ...(this.#seesStreams && { publishers: owners.size, streams: streams.size }),
      };
    }
    return this.#takeEvents();
  }
}

/** Whether a mute is about this stream. The end of the room's own mute lifts no other. */
export function isTarget(mute: wire.MuteForced, stream: Stream): boolean {
  if (mute.stream) return stream.id === mute.stream;
  if (mute.participant) return stream.participant === mute.participant;
  return mute.active && !mute.except?.includes(stream.participant);
}

function noEntries(): Maps {
  return { participant: new Map(), stream: new Map() };
}
