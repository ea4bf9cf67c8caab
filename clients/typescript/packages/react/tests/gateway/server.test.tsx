// Check 26: a server renders no session, and hydration is silent, also when the session is established by then.

import { StrictMode, type ReactElement } from 'react';
import { renderToString } from 'react-dom/server';
import { expect, it } from 'vitest';

import { manager, started, unique, useGateway as gatewayOfFile } from '../../../client/tests/harness/index.js';
import { StagedoorProvider, useConnection, useParticipants, useRoom, useSession, useStream } from '../../src/index.js';
import { show, silentConsole } from '../harness/index.js';

const used = gatewayOfFile();

function Page({ name }: { readonly name: string }): ReactElement {
  const { state, session } = useSession();
  const { status } = useConnection();
  const room = useRoom(name);
  const count = useParticipants(room, (all) => [all.length])[0];
  return (
    <p>{`${state} ${session?.user.username ?? 'none'} ${status} ${room.membership} ${String(count)} ${useStream(room, 'none')?.name ?? 'no stream'}`}</p>
  );
}

it('a server renders notLoggedIn, and hydration is silent', async () => {
  silentConsole();
  const name = unique('room');
  const tree = (of: ReturnType<typeof manager>): ReactElement => (
    <StrictMode>
      <StagedoorProvider manager={of}>
        <Page name={name} />
      </StagedoorProvider>
    </StrictMode>
  );
  const onServer = manager(used.gateway);
  const html = renderToString(tree(onServer));
  expect(html).toBe('<p>notLoggedIn none idle out 0 no stream</p>');
  expect(onServer.room(name).state.value.membership).toBe('out');
  const made = await started(used.gateway);
  await made.room(name).join();
  const screen = show(tree(made), html);
  await screen.shows(`established ${made.get()!.user.username} live in 1 no stream`);
});
