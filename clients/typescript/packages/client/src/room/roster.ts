// Participants and streams of a room: a snapshot, and the changes after it. Pure.
//
// A change whose version is not above that of the last snapshot is part of it already. Several changes may share a
// version. An entry that did not change stays the same object, also when a new snapshot arrives.

import type * as wire from '../wire/protocol.js';
import { isEqual } from '../core/observable.js';
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

/** The roster of one room. */
export class Roster {
  /** Listed participants; a new map with each change. */
  participants: ReadonlyMap<ParticipantId, Participant> = new Map();
  /** Visible streams; a new map with each change. */
  streams: ReadonlyMap<StreamId, Stream> = new Map();
  /** Totals. */
  counts: wire.Counts = NO_COUNTS;
  /** The mute of the room. */
  mute: wire.RoomMute = NO_MUTE;
  /** Whether the room rejects new participants. */
  locked = false;
  /** Whether only moderators and publishers are listed. */
  isLarge = false;
  #snapshotVersion = 0;
  #isCut = false;
  #seesStreams = true;

  /** Replaces everything by a snapshot; returns what changed. */
  reset(snapshot: wire.RoomSnapshot, seesStreams: boolean): RosterEvent[] {
    const events: RosterEvent[] = [];
    const participants = merge(this.participants, snapshot.participants.map(participantOf));
    const streams = merge(this.streams, snapshot.streams.map(streamOf));
    for (const stream of this.streams.values()) {
      if (!streams.has(stream.id)) events.push({ type: 'streamEnded', stream, reason: 'unknown' });
    }
    for (const participant of this.participants.values()) {
      if (!participants.has(participant.id)) events.push({ type: 'participantLeft', participant, reason: 'unknown' });
    }
    for (const participant of participants.values()) {
      const previous = this.participants.get(participant.id);
      if (!previous) events.push({ type: 'participantJoined', participant });
      else if (previous !== participant) events.push({ type: 'participantChanged', participant, previous });
    }
    for (const stream of streams.values()) {
      const previous = this.streams.get(stream.id);
      if (!previous) events.push({ type: 'streamPublished', stream });
      else if (previous !== stream) events.push({ type: 'streamChanged', stream, previous });
    }
    this.participants = isSame(this.participants, participants) ? this.participants : participants;
    this.streams = isSame(this.streams, streams) ? this.streams : streams;
    this.counts = snapshot.counts;
    this.mute = snapshot.mute;
    this.locked = snapshot.locked;
    this.isLarge = snapshot.is_large ?? false;
    this.#isCut = typeof snapshot.next === 'string';
    this.#seesStreams = seesStreams;
    this.#snapshotVersion = snapshot.version;
    return events;
  }

  /** Forgets everything, because the membership is over. */
  clear(): void {
    this.participants = new Map();
    this.streams = new Map();
    [this.counts, this.mute, this.locked, this.isLarge] = [NO_COUNTS, NO_MUTE, false, false];
  }

  /** Whether a push with this version is newer than the snapshot. */
  isNew(version: number): boolean {
    return version > this.#snapshotVersion;
  }

  participantJoined(joined: wire.Participant): RosterEvent[] {
    const participant = participantOf(joined);
    const previous = this.participants.get(participant.id);
    if (previous && isEqual(previous, participant)) return [];
    this.#setParticipant(participant);
    return [
      previous ? { type: 'participantChanged', participant, previous } : { type: 'participantJoined', participant },
    ];
  }

  participantLeft(id: ParticipantId, reason: LeaveReason): RosterEvent[] {
    const events: RosterEvent[] = [];
    for (const stream of this.streams.values()) {
      if (stream.participant === id) events.push(...this.streamEnded(stream.id, reason));
    }
    return [...events, ...this.#removeParticipant(id, reason)];
  }

  participantChanged(id: ParticipantId, change: Partial<Participant>): RosterEvent[] {
    const previous = this.participants.get(id);
    if (!previous) return [];
    const participant = Object.freeze({ ...previous, ...change });
    if (isEqual(previous, participant)) return [];
    this.#setParticipant(participant);
    return [{ type: 'participantChanged', participant, previous }, ...this.#unlist(id)];
  }

  streamPut(put: wire.Stream): RosterEvent[] {
    return this.#setStream(streamOf(put));
  }

  streamEnded(id: StreamId, reason: StreamEndReason): RosterEvent[] {
    const stream = this.streams.get(id);
    if (!stream) return [];
    const streams = new Map(this.streams);
    streams.delete(id);
    this.streams = streams;
    this.#recount();
    return [{ type: 'streamEnded', stream, reason }, ...this.#unlist(stream.participant)];
  }

  muteForced(mute: wire.MuteForced): RosterEvent[] {
    const events: RosterEvent[] = [];
    for (const stream of this.streams.values()) {
      if (!isTarget(mute, stream)) continue;
      const hasAudio = stream.hasAudio && !mute.active;
      events.push(...this.#setStream(Object.freeze({ ...stream, muted: mute.active, hasAudio })));
    }
    if (mute.stream) return events;
    if (mute.participant) {
      return [...events, ...this.participantChanged(mute.participant, { muteLocked: mute.lock })];
    }
    this.mute = { active: mute.active, lock: mute.lock };
    return events;
  }

  roomState(change: wire.RoomStateChange): void {
    this.mute = change.mute;
    this.locked = change.locked;
  }

  #setParticipant(participant: Participant): void {
    this.participants = new Map(this.participants).set(participant.id, participant);
    this.#recount();
  }

  #removeParticipant(id: ParticipantId, reason: LeaveReason | 'unknown'): RosterEvent[] {
    const participant = this.participants.get(id);
    if (!participant) return [];
    const participants = new Map(this.participants);
    participants.delete(id);
    this.participants = participants;
    this.#recount();
    return [{ type: 'participantLeft', participant, reason }];
  }

  #setStream(stream: Stream): RosterEvent[] {
    const previous = this.streams.get(stream.id);
    if (previous && isEqual(previous, stream)) return [];
    this.streams = new Map(this.streams).set(stream.id, stream);
    this.#recount();
    return [previous ? { type: 'streamChanged', stream, previous } : { type: 'streamPublished', stream }];
  }

  /** A large room lists only moderators and publishers. Who is no longer listed did not leave. */
  #unlist(id: ParticipantId): RosterEvent[] {
    const isModerator = this.participants.get(id)?.role === 'moderator';
    const publishes = [...this.streams.values()].some((stream) => stream.participant === id);
    if (!this.isLarge || isModerator || publishes) return [];
    this.#removeParticipant(id, 'unknown');
    return [];
  }

  #recount(): void {
    if (this.isLarge || this.#isCut) return;
    const streams = [...this.streams.values()];
    const owners = new Set(streams.map((stream) => stream.participant));
    this.counts = {
      participants: this.participants.size,
      publishers: this.#seesStreams ? owners.size : this.counts.publishers,
      streams: this.#seesStreams ? streams.length : this.counts.streams,
    };
  }
}

/** Whether a mute is about this stream. The end of the room's own mute lifts no other. */
export function isTarget(mute: wire.MuteForced, stream: Stream): boolean {
  if (mute.stream) return stream.id === mute.stream;
  if (mute.participant) return stream.participant === mute.participant;
  return mute.active && !(mute.except ?? []).includes(stream.participant);
}

const NO_COUNTS: wire.Counts = Object.freeze({ participants: 0, publishers: 0, streams: 0 });
const NO_MUTE: wire.RoomMute = Object.freeze({ active: false, lock: false });

function merge<T extends { readonly id: string }>(old: ReadonlyMap<string, T>, fresh: readonly T[]): Map<string, T> {
  return new Map(
    fresh.map((entry) => {
      const previous = old.get(entry.id);
      return [entry.id, previous && isEqual(previous, entry) ? previous : entry];
    }),
  );
}

function isSame<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>): boolean {
  return a.size === b.size && [...b].every(([id, entry]) => a.get(id) === entry);
}
