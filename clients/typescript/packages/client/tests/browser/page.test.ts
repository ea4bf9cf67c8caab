// Check 10 in a real browser: a page on plain http, and storage that is refused or full.

import { expect, it } from 'vitest';

import { demo, unique, useGateway } from '../harness/index.js';
import { joinRoom, openPage, ORIGIN, useChromium } from './media.js';

/** No secure context: there are no Web Locks. */
const PLAIN = 'http://plain.test:9';
const used = useGateway(demo('', [PLAIN, ORIGIN]));
const chromium = useChromium();

it.each([
  ['plain http', PLAIN, (): undefined => undefined],
  [
    'a getter that throws',
    undefined,
    () => {
      Object.defineProperty(globalThis, 'sessionStorage', {
        get: (): never => {
          throw new DOMException('denied', 'SecurityError');
        },
      });
    },
  ],
  [
    'a full storage',
    undefined,
    () => {
      for (let size = 5 * 1024 * 1024; size >= 1; size = size / 2)
        try {
          for (let n = 0; ; n += 1) sessionStorage.setItem(`${String(size)}-${String(n)}`, 'x'.repeat(size));
        } catch {
          // Less may fit.
        }
    },
  ],
] as const)('check 10: with %s a page starts and joins, with one warning', async (_, origin, before) => {
  const errors: string[] = [];
  const page = await openPage(chromium.browser, errors, { before, ...(origin && { origin }) });
  const warnings: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'warning') warnings.push(message.text());
  });
  expect(await page.evaluate(() => isSecureContext && 'locks' in navigator)).toBe(origin === undefined);
  const room = unique('room');
  const me = await joinRoom(page, used.gateway.url, room);
  const other = await openPage(chromium.browser, errors);
  await joinRoom(other, used.gateway.url, room);
  await page.evaluate(() => helpers.until(helpers.at.room.participants, (all) => all.size === 2));
  expect(await page.evaluate(() => helpers.at.room.state.value.me?.id)).toBe(me);
  await page.evaluate(() => helpers.at.manager.stop());
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain('stagedoor');
  expect(errors).toEqual([]);
});
