// The streams that this client subscribes to.

import { StagedoorError } from '../core/errors.js';
import type { Subscription } from './api.js';
import type { Channel, RequestOptions } from './channel.js';
import type { Stream, StreamId } from './model.js';

/** The subscriptions of one room. */
export interface Subscriptions {
  /** Subscribes to a stream. */
  readonly subscribe: (stream: StreamId, options?: RequestOptions) => Promise<Subscription>;
  /** Subscribes again: the room was joined in a new session. */
  renew(): void;
  /** A stream ended. */
  ended(stream: StreamId): void;
  /** The room was left. */
  clear(): void;
}

/** Makes the subscriptions of one room, renewed in a new session. */
export function makeSubscriptions(channel: Channel, streamOf: (id: StreamId) => Stream | undefined): Subscriptions {
  const wanted = new Set<StreamId>();
  const subscribe = async (stream: StreamId, options?: RequestOptions): Promise<Subscription> => {
    await channel.callOnce('subscribe', { stream }, 'subscribed', options);
    wanted.add(stream);
    return {
      stream,
      async relay(data, more) {
        const to = streamOf(stream)?.participant;
        if (to === undefined) throw new StagedoorError('stream_not_found', 'the stream ended');
        await channel.call('relay', { to, stream, data }, 'relayed', more);
      },
      async unsubscribe(more) {
        wanted.delete(stream);
        await channel.callOnce('unsubscribe', { stream }, 'unsubscribed', more);
      },
    };
  };
  return {
    subscribe,
    renew() {
      for (const stream of wanted) {
        if (streamOf(stream)) channel.inBackground(subscribe(stream), 'subscribe');
        else wanted.delete(stream);
      }
    },
    ended: (stream) => wanted.delete(stream),
    clear: () => wanted.clear(),
  };
}
