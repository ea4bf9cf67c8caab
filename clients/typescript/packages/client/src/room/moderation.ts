// Moderation before its commands are loaded: each of them waits for its module, and keeps its place among the calls.

import { type Lazy, makeLazy, mapLazy } from '../core/lazy.js';
import { Store } from '../core/observable.js';
import type { Action } from './actions.js';
import type { Channel, RequestOptions } from './channel.js';
import type { Feed, Moderation } from './moderation-api.js';
import type { ModerationCommands } from './moderation-commands.js';

const module = makeLazy(() => import('./moderation-commands.js'));

/** Makes the moderation of one room. Until `commands` are loaded, no report can arrive: none of them was sent. */
export function makeModeration(channel: Channel): { moderation: Moderation; commands: Lazy<ModerationCommands> } {
  const feed = new Store<Feed>(channel.notifier, 'feed', new Map());
  const commands = mapLazy(module, ({ makeModerationCommands }) => makeModerationCommands(channel, feed));
  const run = (
    options: RequestOptions | undefined,
    use: (moderation: Moderation) => Promise<Action>,
  ): Promise<Action> => channel.with(commands, ({ moderation }) => use(moderation), options);
  return {
    commands,
    moderation: {
      mute: (target, options) => run(options, (of) => of.mute(target, options)),
      lift: (target, options) => run(options, (of) => of.lift(target, options)),
      muteAll: (options) => run(options, (of) => of.muteAll(options)),
      endMuteAll: (options) => run(options, (of) => of.endMuteAll(options)),
      remove: (target, options) => run(options, (of) => of.remove(target, options)),
      unblock: (username, options) => run(options, (of) => of.unblock(username, options)),
      unpublish: (stream, options) => run(options, (of) => of.unpublish(stream, options)),
      askUnmute: (stream, options) => run(options, (of) => of.askUnmute(stream, options)),
      setRole: (participant, role, options) => run(options, (of) => of.setRole(participant, role, options)),
      lock: (options) => run(options, (of) => of.lock(options)),
      unlock: (options) => run(options, (of) => of.unlock(options)),
      endRoom: (options) => run(options, (of) => of.endRoom(options)),
      feed(options) {
        const started = channel.with(commands, ({ moderation }) => Promise.resolve(moderation.feed(options)));
        channel.inBackground(started, 'feed');
        return feed;
      },
    },
  };
}
