// The chat of one room: a bounded list of messages and notices, and the draft.

import type { Room } from '@stagedoor/client';
import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { newRef } from './ref.js';
import { sentenceOf } from './sentences.js';

/** The signals of the page. */
export interface DemoSignals {
  readonly chat: { readonly text: string };
}

/** A line of the chat. */
export interface ChatEntry {
  readonly key: number;
  readonly atMs: number;
  readonly kind: 'message' | 'notice';
  /** The sender, or the subject of a notice. */
  readonly user: string | undefined;
  readonly isOwn: boolean;
  readonly text: string;
  /** What became of an own message. */
  readonly delivery: ReadonlySignal<Delivery> | undefined;
}

/** What became of an own message. */
export type Delivery =
  | { readonly status: 'sending' }
  | { readonly status: 'sent'; readonly recipients: number }
  | { readonly status: 'failed'; readonly why: string; readonly repeat: () => void };

/** Longer messages are not sent. */
export const MAX_MESSAGE_CHARS = 1_000;

/** Older entries are removed. */
const MAX_ENTRIES = 300;

/** The chat. */
export class Chat {
  readonly entries = signal<readonly ChatEntry[]>([]);
  readonly draft = signal('');
  readonly #room: Room<DemoSignals>;
  readonly #self: () => string;
  #nextKey = 0;

  constructor(room: Room<DemoSignals>, self: () => string, signals: AbortSignal) {
    this.#room = room;
    this.#self = self;
    room.on(
      'signal',
      ({ data, from }) => {
        this.#add({ kind: 'message', user: from?.username ?? 'server', text: data.text });
      },
      { signal: signals },
    );
  }

  /** Adds a line that no participant wrote. The name of `user` precedes `text`. */
  notice(text: string, user?: string): void {
    this.#add({ kind: 'notice', user, text });
  }

  /** Sends the draft. */
  sendDraft(): void {
    const text = this.draft.value.trim();
    if (text === '') return;
    this.draft.value = '';
    const delivery = signal<Delivery>({ status: 'sending' });
    this.#add({ kind: 'message', user: this.#self(), isOwn: true, text, delivery });
    this.#send(text, newRef(), delivery);
  }

  #send(text: string, ref: string, delivery: Signal<Delivery>): void {
    delivery.value = { status: 'sending' };
    this.#room.send('chat', { text }, { ref }).then(
      ({ recipients }) => {
        delivery.value = { status: 'sent', recipients };
      },
      (error: unknown) => {
        const repeat = (): void => {
          this.#send(text, ref, delivery);
        };
        delivery.value = { status: 'failed', why: sentenceOf(error).what, repeat };
      },
    );
  }

  #add(entry: Pick<ChatEntry, 'kind' | 'user' | 'text'> & Partial<ChatEntry>): void {
    this.#nextKey += 1;
    const added = { isOwn: false, delivery: undefined, ...entry, key: this.#nextKey, atMs: Date.now() };
    this.entries.value = [...this.entries.value.slice(1 - MAX_ENTRIES), added];
  }
}

/** Reads a chat signal; throws if it is none. */
export function parseChat(data: unknown): { text: string } {
  if (typeof data === 'object' && data !== null && 'text' in data && typeof data.text === 'string') {
    return { text: data.text };
  }
  throw new TypeError('expected { text }');
}
