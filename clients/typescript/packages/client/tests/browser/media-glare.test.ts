// Check 28: both sides of a connection add a track at once.

import { expect, it } from 'vitest';

import { faultProxy, unique, useGateway } from '../harness/index.js';
import { openPage, useChromium } from './media.js';

const used = useGateway();
const chromium = useChromium();

const CONNECTIONS = 20;
const ROUNDS = 5;

it.each(['in-order', 'delayed'])('100 rounds of glare end in one stable connection: %s', async (relay) => {
  const errors: string[] = [];
  const proxy = await faultProxy(used.gateway);
  const page = await openPage(chromium.browser, errors);
  const running = page.evaluate(([url, room, connections, rounds]) => helpers.glare(url, room, connections, rounds), [
    proxy.url,
    unique('room'),
    CONNECTIONS,
    ROUNDS,
  ] as const);
  const state = { isOver: false };
  const ended = running.finally(() => (state.isOver = true));
  while (relay === 'delayed' && !state.isOver) {
    proxy.hold('down');
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
    proxy.release('down');
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
  }
  const result = await ended;
  expect(result).toMatchObject({ rounds: CONNECTIONS * ROUNDS, errors: [], answersToRolledBack: 0 });
  // It happened.
  expect(result.collisions).toBeGreaterThan(10);
  expect(errors).toEqual([]);
});
