// The streams that this client subscribes to.

import { StagedoorError } from '../core/errors.js';
import type { Subscription } from './api.js';
import type { Channel, RequestOptions } from './channel.js';
import type { Stream, StreamId } from './model.js';

/** The subscriptions of one room, renewed in a new session. */
export class Subscriptions {
  readonly #channel: Channel;
  readonly #room: string;
  readonly #streamOf: (id: StreamId) => Stream | undefined;
  readonly #wanted = new Set<StreamId>();

  constructor(channel: Channel, room: string, streamOf: (id: StreamId) => Stream | undefined) {
    this.#channel = channel;
    this.#room = room;
    this.#streamOf = streamOf;
  }

  /** Subscribes to a stream. */
  async subscribe(stream: StreamId, options: RequestOptions): Promise<Subscription> {
    const ref = options.ref ?? this.#channel.newRef();
    const request = { ...options, ref, room: this.#room };
    await this.#channel.call({ subscribe: { stream, ref } }, 'subscribed', request);
    this.#wanted.add(stream);
    return {
      stream,
      relay: (data, relayOptions = {}) => this.#relay(stream, data, relayOptions),
      unsubscribe: (unsubscribeOptions = {}) => this.#unsubscribe(stream, unsubscribeOptions),
    };
  }

  /** Subscribes again: the room was joined in a new session. */
  renew(): void {
    for (const stream of this.#wanted) {
      if (!this.#streamOf(stream)) this.#wanted.delete(stream);
      else
        this.subscribe(stream, {}).catch((error: unknown) => {
          this.#channel.report(error, 'subscribe');
        });
    }
  }

  /** A stream ended. */
  ended(stream: StreamId): void {
    this.#wanted.delete(stream);
  }

  /** The room was left. */
  clear(): void {
    this.#wanted.clear();
  }

  async #relay(stream: StreamId, data: unknown, options: RequestOptions): Promise<void> {
    const to = this.#streamOf(stream)?.participant;
    if (to === undefined) throw new StagedoorError('stream_not_found', 'the stream ended');
    await this.#channel.call({ relay: { to, stream, data } }, 'relayed', { ...options, room: this.#room });
  }

  async #unsubscribe(stream: StreamId, options: RequestOptions): Promise<void> {
    this.#wanted.delete(stream);
    const ref = options.ref ?? this.#channel.newRef();
    await this.#channel.call({ unsubscribe: { stream, ref } }, 'unsubscribed', { ...options, ref, room: this.#room });
  }
}
