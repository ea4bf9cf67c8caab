// Imports the client, makes a manager, and starts a session, in any runtime.
import { calls } from './watch.js';
import * as client from '@stagedoor/client';

export async function run({ gateway, guest }) {
  const manager = new client.SessionManager({ url: gateway, app: 'demo' });
  const room = manager.room('lobby');
  const effects = [...calls];
  const { error, session } = await manager.start({ guest });
  if (session) await room.join();
  const { membership } = room.state.value;
  await manager.stop();
  return {
    names: Object.keys(client).sort(),
    effects,
    error: error && { code: error.code, hint: error.hint },
    membership,
  };
}
