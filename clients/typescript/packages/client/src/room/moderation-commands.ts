// The moderation commands of a room. Loaded when this client becomes a moderator.

import { onAbort } from '../core/abort.js';
import { StagedoorError } from '../core/errors.js';
import type { Store } from '../core/observable.js';
import type { BodyDraft, CommandName } from '../wire/commands.js';
import type { ModerationReport, SessionFeed } from '../wire/protocol.js';
import { type Action, makeActions } from './actions.js';
import type { Channel, RequestOptions } from './channel.js';
import type { ParticipantId, StreamId } from './model.js';
import type { Feed, Moderation, Target } from './moderation-api.js';

/** The moderation of one room. */
export interface ModerationCommands {
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

/** Makes the moderation of one room; the entries of its feed go to `feed`. */
export function makeModerationCommands(channel: Channel, feed: Store<Feed>): ModerationCommands {
  const { room, notifier } = channel;
  const actions = makeActions(notifier);
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
