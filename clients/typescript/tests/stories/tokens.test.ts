// The backend of examples/tokens-express: a login, session tokens, room tokens and webhooks.

import { expect, it } from 'vitest';

import { cleanUp, freePort, Gateway } from '../../packages/client/tests/harness/index.js';
import { copyOf, type Program, run, see, show, useBrowser } from './site.js';

const SECRET = 'change-me-change-me-change-me-abcdef';
const HOOK = `whsec_${Buffer.from('long-enough-and-random-enough-32').toString('base64')}`;
const KEY = 'sk_change-me-change-me-change-me-change-me-1';

const browser = useBrowser();

/** The example, and a gateway whose webhooks go to it. */
async function backend(): Promise<{ gateway: Gateway; program: Program; url: string }> {
  const port = String(await freePort());
  const url = `http://127.0.0.1:${port}`;
  const gateway = await Gateway.start((listen, admin) => ({
    ready: { app: 'demo', app_secret: SECRET, server_key: KEY },
    toml: `
[listen]
listen = "${listen}"
admin_listen = "${admin}"
allowed_origins = ["${url}"]
[store]
sqlite = { path = "stagedoor.db" }
[[apps]]
id = "demo"
hs256_secrets = [{ secret = "${SECRET}" }]
server_keys = ["${KEY}"]
[[apps.webhook_endpoints]]
id = "backend"
url = "${url}/webhooks"
secrets = ["${HOOK}"]
allow_private = true
`,
  }));
  cleanUp(() => gateway.stop());
  const folder = copyOf('tokens-express', gateway);
  const variables = { STAGEDOOR_APP_SECRET: SECRET, STAGEDOOR_WEBHOOK_SECRET: HOOK, PORT: port };
  const program = run(folder, 'server.mjs', variables);
  await program.prints(/^open http/);
  return { gateway, program, url };
}

it('signed-in users chat with the roles that the backend gives', async () => {
  const { gateway, program, url } = await backend();
  const signIn = async (username: string, password: string): Promise<Awaited<ReturnType<typeof show>>> => {
    const shown = await show(await browser.open(), url);
    await shown.page.getByPlaceholder('ada or grace').fill(username);
    await shown.page.getByPlaceholder('The same').fill(password);
    await shown.page.getByRole('button', { name: 'Sign in' }).click();
    return shown;
  };
  const ada = await signIn('ada', 'ada');
  await see(ada.page.getByRole('log')).toContainText('ada, moderator');
  const grace = await signIn('grace', 'grace');
  await see(grace.page.getByRole('log')).toContainText('grace, publisher');
  await grace.page.getByPlaceholder('Message').fill('hello');
  await grace.page.getByRole('button', { name: 'Send' }).click();
  await see(ada.page.getByRole('log')).toContainText('grace: hello');
  const eve = await signIn('ada', 'wrong');
  await see(eve.page.getByRole('log')).toContainText('wrong name or password');
  // The events of the gateway, verified by the backend.
  await program.prints(/^participant\.joined lobby grace/);

  // A page that is loaded again has its cookie, and needs no form.
  await grace.page.reload();
  await see(grace.page.getByRole('log')).toContainText('grace, publisher');
  expect(await gateway.usernames('lobby')).toEqual(['ada', 'grace']);
});

it('the backend rejects what it cannot verify', async () => {
  const { url } = await backend();
  const post = async (path: string, body: string): Promise<number> => {
    const headers = { 'content-type': 'application/json' };
    return (await fetch(`${url}${path}`, { method: 'POST', headers, body })).status;
  };
  expect(await post('/tokens/session', '{}')).toBe(401);
  expect(await post('/tokens/room', '{"room":"lobby"}')).toBe(401);
  expect(await post('/sign-in', '{"username":"ada"}')).toBe(401);
  expect(await post('/webhooks', '{"type":"participant.joined"}')).toBe(400);
});
