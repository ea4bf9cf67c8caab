// Check 26: all hooks with 300 participants, of which one changes.

import { memo, type ReactElement } from 'react';
import { expect, it } from 'vitest';
import type { Participant, SignalEvent } from '@stagedoor/client';

import {
  deferred,
  faultProxy,
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

const used = gatewayOfFile();

it('one of 300 participants changes, and one row renders', async () => {
  silentConsole();
  const room = unique('room');
  const proxy = await faultProxy(used.gateway);
  const made = await started(proxy);
  /** Pushes as those of a gateway with a large room. */
  let [seq, version] = [0, 1_000];
  const push = (name: string, body: object): void => {
    seq = Math.max(seq, ...proxy.texts('down').map((text) => (JSON.parse(text) as { seq?: number }).seq ?? 0)) + 1;
    proxy.inject(JSON.stringify({ seq, [name]: { room, version: (version += 1), ...body } }));
  };
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
    return <b>{names.join()} moderates</b>;
  }
  const screen = showWith(
    made,
    <>
      <List />
      <Moderators />
    </>,
  );
  await until(made.room(room).state, ({ membership }) => membership === 'in');
  for (let index = 1; index < CROWD; index += 1) {
    const participant = {
      id: `p${String(index)}`,
      username: `guest-${String(index)}`,
      role: 'publisher',
      link: 'live',
      mute_locked: false,
    };
    push('participant_joined', { participant });
  }
  await screen.shows(`guest-${String(CROWD - 1)}: publisher`);
  expect(screen.element.querySelectorAll('li')).toHaveLength(CROWD);
  rendered.length = 0;
  const [listsBefore, moderatorsBefore] = [lists, moderators];
  push('role_changed', { participant: 'p7', role: 'subscriber' });
  await screen.shows('guest-7: subscriber');
  expect(rendered).toEqual(['guest-7']);
  expect([lists, moderators]).toEqual([listsBefore + 1, moderatorsBefore]);
  push('role_changed', { participant: 'p8', role: 'moderator' });
  await screen.shows('guest-8 moderates');
  expect(rendered).toEqual(['guest-7', 'guest-8']);
  expect([lists, moderators]).toEqual([listsBefore + 2, moderatorsBefore + 1]);
});

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
  await expect.poll(() => got.length).toBe(1);
  screen.render(<StagedoorProvider manager={made}>{tree('two')}</StagedoorProvider>);
  await screen.shows('two in slides');
  await peerRoom.send('chat', { text: 'again' });
  await second.promise;
  const { username } = peer.get()!.user;
  expect(got).toEqual([`one hello ${username}`, `two again ${username}`]);
  await published.unpublish();
  await screen.shows('two in no stream');
});
