// Check 26: all hooks with 300 participants, of which one changes.

import { memo, type ReactElement } from 'react';
import { expect, it } from 'vitest';
import WebSocket from 'ws';
import type { Participant, Room, SignalEvent } from '@stagedoor/client';

import {
  cleanUp,
  deferred,
  demo,
  started,
  unique,
  until,
  useGateway as gatewayOfFile,
} from '../../../client/tests/harness/index.js';
import {
  StagedoorProvider,
  useConnection,
  useParticipants,
  useRoom,
  useSession,
  useSignal,
  useStream,
} from '../../src/index.js';
import { showWith, silentConsole } from '../harness/index.js';

const CROWD = 300;

/** Rooms of this size list everybody. */
const used = gatewayOfFile(
  demo(`
roster_limit = ${String(CROWD)}
[limits]
starts_per_s_per_address = 1000
pending_connections_per_address = 500
`),
);

it('one of 300 participants changes, and one row renders', async () => {
  silentConsole();
  const room = unique('room');
  const made = await started(used.gateway);
  const rendered: string[] = [];
  let lists = 0;
  let moderators = 0;
  const Row = memo(function Row({ participant }: { readonly participant: Participant }) {
    rendered.push(participant.username);
    return (
      <li>
        {participant.username}: {participant.role}
      </li>
    );
  });
  function List(): ReactElement {
    const view = useRoom(room);
    useSession();
    useConnection();
    useStream(view, 'none');
    useSignal(view, 'chat', () => undefined);
    lists += 1;
    return (
      <ul>
        {useParticipants(view).map((participant) => (
          <Row key={participant.id} participant={participant} />
        ))}
      </ul>
    );
  }
  function Moderators(): ReactElement {
    const names = useParticipants(made.room(room), (all) =>
      all.filter(({ role }) => role === 'moderator').map((one) => one.username),
    );
    moderators += 1;
    return <b>{names.join()} moderate</b>;
  }
  const screen = showWith(
    made,
    <>
      <List />
      <Moderators />
    </>,
  );
  await until(made.room(room).state, ({ membership }) => membership === 'in');
  const { moderation } = await moderatorOf(room);
  const others = await crowd(room, CROWD - 2);
  await until(made.room(room).participants, (all) => all.size === CROWD);
  await expect.poll(() => screen.element.querySelectorAll('li').length, { timeout: 20_000 }).toBe(CROWD);
  const [one, another] = others;
  rendered.length = 0;
  const [listsBefore, moderatorsBefore] = [lists, moderators];
  await moderation.setRole(one!.id, 'subscriber');
  await screen.shows(`${one!.username}: subscriber`);
  expect(rendered).toEqual([one!.username]);
  expect([lists, moderators]).toEqual([listsBefore + 1, moderatorsBefore]);
  await moderation.setRole(another!.id, 'moderator');
  await screen.shows(`${another!.username} moderate`);
  expect(rendered).toEqual([one!.username, another!.username]);
  expect([lists, moderators]).toEqual([listsBefore + 2, moderatorsBefore + 1]);
});

/** The room, as a moderator sees it. */
async function moderatorOf(room: string): Promise<Room> {
  const boss = (await started(used.gateway)).room(room, {
    token: () => used.gateway.roomToken({ room, role: 'moderator' }),
  });
  await boss.join();
  return boss;
}

/** One of many participants: what it receives is not kept, so that a crowd costs little. */
interface Extra {
  readonly id: string;
  readonly username: string;
}

/** Sessions that joined a room. */
async function crowd(room: string, size: number): Promise<Extra[]> {
  const all: Extra[] = [];
  while (all.length < size) {
    const batch = Array.from({ length: Math.min(50, size - all.length) }, () => enter(room));
    all.push(...(await Promise.all(batch)));
  }
  return all;
}

/** Starts a session, joins the room and stays. */
function enter(room: string): Promise<Extra> {
  const username = unique('extra');
  const socket = new WebSocket(`${used.gateway.url.replace('http', 'ws')}/v1/connect`, 'stagedoor.v1.json');
  cleanUp(() => socket.terminate());
  return new Promise((resolve, reject) => {
    const send = (message: object): void => socket.send(JSON.stringify(message));
    socket.on('error', reject);
    socket.on('open', () =>
      send({ id: 1, start: { app: 'demo', instance: unique('i'), username, credentials: { guest: {} } } }),
    );
    socket.on('message', (data: Buffer) => {
      const text = data.toString();
      if (text.startsWith('{"ping"')) send({ pong: { seq: 0 } });
      if (!text.includes('"id":')) return;
      const { id, ok, error } = JSON.parse(text) as {
        id?: number;
        ok?: { joined?: { participant: Extra } };
        error?: unknown;
      };
      if (error) reject(new Error(text));
      else if (id === 1) send({ id: 2, join: { room } });
      else if (id === 2 && ok?.joined) resolve(ok.joined.participant);
    });
  });
}

it('signals reach the newest function, and streams appear and end', async () => {
  silentConsole();
  interface Signals {
    chat: { text: string };
    other: null;
  }
  const name = unique('room');
  const [made, peer] = [await started(used.gateway), await started(used.gateway)];
  const peerRoom = peer.room<Signals>(name, {
    signals: { chat: (data) => data as { text: string }, other: () => null },
  });
  await peerRoom.join();
  const published = await peerRoom.publish({ kind: 'screen', hasAudio: false, hasVideo: true, name: 'slides' });
  const id = published.stream.value!.id;
  const got: string[] = [];
  const second = deferred();
  function Chat({ prefix }: { readonly prefix: string }): ReactElement {
    const room = useRoom<Signals>(name, { signals: { chat: (data) => data as { text: string }, other: () => null } });
    const stream = useStream(room, id);
    useSignal(room, 'chat', ({ data, from }: Extract<SignalEvent<Signals>, { name: 'chat' }>) => {
      got.push(`${prefix} ${data.text} ${from?.username ?? ''}`);
      if (got.length === 2) second.resolve();
    });
    return (
      <p>
        {prefix} {room.membership} {stream?.name ?? 'no stream'}
      </p>
    );
  }
  const tree = (prefix: string): ReactElement => (
    <StagedoorProvider manager={made}>
      <Chat prefix={prefix} />
    </StagedoorProvider>
  );
  const screen = showWith(made, tree('one'));
  await screen.shows('one in slides');
  await peerRoom.send('other', null);
  await peerRoom.send('chat', { text: 'hello' });
  await expect.poll(() => got.length, { timeout: 20_000 }).toBe(1);
  screen.render(<StagedoorProvider manager={made}>{tree('two')}</StagedoorProvider>);
  await screen.shows('two in slides');
  await peerRoom.send('chat', { text: 'again' });
  await second.promise;
  const { username } = peer.get()!.user;
  expect(got).toEqual([`one hello ${username}`, `two again ${username}`]);
  await published.unpublish();
  await screen.shows('two in no stream');
});
