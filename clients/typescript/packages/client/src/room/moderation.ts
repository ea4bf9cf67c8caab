// The moderation commands of a room.

import { type AbortSignalLike, onAbort } from '../core/abort.js';
import { StagedoorError } from '../core/errors.js';
import { type Observable, Store } from '../core/observable.js';
import type { BodyDraft, CommandName } from '../wire/commands.js';
import type { FeedEntry, ModerationReport, SessionFeed } from '../wire/protocol.js';
import { type Action, makeActions } from './actions.js';
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
export interface ModerationParts {
  /** The commands, as programs see them. */
  readonly moderation: Moderation;
  /** A receipt arrived. */
  readonly report: (report: ModerationReport) => void;
  /** The session feed changed. */
  readonly fed: (feed: SessionFeed) => void;
  /** The room was joined in a new session. */
  rejoined(): void;
  /** The room was left. Only the receipt of the command that ended it follows. */
  left(): void;
  /** The session ended: no receipts follow. */
  end(): void;
}

/** Makes the moderation of one room. */
export function makeModeration(channel: Channel): ModerationParts {
  const { room, notifier } = channel;
  const actions = makeActions(notifier);
  const feed = new Store<ReadonlyMap<ParticipantId, FeedEntry>>(notifier, 'feed', new Map());
  let feedReaders = 0;
  /** The version of the own command that ended the room, until the room is left. */
  let ending: number | undefined;

  const run = <C extends CommandName>(command: C, body: BodyDraft<C>, options?: RequestOptions): Promise<Action> =>
    channel.callOnce(command, body, 'accepted', {
      ...options,
      onReply(accepted) {
        if (command === 'end_room') ending = accepted.version;
        return actions.accept(accepted);
      },
    });

  const setFeed = (enabled: boolean): void =>
    channel.inBackground(channel.call('set_session_feed', { room, enabled }, 'session_feed_set'), 'feed');

  const targetOf = (target: Target): StreamTarget | MemberTarget =>
    target.stream === undefined ? memberOf(target) : { stream: onlyOne(target).stream };
  const memberOf = (target: Target): MemberTarget => {
    const { participant, username } = onlyOne(target);
    return { room, participant, username } as MemberTarget;
  };

  return {
    moderation: {
      mute: async (target, { lock = false, ...options } = {}) =>
        run('force_mute', { ...targetOf(target), lock }, options),
      lift: async (target, options) => run('lift_mute', targetOf(target), options),
      muteAll: ({ except = [], includeSelf, lock, ...options } = {}) =>
        run('force_mute_all', { room, except: [...except], include_self: includeSelf, lock }, options),
      endMuteAll: (options) => run('disable_force_mute', { room }, options),
      remove: async (target, { block, reason, ...options } = {}) => {
        const { forMs, scope } = block ?? {};
        return run(
          'force_disconnect',
          { ...memberOf(target), block: block && { for_ms: forMs, scope }, reason },
          options,
        );
      },
      unblock: (username, { scope, ...options } = {}) => run('unblock', { room, username, scope }, options),
      unpublish: (stream, { reason, ...options } = {}) => run('force_unpublish', { stream, reason }, options),
      askUnmute: (stream, options) => run('request_unmute', { stream }, options),
      setRole: (participant, role, options) => run('set_role', { room, participant, role }, options),
      lock: (options) => run('lock_room', { room }, options),
      unlock: (options) => run('unlock_room', { room }, options),
      endRoom: (options) => run('end_room', { room }, options),
      feed({ signal }) {
        if (signal.aborted) return feed;
        feedReaders += 1;
        if (feedReaders === 1) setFeed(true);
        onAbort(signal, () => {
          feedReaders -= 1;
          if (feedReaders > 0) return;
          feed.set(new Map());
          setFeed(false);
        });
        return feed;
      },
    },
    report: actions.report,
    fed({ snapshot, changes }) {
      const entries = new Map(snapshot ? [] : feed.value);
      for (const entry of changes) {
        // An entry without a state is of a session that ended.
        if (entry.state) entries.set(entry.participant, Object.freeze(entry));
        else entries.delete(entry.participant);
      }
      feed.set(entries);
    },
    rejoined() {
      if (feedReaders > 0) setFeed(true);
    },
    left() {
      actions.end(ending);
      ending = undefined;
    },
    end: () => actions.end(),
  };
}

type StreamTarget = { stream: StreamId };
type MemberTarget = { room: string; participant: ParticipantId } | { room: string; username: string };

/** Checks at run time that there is exactly one target. */
function onlyOne<T extends Target>(target: T): T {
  const ids = [target.stream, target.participant, target.username].filter((id) => typeof id === 'string');
  if (ids.length === 1) return target;
  throw new StagedoorError('invalid_argument', 'expected exactly one of `stream`, `participant` and `username`', {
    hint: 'Give one target.',
    field: 'target',
  });
}
