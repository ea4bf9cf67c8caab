import type { StagedoorError } from '@stagedoor/client';
import {
  type RoomView,
  useConnection,
  useParticipants,
  useRoom,
  useSession,
  useSessionManager,
  useSignal,
} from '@stagedoor/react';
import { type ReactElement, useState } from 'react';

interface Signals {
  chat: { text: string };
}

const signals = { chat: parseChat };

export function App(): ReactElement {
  const { session, state } = useSession();
  return session ? <Chat username={session.user.username} /> : <Entry isBusy={state === 'establishing'} />;
}

function Entry({ isBusy }: { readonly isBusy: boolean }): ReactElement {
  const manager = useSessionManager();
  const [error, setError] = useState<StagedoorError>();
  const enter = async (form: FormData): Promise<void> => {
    setError((await manager.start({ guest: textOf(form, 'name') })).error);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void enter(new FormData(event.currentTarget));
      }}
    >
      <input name="name" placeholder="Your name" aria-label="Your name" required />
      <button disabled={isBusy}>Enter</button>
      {error && (
        <p role="alert">
          {error.message}. {error.hint}
        </p>
      )}
    </form>
  );
}

function Chat({ username }: { readonly username: string }): ReactElement {
  const manager = useSessionManager();
  const room = useRoom<Signals>('lobby', { signals });
  const { status } = useConnection();
  return (
    <main>
      <header>
        <span>{username}</span>
        <span role="status">{room.left?.error?.hint ?? (status === 'live' ? room.membership : status)}</span>
        <button onClick={() => void manager.stop()}>Leave</button>
      </header>
      <Roster room={room} />
      <Messages room={room} />
    </main>
  );
}

function Roster({ room }: { readonly room: RoomView<Signals> }): ReactElement {
  return (
    <ul aria-label="Participants">
      {useParticipants(room).map(({ id, username, link }) => (
        <li key={id}>
          <bdi>{username}</bdi>
          {link === 'suspended' && ' (away)'}
        </li>
      ))}
    </ul>
  );
}

function Messages({ room }: { readonly room: RoomView<Signals> }): ReactElement {
  const [messages, setMessages] = useState<readonly { from: string; text: string }[]>([]);
  const [error, setError] = useState<StagedoorError>();
  const add = (from: string, text: string): void => {
    setMessages((before) => [...before.slice(-199), { from, text }]);
  };
  useSignal(room, 'chat', ({ from, data }) => {
    add(from?.username ?? 'server', data.text);
  });
  const send = async (text: string): Promise<void> => {
    try {
      await room.send('chat', { text });
      add('you', text);
      setError(undefined);
    } catch (thrown) {
      setError(thrown as StagedoorError);
    }
  };
  return (
    <>
      <div role="log" aria-label="Messages">
        {messages.map(({ from, text }, index) => (
          <p key={index}>
            <bdi>{from}</bdi>: <bdi>{text}</bdi>
          </p>
        ))}
      </div>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const form = event.currentTarget;
          void send(textOf(new FormData(form), 'text'));
          form.reset();
        }}
      >
        <input name="text" placeholder="Message" aria-label="Message" required maxLength={1000} />
        <button disabled={room.membership !== 'in'}>Send</button>
      </form>
      {error && (
        <p role="alert">
          {error.message}. {error.hint}
        </p>
      )}
    </>
  );
}

/** Others may send anything. */
function parseChat(data: unknown): Signals['chat'] {
  const { text } = data as { text?: unknown };
  if (typeof text !== 'string') throw new TypeError('text: expected a string');
  return { text };
}

function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value.trim() : '';
}
