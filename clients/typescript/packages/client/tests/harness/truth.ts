// The server API's view of a room, in the form in which the package shows it.

import type { Room } from '../../src/index.js';
import type { Gateway } from './gateway.js';

type Row = Record<string, unknown> & { readonly id: string };

/** What must be equal: participants, streams, counts, mute and lock. */
export interface RoomView {
  readonly participants: Row[];
  readonly streams: Row[];
  readonly counts: unknown;
  readonly mute: unknown;
  readonly locked: unknown;
}

/** A room as the server API shows it. */
export async function truthOf(gateway: Gateway, name: string): Promise<RoomView> {
  const [room, participants, streams] = await Promise.all([
    gateway.api<{ counts: unknown; mute: unknown; locked: unknown }>('GET', `rooms/${name}`),
    gateway.api<{ items: { participant: Record<string, unknown> }[] }>('GET', `rooms/${name}/participants?limit=100`),
    gateway.api<{ items: Record<string, unknown>[] }>('GET', `rooms/${name}/streams?limit=100`),
  ]);
  return {
    participants: rows(
      participants.items.map(({ participant: { id, username, role, link, mute_locked } }) => ({
        id: String(id),
        username,
        role,
        link,
        muteLocked: mute_locked,
      })),
    ),
    streams: rows(
      streams.items.map(({ id, participant, kind, name: title, has_audio, has_video, muted }) => ({
        id: String(id),
        participant,
        kind,
        name: title,
        hasAudio: has_audio,
        hasVideo: has_video,
        muted,
      })),
    ),
    counts: room.counts,
    mute: room.mute,
    locked: room.locked,
  };
}

/** A room as a client shows it. */
export function viewOf(room: Room): RoomView {
  const { counts, mute, locked } = room.state.value;
  return {
    participants: rows(
      [...room.participants.value.values()].map(({ id, username, role, link, muteLocked }) => ({
        id,
        username,
        role,
        link,
        muteLocked,
      })),
    ),
    streams: rows(
      [...room.streams.value.values()].map(({ id, participant, kind, name, hasAudio, hasVideo, muted }) => ({
        id,
        participant,
        kind,
        name,
        hasAudio,
        hasVideo,
        muted,
      })),
    ),
    counts,
    mute,
    locked,
  };
}

function rows<T extends Row>(all: T[]): T[] {
  return all.sort((a, b) => a.id.localeCompare(b.id));
}
