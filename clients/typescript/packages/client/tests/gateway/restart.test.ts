// A gateway that starts again with new keys and without a store, as in development mode: nothing that the former one
// issued is of any use.

import { describe, expect, it } from 'vitest';

import type { SessionManager, StartWith, TokenSource } from '../../src/index.js';
import { memoryStorage } from '../harness/fake-page.js';
import { cleanUp, Gateway, manager, started, unique, until, untilState } from '../harness/index.js';

async function gatewayOfTest(): Promise<Gateway> {
  const gateway = await Gateway.start();
  cleanUp(() => gateway.stop());
  return gateway;
}

/** Cuts the waits short. */
function hurry(one: SessionManager): void {
  one.connection.subscribe(({ status }) => {
    if (status === 'waiting') one.retryNow();
  });
}

describe('after a start with new keys', () => {
  it.each(['guest', 'token function'])('a session from a %s starts again by itself, in its rooms', async (kind) => {
    const gateway = await gatewayOfTest();
    const name = unique('ada');
    const reasons: string[] = [];
    const token: TokenSource = ({ reason }) => {
      reasons.push(reason);
      return gateway.sessionToken({ username: name });
    };
    const sent: string[] = [];
    const one = manager(gateway, {
      onFrame: ({ direction, text }) => {
        if (direction === 'out') sent.push(text);
      },
    });
    const first = await one.start(kind === 'guest' ? { guest: name } : { token });
    const roomName = unique('room');
    const room = one.room(roomName, { token: () => gateway.roomToken({ room: roomName, role: 'moderator' }) });
    await room.join();
    hurry(one);
    await gateway.end('SIGKILL');
    await gateway.again();
    await until(one.session, (session) => session !== null && session.id !== first.session?.id);
    await until(room.state, ({ membership }) => membership === 'in');
    expect(one.session.value?.user).toEqual(first.session?.user);
    expect(one.session.value?.instance).toBe(first.session?.instance);
    expect(room.state.value.me).toMatchObject({ username: name, role: 'moderator' });
    expect(await gateway.usernames(roomName)).toEqual([name]);
    // The access token is shown once, and the credentials of the program once more.
    expect(sent.filter((text) => text.includes('"start"'))).toHaveLength(3);
    if (kind === 'token function') expect(reasons).toEqual(['start', 'reauth']);
  });

  it.each(['a stored session', 'a token without its function'])('%s ends with what was refused', async (kind) => {
    const gateway = await gatewayOfTest();
    const storage = memoryStorage();
    let how: StartWith = { token: await gateway.sessionToken({ username: unique('ada') }) };
    if (kind === 'a stored session') {
      await started(gateway, { storage });
      how = { stored: true };
    }
    const one = manager(gateway, { storage });
    expect((await one.start(how)).error).toBeUndefined();
    hurry(one);
    await gateway.end('SIGKILL');
    await gateway.again();
    expect(await untilState(one, 'notLoggedIn')).toMatchObject({ code: 4003 });
    expect(one.connection.value.status).toBe('idle');
  });
});
