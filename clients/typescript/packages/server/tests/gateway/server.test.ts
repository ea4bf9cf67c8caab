// The package against the real gateway: tokens, the server API, webhooks and the auth webhook.

import { createServer } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { deferred, Gateway, manager, unique } from '../../../client/tests/harness/index.js';
import {
  type AuthRequest,
  authWebhook,
  mintRoomToken,
  mintServerToken,
  mintSessionToken,
  serverApi,
  verifyWebhook,
  type WebhookEvent,
} from '../../src/index.js';

const SECRET = 'change-me-change-me-change-me-abcdef';
const HOOK = `whsec_${Buffer.from('long-enough-and-random-enough-32').toString('base64')}`;
const KEY = 'sk_change-me-change-me-change-me-change-me-1';

const events: WebhookEvent[] = [];
const questions: AuthRequest[] = [];
const opened = deferred();
const auth = authWebhook(
  (question) => {
    questions.push(question);
    return (question.auth_params as { pin: number }).pin === 1
      ? { allow: true, rooms: { '*': 'publisher' }, name: 'Ada' }
      : { allow: false, message: 'wrong pin' };
  },
  { secret: HOOK },
);
const backend = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    void (async () => {
      if (request.url === '/auth') {
        const headers = Object.entries(request.headers).map(([name, value]): [string, string] => [name, String(value)]);
        const answer = await auth(new Request('http://backend/auth', { method: 'POST', headers, body }));
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
      } else {
        events.push(await verifyWebhook(body, request.headers, HOOK));
        response.writeHead(204).end();
        if (events.some(({ type }) => type === 'participant.joined')) opened.resolve();
      }
    })();
  });
});
let gateway!: Gateway;

beforeAll(async () => {
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
  const { port } = backend.address() as { port: number };
  gateway = await Gateway.start((listen, admin) => ({
    ready: { app: 'shop', app_secret: SECRET, server_key: KEY },
    toml: `
[listen]
listen = "${listen}"
admin_listen = "${admin}"
[store]
sqlite = { path = "stagedoor.db" }
[[apps]]
id = "shop"
hs256_secrets = [{ secret = "${SECRET}" }]
server_keys = ["${KEY}"]
[apps.auth_webhook]
url = "http://127.0.0.1:${String(port)}/auth"
secret = "${HOOK}"
allow_private = true
[[apps.webhook_endpoints]]
id = "backend"
url = "http://127.0.0.1:${String(port)}/events"
secrets = ["${HOOK}"]
allow_private = true
`,
  }));
});

afterAll(async () => {
  await gateway.stop();
  backend.close();
});

it('minted tokens start sessions, join rooms and call the API', async () => {
  const username = unique('ada');
  const room = unique('room');
  const one = manager(gateway, { app: 'shop' });
  const token = (): Promise<string> =>
    mintSessionToken(SECRET, { app: 'shop', username, expiresIn: '5m', sessionLasts: '1h' });
  const { error } = await one.start({ token });
  expect(error).toBeUndefined();
  await one
    .room(room, { token: () => mintRoomToken(SECRET, { app: 'shop', room, role: 'moderator', expiresIn: '5m' }) })
    .join();
  expect(one.room(room).state.value.capabilities.moderate).toBe(true);
  const key = (): Promise<string> => mintServerToken(SECRET, { app: 'shop', expiresIn: '5m', name: 'test' });
  const api = serverApi({ url: gateway.adminUrl, key, app: 'shop' });
  const listed = await api.listParticipants({ room });
  expect(listed.ok && listed.value.items.map((item) => item.participant.username)).toEqual([username]);
  await opened.promise;
  expect(events.find(({ type }) => type === 'participant.joined')?.data).toMatchObject({ username });
});

it('errors of the API are values, and a repeated call has one effect', async () => {
  const api = serverApi({ url: gateway.adminUrl, key: KEY, app: 'shop' });
  expect(await api.showRoom({ room: 'none' })).toMatchObject({ ok: false, status: 404, error: { outcome: 'refused' } });
  const wrong = serverApi({ url: gateway.adminUrl, key: 'sk_wrong', app: 'shop' });
  expect(await wrong.listRooms({})).toMatchObject({ ok: false, status: 401, error: { code: 'unauthorized' } });
  const idempotencyKey = unique('key');
  const [first, again] = [
    await api.banUser({ username: 'eve', for_ms: 1_000 }, { idempotencyKey }),
    await api.banUser({ username: 'eve', for_ms: 1_000 }, { idempotencyKey }),
  ];
  expect(first.ok && again.ok && again.value.until_ms === first.value.until_ms).toBe(true);
});

it('the auth webhook decides', async () => {
  const one = manager(gateway, { app: 'shop' });
  const username = unique('ada');
  expect((await one.start({ username, params: { pin: 2 } })).error).toMatchObject({
    code: 'auth_denied',
    message: 'wrong pin',
  });
  expect((await one.start({ username, params: { pin: 1 } })).session?.user).toMatchObject({ username, name: 'Ada' });
  expect(questions.at(-1)).toMatchObject({ app: 'shop', username, purpose: 'start' });
});
