// The chat.

import { Icon } from '../../ui/icons.js';
import { useFollowEnd } from '../../ui/follow-end.js';
import { Name, Time } from '../../ui/text.js';
import { clamp } from '../../ui/clamp.js';
import { type ChatEntry, type Delivery, MAX_MESSAGE_CHARS } from '../model/chat.js';
import type { RoomSession } from '../model/room-session.js';

/** The chat. */
export function ChatPanel({ session }: { session: RoomSession }) {
  const { chat } = session;
  const entries = chat.entries.value;
  const { ref, hasMore, onScroll, toEnd } = useFollowEnd<HTMLDivElement>(entries);
  const maySend = session.state.value.capabilities.signal;
  return (
    <section class="panel chat" aria-labelledby="chat-title">
      <header class="panel-header">
        <h2 id="chat-title">Chat</h2>
      </header>
      <div class="chat-log" role="log" aria-labelledby="chat-title" tabIndex={0} ref={ref} onScroll={onScroll}>
        <ol>
          {entries.map((entry) => (
            <Entry key={entry.key} entry={entry} />
          ))}
        </ol>
      </div>
      {hasMore.value && (
        <button type="button" class="newer" onClick={toEnd}>
          Newer messages
        </button>
      )}
      <form
        class="chat-form"
        onSubmit={(event) => {
          event.preventDefault();
          chat.sendDraft();
        }}
      >
        <label class="visually-hidden" for="message">
          Message
        </label>
        <input
          id="message"
          autoComplete="off"
          maxLength={MAX_MESSAGE_CHARS}
          disabled={!maySend}
          placeholder={maySend ? 'Write to everyone' : 'Your role does not write'}
          value={chat.draft.value}
          onInput={(event) => (chat.draft.value = event.currentTarget.value)}
        />
        <button class="primary" disabled={!maySend} aria-label="Send">
          <Icon name="send" />
        </button>
      </form>
    </section>
  );
}

function Entry({ entry }: { entry: ChatEntry }) {
  if (entry.kind === 'notice') {
    return (
      <li class="notice">
        {entry.user !== undefined && <Name name={entry.user} />} {entry.text} <Time atMs={entry.atMs} />
      </li>
    );
  }
  return (
    <li class={entry.isOwn ? 'message own' : 'message'}>
      <div class="message-head">
        <Name name={entry.user ?? ''} />
        <Time atMs={entry.atMs} />
      </div>
      <p class="message-text">
        <bdi>{clamp(entry.text, MAX_MESSAGE_CHARS)}</bdi>
      </p>
      {entry.delivery && <DeliveryLine delivery={entry.delivery.value} />}
    </li>
  );
}

function DeliveryLine({ delivery }: { delivery: Delivery }) {
  switch (delivery.status) {
    case 'sending':
      return <p class="delivery muted">Sending…</p>;
    case 'sent':
      return (
        <p class="delivery muted">
          {delivery.recipients === 0 ? 'You are alone here' : `Delivered to ${String(delivery.recipients)}`}
        </p>
      );
    case 'failed':
      return (
        <p class="delivery warn-text">
          {delivery.why}{' '}
          <button type="button" class="link" onClick={delivery.repeat}>
            Send again
          </button>
        </p>
      );
  }
}
