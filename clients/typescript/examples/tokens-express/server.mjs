// The backend of a chat: it signs users in, mints their tokens, and receives what happens at the gateway.
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { mintRoomToken, mintSessionToken, verifyWebhook } from '@stagedoor/server';
import express from 'express';

const { STAGEDOOR_APP_SECRET: secret, STAGEDOOR_WEBHOOK_SECRET: webhookSecret, PORT = '8000' } = process.env;
if (!secret) throw new Error('set STAGEDOOR_APP_SECRET: development mode prints it as "app secret"');
const APP = process.env.STAGEDOOR_APP ?? 'demo';

// Your users, and who of them moderates which room. Take them from your database.
const users = new Map([
  ['ada', { password: 'ada', moderates: ['lobby'] }],
  ['grace', { password: 'grace', moderates: [] }],
]);
const signedIn = new Map(); // Cookie -> username.

const app = express();
app.use(express.json({ type: 'application/json', verify: (request, _, body) => (request.rawBody = body) }));

app.post('/sign-in', (request, response) => {
  const { username, password } = request.body ?? {};
  if (typeof password !== 'string' || users.get(username)?.password !== password) return response.sendStatus(401);
  const id = randomUUID();
  signedIn.set(id, username);
  response.cookie('signed-in', id, { httpOnly: true, sameSite: 'strict' }).sendStatus(204);
});

/** The user of a request, from the cookie. */
function userOf(request) {
  const cookies = new URLSearchParams(request.headers.cookie?.replaceAll('; ', '&'));
  return signedIn.get(cookies.get('signed-in'));
}

// The client asks at its start, before the session expires, and when it has to prove again who its user is.
app.post('/tokens/session', async (request, response) => {
  const username = userOf(request);
  if (!username) return response.sendStatus(401);
  response.json({ token: await mintSessionToken(secret, { app: APP, username, expiresIn: '1m', sessionLasts: '1h' }) });
});

// Only the backend decides on roles: the client names the room alone.
app.post('/tokens/room', async (request, response) => {
  const username = userOf(request);
  const room = request.body?.room;
  if (!username) return response.sendStatus(401);
  if (typeof room !== 'string') return response.sendStatus(400);
  const role = users.get(username).moderates.includes(room) ? 'moderator' : 'publisher';
  response.json({ token: await mintRoomToken(secret, { app: APP, room, username, role, expiresIn: '1m' }) });
});

// The body is verified as it came, byte by byte. Without an error the event is from the gateway.
app.post('/webhooks', async (request, response) => {
  try {
    const event = await verifyWebhook(request.rawBody, request.headers, webhookSecret);
    console.log(event.type, event.room ?? '', event.data?.username ?? '');
    response.sendStatus(204);
  } catch (error) {
    console.error(`webhook rejected: ${error.message}`);
    response.sendStatus(400);
  }
});

const client = fileURLToPath(import.meta.resolve('@stagedoor/client/stagedoor.js'));
app.get('/stagedoor.js', (_, response) => response.sendFile(client));
app.use(express.static(fileURLToPath(new URL('public', import.meta.url))));
const server = app.listen(Number(PORT), '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`open http://127.0.0.1:${server.address().port}`);
});
