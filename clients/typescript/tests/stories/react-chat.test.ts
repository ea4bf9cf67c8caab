// The chat of examples/react-chat, with both versions of React: two users, a roster, and a reload.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import react from '@vitejs/plugin-react';
import { build } from 'vite';
import { expect, it } from 'vitest';

import { useGateway } from '../../packages/client/tests/harness/index.js';
import { copyOf, enter, participants, say, see, serve, show, useBrowser } from './site.js';

const used = useGateway();
const browser = useBrowser();
const REACT_18 = fileURLToPath(new URL('../react-18/node_modules', import.meta.url));

/** Builds a copy of the example, and serves it. */
async function site(version: number): Promise<string> {
  const root = copyOf('react-chat', used.gateway);
  const alias = version === 18 ? [{ find: /^(react|react-dom)(\/.*)?$/, replacement: `${REACT_18}/$1$2` }] : [];
  await build({ root, configFile: false, logLevel: 'error', plugins: [react()], resolve: { alias } });
  return serve(join(root, 'dist'));
}

it.each([18, 19])('two pages with React %i chat, and a reload keeps the session', async (version) => {
  const url = await site(version);
  const [ada, eve] = [await show(await browser.open(), url), await show(await browser.open(), url)];
  for (const [one, name] of [
    [ada, 'ada'],
    [eve, 'eve'],
  ] as const) {
    await enter(one, name);
    await see(one.page.getByRole('status')).toHaveText('in');
  }
  const roster = ({ page }: typeof ada) => page.getByRole('list', { name: 'Participants' });
  await see(roster(ada)).toContainText('eve');
  await say(eve, 'hello');
  await see(ada.page.getByRole('log')).toContainText('eve: hello');
  await say(ada, '<img src=x onerror=alert(1)>');
  await see(eve.page.getByRole('log')).toContainText('ada: <img src=x onerror=alert(1)>');

  const before = await participants(used.gateway);
  await eve.page.reload();
  await see(eve.page.getByRole('status')).toHaveText('in');
  await see(roster(eve)).toContainText('ada');
  await say(eve, 'back');
  await see(ada.page.getByRole('log')).toContainText('eve: back');
  expect(await participants(used.gateway)).toEqual(before);

  await eve.page.getByRole('button', { name: 'Leave' }).click();
  await see(roster(ada)).not.toContainText('eve');
  await see(eve.page.getByPlaceholder('Your name')).toBeVisible();
  await ada.page.getByRole('button', { name: 'Leave' }).click();
  await see(ada.page.getByPlaceholder('Your name')).toBeVisible();
  expect([...ada.errors, ...eve.errors]).toEqual([]);
});
