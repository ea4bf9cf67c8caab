// Check 29: the path of the media is lost, while the gateway can be reached or not. Check 13: the network is lost.
//
// The browser has a network of its own, in which UDP can be blocked.

import type { Page } from '@playwright/test';
import { afterAll, expect, it } from 'vitest';

import { faultProxy, type FaultProxy, unique, useGateway } from '../harness/index.js';
import { joinRoom, openPage, openPair, type Pair, useChromium } from './media.js';
import { Network } from './network.js';

const used = useGateway();
const network = Network.create();
if (!network) process.stderr.write('the tests of lost paths need root and the right to make networks\n');
afterAll(() => network?.remove());
const chromium = useChromium(() => ({ wrap: network?.wrap ?? [] }));
const withNetwork = it.runIf(network);
/** Times are measured. A busy machine may need another attempt. */
const isMeasured = { retry: 2 };

async function pair(gateway = network?.address): Promise<Pair & { proxy: FaultProxy }> {
  const proxy = await faultProxy(used.gateway, gateway);
  const all = await openPair(chromium.browser, { publisher: proxy.url, viewer: proxy.url }, { kinds: { video: true } });
  await all.viewer.evaluate(() => helpers.untilDecoded(5));
  return { ...all, proxy };
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** How long it takes until video flows again, in milliseconds. What arrived before was decoded by then. */
async function recovery(viewer: Page): Promise<number> {
  const start = performance.now();
  await wait(200);
  await viewer.evaluate(() => helpers.untilDecoded(5));
  return performance.now() - start;
}

withNetwork('no restart on a blip of one second', isMeasured, async () => {
  const { publisher, viewer } = await pair();
  const before = await publisher.evaluate(() => helpers.offers());
  network?.blockUdp(true);
  await wait(1_000);
  network?.blockUdp(false);
  await recovery(viewer);
  await wait(4_000);
  expect(await publisher.evaluate(() => helpers.offers())).toBe(before);
  expect(await viewer.evaluate(() => helpers.at.watched.link.value.status)).toBe('connected');
});

withNetwork('media returns within 5 s after 20 s without a path', isMeasured, async () => {
  const { publisher, viewer, errors } = await pair();
  const before = await publisher.evaluate(() => helpers.offers());
  network?.blockUdp(true);
  await wait(20_000);
  expect(await publisher.evaluate(() => helpers.offers())).toBeGreaterThan(before);
  expect(await viewer.evaluate(() => helpers.at.watched.link.value.status)).toBe('interrupted');
  network?.blockUdp(false);
  expect(await recovery(viewer)).toBeLessThan(5_000);
  expect(errors).toEqual([]);
});

withNetwork('without the gateway, the restart waits for the resume', isMeasured, async () => {
  const { publisher, viewer, proxy, errors } = await pair();
  const before = await publisher.evaluate(() => helpers.offers());
  network?.blockUdp(true);
  proxy.refuse(true);
  proxy.cut();
  await wait(20_000);
  expect(await publisher.evaluate(() => helpers.offers())).toBe(before);
  proxy.refuse(false);
  network?.blockUdp(false);
  for (const page of [publisher, viewer])
    await page.evaluate(() => {
      helpers.at.manager.retryNow();
    });
  expect(await recovery(viewer)).toBeLessThan(5_000);
  expect(errors).toEqual([]);
});

withNetwork('media returns within 5 s of another address, while the gateway can be reached', isMeasured, async () => {
  const { publisher, viewer, errors } = await pair(network?.stableAddress);
  const before = await publisher.evaluate(() => helpers.offers());
  network?.changeAddress();
  expect(await recovery(viewer)).toBeLessThan(5_000);
  expect(await publisher.evaluate(() => helpers.offers())).toBeGreaterThan(before);
  expect(errors).toEqual([]);
});

withNetwork('media returns within 5 s of another network', isMeasured, async () => {
  const { viewer, proxy, errors } = await pair();
  const { connections } = proxy;
  await network?.leave(3_000);
  expect(await recovery(viewer)).toBeLessThan(5_000);
  // Each page has one other connection to the gateway.
  expect(proxy.connections).toBe(connections + 2);
  expect(errors).toEqual([]);
});

withNetwork.each(['the same address', 'another address'] as const)(
  'check 13: a network comes back with %s',
  isMeasured,
  async (address) => {
    const errors: string[] = [];
    const proxy = await faultProxy(used.gateway, network?.address);
    const page = await openPage(chromium.browser, errors);
    const me = await joinRoom(page, proxy.url, unique('room'));
    await page.evaluate((isLost) => {
      const { connection } = helpers.at.manager;
      helpers.at.afterMs = new Promise((resolve) => {
        addEventListener('online', () => {
          const start = performance.now();
          connection.subscribe(({ status }) => {
            if (status === (isLost ? 'connecting' : 'live')) resolve(performance.now() - start);
          });
        });
      });
    }, address === 'another address');
    await network?.leave(1_000, address);
    const afterMs = await page.evaluate(() => helpers.at.afterMs);
    const after = await page.evaluate(async () => {
      // The gateway answers.
      await helpers.at.room.send('n', 'back');
      return helpers.at.room.state.value.me?.id;
    });
    expect(after).toBe(me);
    // A ping waits for 800 ms.
    expect(afterMs).toBeLessThan(1_000);
    expect(proxy.connections).toBe(address === 'another address' ? 2 : 1);
    expect(errors).toEqual([]);
  },
);
