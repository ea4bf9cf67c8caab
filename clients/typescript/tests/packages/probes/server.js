// Does with the server package what a backend does, in any runtime.
import {
  authWebhook,
  mintRoomToken,
  mintServerToken,
  mintSessionToken,
  serverApi,
  verifyWebhook,
  WebhookError,
} from '@stagedoor/server';

export async function run({ gateway, app, secret, username, hook, delivery, question }) {
  const session = await mintSessionToken(secret, { app, username, expiresIn: '5m', sessionLasts: '1h' });
  const room = await mintRoomToken(secret, { app, room: 'lobby', role: 'moderator', username, expiresIn: '5m' });
  const key = await mintServerToken(secret, { app, expiresIn: '5m', name: 'probe' });
  const rooms = await serverApi({ url: gateway, key, app }).listRooms({});

  const event = await verifyWebhook(delivery.body, delivery.headers, hook);
  const forged = await verifyWebhook(delivery.body.replace('room', 'rooms'), delivery.headers, hook).catch((error) => [
    error instanceof WebhookError,
    error.code,
  ]);
  const tooShort = await mintSessionToken('short', { app, username, expiresIn: '5m' }).catch((error) => error.message);

  const decide = ({ auth_params }) =>
    auth_params.pin === 1 ? { allow: true, rooms: { lobby: 'publisher' } } : { allow: false, message: 'wrong pin' };
  const handler = authWebhook(decide, { secret: hook });
  const ask = async ({ body, headers }) => {
    const response = await handler(new Request('https://backend.example.com/auth', { method: 'POST', body, headers }));
    return [response.status, await response.json()];
  };
  return {
    session,
    room,
    isListed: rooms.ok,
    event: event.type,
    forged,
    tooShort,
    allowed: await ask(question.right),
    denied: await ask(question.wrong),
    unsigned: (await ask({ ...question.right, headers: {} }))[0],
  };
}
