// The chat of examples/chat: one HTML file, two users.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { useGateway } from '../../packages/client/tests/harness/index.js';
import { copyOf, enter, participants, say, see, serve, show, useBrowser } from './site.js';

const used = useGateway();
const browser = useBrowser();

it('two pages chat, and a reload keeps the session', async () => {
  const url = await serve(copyOf('chat', used.gateway));
  const [ada, eve] = [await show(await browser.open(), url), await show(await browser.open(), url)];
  for (const [one, name] of [
    [ada, 'ada'],
    [eve, 'eve'],
  ] as const) {
    await enter(one, name);
    await see(one.page.locator('output')).toContainText(name);
  }
  await see(ada.page.getByRole('log')).toContainText('eve joined');
  await say(eve, 'hello');
  await see(ada.page.getByRole('log')).toContainText('eve: hello');
  // Text of others is text.
  await say(ada, '<img src=x onerror=alert(1)>');
  await see(eve.page.getByRole('log')).toContainText('ada: <img src=x onerror=alert(1)>');

  const before = await participants(used.gateway);
  await eve.page.reload();
  await see(eve.page.getByPlaceholder('Message')).toBeVisible();
  await see(eve.page.locator('output')).toContainText('ada');
  await say(eve, 'back');
  await see(ada.page.getByRole('log')).toContainText('eve: back');
  await see(ada.page.getByRole('log')).not.toContainText('eve left');
  expect(await participants(used.gateway)).toEqual(before);
  expect([...ada.errors, ...eve.errors]).toEqual([]);
});

it('the script has at most 25 lines', () => {
  const page = readFileSync(join(import.meta.dirname, '../../examples/chat/index.html'), 'utf8');
  const script = /<script type="module">\n(.*?)<\/script>/s.exec(page)?.[1] ?? '';
  const lines = script.split('\n').filter((line) => line.trim());
  expect(lines.length).toBeGreaterThan(10);
  expect(lines.length).toBeLessThanOrEqual(25);
});
