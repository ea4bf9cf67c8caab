// Check 25: a hot reload replaces components, and keeps socket and membership.

import type { ReactElement } from 'react';
import refresh from 'react-refresh/runtime';
import { expect, it } from 'vitest';

import { faultProxy, started, unique, useGateway as gatewayOfFile } from '../../../client/tests/harness/index.js';

const used = gatewayOfFile();

it('a hot reload keeps socket and membership', async () => {
  // Before React is loaded.
  refresh.injectIntoGlobalHook(globalThis);
  const { showWith, silentConsole } = await import('../harness/index.js');
  const { useParticipants, useRoom } = await import('../../src/index.js');
  silentConsole();
  const proxy = await faultProxy(used.gateway);
  const made = await started(proxy);
  const name = unique('room');
  /** A version of a component; with another signature its state is not kept. */
  const version = (text: string, signature: string): (() => ReactElement) => {
    const Lobby = (): ReactElement => {
      const room = useRoom(name);
      const participants = useParticipants(room);
      return (
        <p>
          {text} {room.membership} {participants.length}
        </p>
      );
    };
    refresh.register(Lobby, 'Lobby');
    refresh.setSignature(Lobby, signature);
    return Lobby;
  };
  const Lobby = version('first', 'a');
  const screen = showWith(made, <Lobby />);
  await screen.shows('first in 1');
  version('second', 'a');
  refresh.performReactRefresh();
  await screen.shows('second in 1');
  version('third', 'b');
  refresh.performReactRefresh();
  await screen.shows('third in 1');
  const barrier = made.room(unique('barrier'));
  await barrier.join();
  const commands = proxy.texts('up').filter((text) => text.includes(name));
  expect([proxy.connections, commands.length]).toEqual([1, 1]);
});
