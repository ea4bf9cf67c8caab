// What a room consists of, as programs see it, and how it follows from the wire. Pure.

import type * as wire from '../wire/protocol.js';

export type {
  Actor,
  BlockScope,
  Capabilities,
  Counts,
  LeaveReason,
  Link,
  ParticipantId,
  Role,
  RoomMute,
  StreamEndReason,
  StreamId,
  StreamKind,
} from '../wire/protocol.js';

/** One membership of the room. */
export interface Participant {
  /** The id of the membership. */
  readonly id: wire.ParticipantId;
  /** The name of the user. */
  readonly username: string;
  /** The role in the room. */
  readonly role: wire.Role;
  /** Whether the session is connected. */
  readonly link: wire.Link;
  /** Connection data, from the room token or from `join`. */
  readonly data?: string | undefined;
  /** Whether a moderator locked the mute of its audio. */
  readonly muteLocked: boolean;
}

/** A flow of media that a participant announced. */
export interface Stream {
  /** The id of the stream. */
  readonly id: wire.StreamId;
  /** Its owner. */
  readonly participant: wire.ParticipantId;
  /** Its source. */
  readonly kind: wire.StreamKind;
  /** The display name. */
  readonly name?: string | undefined;
  /** Whether its audio is on. */
  readonly hasAudio: boolean;
  /** Whether its video is on. */
  readonly hasVideo: boolean;
  /** The layout classes. */
  readonly layoutClasses: readonly string[];
  /** Whether a moderator muted it: receivers silence it. */
  readonly muted: boolean;
}

/** Reads a participant. */
export function participantOf(wire: wire.Participant): Participant {
  return Object.freeze({
    id: wire.id,
    username: wire.username,
    role: wire.role,
    link: wire.link,
    data: wire.data ?? undefined,
    muteLocked: wire.mute_locked,
  });
}

/** Reads a stream. */
export function streamOf(wire: wire.Stream): Stream {
  return Object.freeze({
    id: wire.id,
    participant: wire.participant,
    kind: wire.kind,
    name: wire.name ?? undefined,
    hasAudio: wire.has_audio,
    hasVideo: wire.has_video,
    layoutClasses: Object.freeze([...(wire.layout_classes ?? [])]),
    muted: wire.muted,
  });
}
