// Check 25: one WebSocket, one join, and one leave, however often React mounts.

import { Fragment, StrictMode, type ReactElement, type ReactNode, useState } from 'react';
import { expect, it } from 'vitest';

import {
  deferred,
  type FaultProxy,
  faultProxy,
  manager,
  started,
  unique,
  until,
  useGateway as gatewayOfFile,
} from '../../../client/tests/harness/index.js';
import { StagedoorProvider, useConnection, useParticipants, useRoom, useSession } from '../../src/index.js';
import { consoleOutput, show, showWith, silentConsole } from '../harness/index.js';

const used = gatewayOfFile();

/** All that a page shows of a room. */
function Lobby({ name }: { readonly name: string }): ReactElement {
  const room = useRoom(name);
  const { state } = useSession();
  const { status } = useConnection();
  const participants = useParticipants(room);
  return (
    <p>
      {name} {room.membership} {state} {status} {room.left?.error?.code ?? room.left?.why ?? participants.length}
    </p>
  );
}

/** The commands of a kind that passed. */
function sent(proxy: FaultProxy, command: 'join' | 'leave', room: string): number {
  return proxy.texts('up').filter((text) => text.includes(`"${command}":{"room":"${room}"`)).length;
}

/** Waits until everything that was sent before has passed. */
async function settle(of: { room(name: string): { join(): Promise<void>; leave(): Promise<void> } }): Promise<void> {
  const barrier = of.room(unique('barrier'));
  await barrier.join();
  await barrier.leave();
}

it('strict mode has one socket, one join and one leave', async () => {
  silentConsole();
  const proxy = await faultProxy(used.gateway);
  const made = manager(proxy);
  const name = unique('room');
  const screen = showWith(
    made,
    <StrictMode>
      <Lobby name={name} />
    </StrictMode>,
  );
  const starting = made.start({ guest: unique('ada') });
  await screen.shows(`${name} in established live`);
  await starting;
  await settle(made);
  expect([proxy.connections, sent(proxy, 'join', name), sent(proxy, 'leave', name)]).toEqual([1, 1, 0]);
  screen.unmount();
  await until(made.room(name).state, ({ membership }) => membership === 'out');
  await settle(made);
  expect([proxy.connections, sent(proxy, 'join', name), sent(proxy, 'leave', name)]).toEqual([1, 1, 1]);
  expect(made.errors).toEqual([]);
});

it('a new key keeps the membership', async () => {
  silentConsole();
  const proxy = await faultProxy(used.gateway);
  const made = await started(proxy);
  const name = unique('room');
  const tree = (key: string): ReactNode => (
    <StagedoorProvider manager={made}>
      <Fragment key={key}>
        <Lobby name={name} />
        <i>{key}</i>
      </Fragment>
    </StagedoorProvider>
  );
  const screen = show(tree('first'));
  await screen.shows(`${name} in`);
  for (const key of ['second', 'third']) {
    screen.render(tree(key));
    await screen.shows(key);
  }
  await settle(made);
  expect([sent(proxy, 'join', name), sent(proxy, 'leave', name)]).toEqual([1, 0]);
  await screen.shows(`${name} in`);
});

it('a room is left after the last of its components', async () => {
  silentConsole();
  const proxy = await faultProxy(used.gateway);
  const made = await started(proxy);
  const name = unique('room');
  const tree = (count: number): ReactNode => (
    <StagedoorProvider manager={made}>
      {Array.from({ length: count }, (_, index) => (
        <Lobby key={index} name={name} />
      ))}
      <i>{count} lobbies</i>
    </StagedoorProvider>
  );
  const screen = show(tree(2));
  await screen.shows(new RegExp(`${name} in.*${name} in`));
  screen.render(tree(1));
  await screen.shows('1 lobbies');
  await settle(made);
  expect([sent(proxy, 'join', name), sent(proxy, 'leave', name)]).toEqual([1, 0]);
  screen.render(tree(0));
  await proxy.frame('up', (text) => text.includes('"leave"') && text.includes(name));
  await settle(made);
  expect(sent(proxy, 'leave', name)).toBe(1);
});

it('another name leaves one room and joins the other', async () => {
  silentConsole();
  const proxy = await faultProxy(used.gateway);
  const made = await started(proxy);
  const [first, second] = [unique('room'), unique('room')];
  const tree = (name: string): ReactNode => (
    <StagedoorProvider manager={made}>
      <Lobby name={name} />
    </StagedoorProvider>
  );
  const screen = show(tree(first));
  await screen.shows(`${first} in`);
  screen.render(tree(second));
  await screen.shows(`${second} in`);
  await settle(made);
  expect([first, second].map((name) => [sent(proxy, 'join', name), sent(proxy, 'leave', name)])).toEqual([
    [1, 1],
    [1, 0],
  ]);
});

/** A component that was unmounted while its join was on its way: it waits in the proxy. */
async function unmountedDuringJoin() {
  silentConsole();
  const proxy = await faultProxy(used.gateway);
  const made = await started(proxy);
  const name = unique('room');
  proxy.rule({ way: 'up', match: (text) => text.includes(name), fault: { kind: 'hold' } });
  const screen = showWith(made, <Lobby name={name} />);
  await screen.shows(`${name} joining`);
  await proxy.frame('up', (text) => text.includes(name));
  screen.unmount();
  await until(made.room(name).state, ({ membership }) => membership === 'out');
  return { proxy, made, name };
}

it('an unmount during the join leaves once', async () => {
  const { proxy, made, name } = await unmountedDuringJoin();
  proxy.release('up');
  await proxy.frame('up', (text) => text.includes('"leave"') && text.includes(name));
  await settle(made);
  expect([sent(proxy, 'join', name), sent(proxy, 'leave', name)]).toEqual([1, 1]);
  expect(await used.gateway.usernames(name)).toEqual([]);
  expect(made.errors).toEqual([]);
});

it('a new mount during the join of the former one ends in the room', async () => {
  const { proxy, made, name } = await unmountedDuringJoin();
  const screen = showWith(made, <Lobby name={name} />);
  await screen.shows(`${name} joining`);
  proxy.release('up');
  await screen.shows(`${name} in established live 1`);
  await settle(made);
  expect(await used.gateway.usernames(name)).toHaveLength(1);
});

it('an unmount before the session starts sends nothing', async () => {
  silentConsole();
  const proxy = await faultProxy(used.gateway);
  const made = manager(proxy);
  const name = unique('room');
  const screen = showWith(made, <Lobby name={name} />);
  await screen.shows(`${name} out notLoggedIn`);
  screen.unmount();
  await Promise.resolve();
  await made.start({ guest: unique('ada') });
  await settle(made);
  expect([sent(proxy, 'join', name), sent(proxy, 'leave', name)]).toEqual([0, 0]);
});

it('another session manager joins, and the former one leaves', async () => {
  silentConsole();
  const [former, next] = [await started(used.gateway), await started(used.gateway)];
  const name = unique('room');
  const tree = (of: typeof former): ReactNode => (
    <StagedoorProvider manager={of}>
      <Lobby name={name} />
    </StagedoorProvider>
  );
  const screen = show(tree(former));
  await screen.shows(`${name} in`);
  screen.render(tree(next));
  await until(next.room(name).state, ({ membership }) => membership === 'in');
  await until(next.room(name).participants, (all) => all.size === 1);
  expect(former.room(name).state.value.membership).toBe('out');
});

it('a room is joined in the next session', async () => {
  silentConsole();
  const made = manager(used.gateway);
  const name = unique('room');
  const screen = showWith(made, <Lobby name={name} />);
  for (const guest of [unique('ada'), unique('grace')]) {
    await screen.shows(`${name} out notLoggedIn`);
    await made.start({ guest });
    await screen.shows(`${name} in established`);
    expect(await used.gateway.usernames(name)).toEqual([guest]);
    await made.stop();
  }
  await screen.shows(`${name} out notLoggedIn idle stopped`);
});

it('a room is joined once the connection is back', async () => {
  silentConsole();
  const proxy = await faultProxy(used.gateway);
  const made = await started(proxy, { requestTimeoutMs: 2_000 });
  const name = unique('room');
  proxy.refuse(true);
  proxy.cut();
  await until(made.connection, ({ status }) => status === 'waiting');
  const screen = showWith(made, <Lobby name={name} />);
  await screen.shows(/out established \w+ deadline/);
  proxy.refuse(false);
  made.retryNow();
  await screen.shows(`${name} in established live`);
});

it('a refused join says why and does not reject', async () => {
  silentConsole();
  const made = await started(used.gateway);
  const name = unique('room');
  const token = await used.gateway.roomToken({ room: unique('other'), username: made.get()?.user.username });
  const left = deferred<string>();
  function Refused(): ReactElement {
    const { left: why } = useRoom(name, { token });
    if (why?.error) left.resolve(`${why.why} ${why.error.code}`);
    return <p>{why?.error?.hint}</p>;
  }
  const screen = showWith(made, <Refused />);
  expect(await left.promise).toBe('refused token_invalid');
  expect(screen.text).not.toBe('');
});

it('a room that the program left is not joined again', async () => {
  silentConsole();
  const proxy = await faultProxy(used.gateway);
  const made = await started(proxy);
  const name = unique('room');
  const screen = showWith(made, <Lobby name={name} />);
  await screen.shows(`${name} in`);
  await made.room(name).leave();
  await screen.shows(`${name} out established live left`);
  proxy.cut();
  await proxy.frame('up', (text) => text.includes('"resume"'));
  await settle(made);
  await screen.shows(`${name} out established live left`);
  expect(sent(proxy, 'join', name)).toBe(1);
  await made.room(name).join();
  await screen.shows(`${name} in established live 1`);
});

it('a removed participant knows until when', async () => {
  silentConsole();
  const made = await started(used.gateway);
  const name = unique('room');
  function Removed(): ReactElement {
    const { membership, left } = useRoom(name);
    return (
      <p>
        {membership} {left?.reason} {typeof left?.untilMs}
      </p>
    );
  }
  const screen = showWith(made, <Removed />);
  await screen.shows(/^in/);
  const { username } = made.get()!.user;
  await used.gateway.api('POST', `rooms/${name}/force_disconnect`, {
    username,
    reason: 'spam',
    block: { scope: 'room', for_ms: 60_000 },
  });
  await screen.shows('removed spam number');
});

it('options are those of the newest render', async () => {
  silentConsole();
  const made = await started(used.gateway);
  const name = unique('room');
  const output: number[] = [];
  function Counter(): ReactElement {
    const [count, setCount] = useState(0);
    useRoom(name, { data: String(count), signals: {} });
    output.push(count);
    return <button onClick={() => setCount(count + 1)}>{count}</button>;
  }
  const screen = showWith(made, <Counter />);
  await until(made.room(name).state, ({ membership }) => membership === 'in');
  screen.element.querySelector('button')?.click();
  await screen.shows('1');
  await made.room(name).leave();
  await made.room(name).join();
  expect(made.room(name).state.value.me?.data).toBe('1');
});

it('without a provider an error boundary gets an error that says what to do', async () => {
  const output = consoleOutput();
  const { Component } = await import('react');
  class Boundary extends Component<{ children: ReactNode }, { error?: unknown }> {
    override state: { error?: unknown } = {};
    static getDerivedStateFromError(error: unknown): { error: unknown } {
      return { error };
    }
    override render(): ReactNode {
      const { error } = this.state as { error?: { name: string; code: string; hint: string } };
      return error ? `${error.name} ${error.code} ${error.hint}` : this.props.children;
    }
  }
  for (const tree of [
    <Lobby key="a" name="lobby" />,
    <StagedoorProvider key="b" manager={undefined as never}>
      <Lobby name="lobby" />
    </StagedoorProvider>,
  ]) {
    const screen = show(<Boundary>{tree}</Boundary>);
    await screen.shows(
      'MissingProviderError no_provider Render the component inside <StagedoorProvider manager={manager}>.',
    );
  }
  expect(output).not.toEqual([]);
});
