// Moderation as programs see it.

import type { AbortSignalLike } from '../core/abort.js';
import type { Observable } from '../core/observable.js';
import type { FeedEntry } from '../wire/protocol.js';
import type { Action } from './actions.js';
import type { RequestOptions } from './channel.js';
import type { BlockScope, ParticipantId, Role, StreamId } from './model.js';

export type { FeedEntry } from '../wire/protocol.js';

/** The sessions of a room, by participant. */
export type Feed = ReadonlyMap<ParticipantId, FeedEntry>;

/** The target of a mute: exactly one of these. */
export type Target =
  | { readonly stream: StreamId; readonly participant?: never; readonly username?: never }
  | { readonly participant: ParticipantId; readonly stream?: never; readonly username?: never }
  | { readonly username: string; readonly stream?: never; readonly participant?: never };

/** How long a removed user is blocked. */
export interface Block {
  /** Milliseconds; 0: the user may return at once; absent: the default of the app. */
  readonly forMs?: number | undefined;
  /** The room, or the app for an app moderator. */
  readonly scope?: BlockScope | undefined;
}

/** Which participants a mute of the room leaves out, and whether the others can undo it. */
export interface MuteAllOptions extends RequestOptions {
  /** Participants, by their ids or by those of their streams. */
  except?: readonly ParticipantId[] | undefined;
  /** Whether the acting moderator is muted too. */
  includeSelf?: boolean | undefined;
  /** Whether the muted cannot turn their audio on. */
  lock?: boolean | undefined;
}

/** The moderation commands. Each resolves when the gateway accepted it; receipts follow. */
export interface Moderation {
  /** Mutes a stream, a participant or a user. With `lock` the owner cannot undo it. */
  mute(target: Target, options?: { lock?: boolean | undefined } & RequestOptions): Promise<Action>;
  /** Lifts a mute; audio stays off until its owner turns it on. */
  lift(target: Target, options?: RequestOptions): Promise<Action>;
  /** Mutes everybody, also later streams, except those given and, without `includeSelf`, oneself. */
  muteAll(options?: MuteAllOptions): Promise<Action>;
  /** Ends the mute of the room; muted streams stay muted until their owners turn audio on. */
  endMuteAll(options?: RequestOptions): Promise<Action>;
  /** Removes a participant or a user. */
  remove(
    target: Exclude<Target, { readonly stream: StreamId }>,
    options?: { block?: Block | undefined; reason?: string | undefined } & RequestOptions,
  ): Promise<Action>;
  /** Lifts the blocks that moderators set. */
  unblock(username: string, options?: { scope?: BlockScope | undefined } & RequestOptions): Promise<Action>;
  /** Ends a stream. */
  unpublish(stream: StreamId, options?: { reason?: string | undefined } & RequestOptions): Promise<Action>;
  /** Asks the owner of a stream to turn its audio on. */
  askUnmute(stream: StreamId, options?: RequestOptions): Promise<Action>;
  /** Changes the role of a participant. */
  setRole(participant: ParticipantId, role: Role, options?: RequestOptions): Promise<Action>;
  /** Rejects new participants. */
  lock(options?: RequestOptions): Promise<Action>;
  /** Admits participants again. */
  unlock(options?: RequestOptions): Promise<Action>;
  /** Ends the room. */
  endRoom(options?: RequestOptions): Promise<Action>;
  /** All sessions of the room, until `signal` aborts. */
  feed(options: { signal: AbortSignalLike }): Observable<ReadonlyMap<ParticipantId, FeedEntry>>;
}
