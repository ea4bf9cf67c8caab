// The moderation commands of a room.

import type { AbortSignalLike } from '../core/abort.js';
import { StagedoorError } from '../core/errors.js';
import { type Observable, Store } from '../core/observable.js';
import type { Command, FeedEntry, SessionFeed } from '../wire/protocol.js';
import { type Action, Actions } from './actions.js';
import type { Channel, RequestOptions } from './channel.js';
import type { BlockScope, ParticipantId, Role, StreamId } from './model.js';

export type { FeedEntry } from '../wire/protocol.js';

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

/** The moderation of one room. */
export class ModerationImpl implements Moderation {
  readonly #channel: Channel;
  readonly #room: string;
  /** The version of the own command that ended the room, until the room is left. */
  #ending: number | undefined;
  readonly #actions: Actions;
  readonly #feed: Store<ReadonlyMap<ParticipantId, FeedEntry>>;
  #feedReaders = 0;

  constructor(channel: Channel, room: string) {
    this.#channel = channel;
    this.#room = room;
    this.#actions = new Actions(channel.notifier);
    this.#feed = new Store<ReadonlyMap<ParticipantId, FeedEntry>>(channel.notifier, 'feed', new Map());
  }

  mute(target: Target, options: { lock?: boolean | undefined } & RequestOptions = {}): Promise<Action> {
    return this.#run(options, (ref) => ({
      force_mute: { ...this.#targetOf(target), lock: options.lock ?? false, ref },
    }));
  }

  lift(target: Target, options: RequestOptions = {}): Promise<Action> {
    return this.#run(options, (ref) => ({ lift_mute: { ...this.#targetOf(target), ref } }));
  }

  muteAll(options: MuteAllOptions = {}): Promise<Action> {
    const { except = [], includeSelf = false, lock = false } = options;
    const body = { room: this.#room, except: [...except], include_self: includeSelf, lock };
    return this.#run(options, (ref) => ({ force_mute_all: { ...body, ref } }));
  }

  endMuteAll(options: RequestOptions = {}): Promise<Action> {
    return this.#run(options, (ref) => ({ disable_force_mute: { room: this.#room, ref } }));
  }

  remove(
    target: Exclude<Target, { readonly stream: StreamId }>,
    options: { block?: Block | undefined; reason?: string | undefined } & RequestOptions = {},
  ): Promise<Action> {
    const { block, reason } = options;
    return this.#run(options, (ref) => ({
      force_disconnect: {
        ...this.#memberOf(target),
        ...(block && { block: { for_ms: block.forMs ?? null, scope: block.scope ?? 'room' } }),
        reason: reason ?? null,
        ref,
      },
    }));
  }

  unblock(username: string, options: { scope?: BlockScope | undefined } & RequestOptions = {}): Promise<Action> {
    const { scope = 'room' } = options;
    return this.#run(options, (ref) => ({ unblock: { room: this.#room, username, scope, ref } }));
  }

  unpublish(stream: StreamId, options: { reason?: string | undefined } & RequestOptions = {}): Promise<Action> {
    return this.#run(options, (ref) => ({ force_unpublish: { stream, reason: options.reason ?? null, ref } }));
  }

  askUnmute(stream: StreamId, options: RequestOptions = {}): Promise<Action> {
    return this.#run(options, (ref) => ({ request_unmute: { stream, ref } }));
  }

  setRole(participant: ParticipantId, role: Role, options: RequestOptions = {}): Promise<Action> {
    return this.#run(options, (ref) => ({ set_role: { room: this.#room, participant, role, ref } }));
  }

  lock(options: RequestOptions = {}): Promise<Action> {
    return this.#run(options, (ref) => ({ lock_room: { room: this.#room, ref } }));
  }

  unlock(options: RequestOptions = {}): Promise<Action> {
    return this.#run(options, (ref) => ({ unlock_room: { room: this.#room, ref } }));
  }

  endRoom(options: RequestOptions = {}): Promise<Action> {
    return this.#run(
      options,
      (ref) => ({ end_room: { room: this.#room, ref } }),
      (action) => {
        this.#ending = action.version;
      },
    );
  }

  feed(options: { signal: AbortSignalLike }): Observable<ReadonlyMap<ParticipantId, FeedEntry>> {
    if (options.signal.aborted) return this.#feed;
    this.#feedReaders += 1;
    if (this.#feedReaders === 1) this.#setFeed(true);
    options.signal.addEventListener('abort', () => {
      this.#feedReaders -= 1;
      if (this.#feedReaders > 0) return;
      this.#feed.set(new Map());
      this.#setFeed(false);
    });
    return this.#feed;
  }

  /** The room was joined in a new session. */
  rejoined(): void {
    if (this.#feedReaders > 0) this.#setFeed(true);
  }

  /** A receipt arrived. */
  report(...report: Parameters<Actions['report']>): void {
    this.#actions.report(...report);
  }

  /** The session feed changed. */
  fed({ snapshot, changes }: SessionFeed): void {
    const entries = new Map(snapshot ? [] : this.#feed.value);
    for (const entry of changes) {
      // An entry without a state is of a session that ended.
      if (entry.state) entries.set(entry.participant, Object.freeze(entry));
      else entries.delete(entry.participant);
    }
    this.#feed.set(entries);
  }

  /** The room was left. Only the receipt of the command that ended it follows. */
  left(): void {
    this.#actions.end(this.#ending);
    this.#ending = undefined;
  }

  /** The session ended: no receipts follow. */
  end(): void {
    this.#actions.end();
  }

  async #run(
    options: RequestOptions,
    command: (ref: string) => Command,
    onAccepted?: (action: Action) => void,
  ): Promise<Action> {
    const ref = options.ref ?? this.#channel.newRef();
    let action: Action | undefined;
    const accepted = await this.#channel.call(command(ref), 'accepted', {
      ...options,
      ref,
      room: this.#room,
      onReply: (body) => {
        action = this.#actions.accept(body);
        onAccepted?.(action);
      },
    });
    return action ?? this.#actions.accept(accepted);
  }

  #setFeed(enabled: boolean): void {
    this.#channel
      .call({ set_session_feed: { room: this.#room, enabled } }, 'session_feed_set', { room: this.#room })
      .catch((error: unknown) => {
        this.#channel.report(error, 'feed');
      });
  }

  #targetOf(target: Target): { stream: StreamId } | Member {
    if (target.stream === undefined) return this.#memberOf(target);
    if (countTargets(target) !== 1) throw wrongTarget();
    return { stream: target.stream };
  }

  #memberOf(target: Exclude<Target, { readonly stream: StreamId }>): Member {
    if (countTargets(target) !== 1) throw wrongTarget();
    if (target.participant !== undefined) return { room: this.#room, participant: target.participant };
    return { room: this.#room, username: target.username };
  }
}

type Member = { room: string; participant: ParticipantId } | { room: string; username: string };

function countTargets(target: Target): number {
  return [target.stream, target.participant, target.username].filter((id) => typeof id === 'string').length;
}

function wrongTarget(): StagedoorError {
  return new StagedoorError('invalid_argument', 'expected exactly one of `stream`, `participant` and `username`', {
    hint: 'Give one target.',
    field: 'target',
  });
}
