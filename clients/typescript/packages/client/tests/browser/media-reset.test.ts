// Media after a `room_reset`, and credentials of TURN servers that expire.

import type { Page } from '@playwright/test';
import { expect, it } from 'vitest';

import {
  demo,
  faultProxy,
  type FaultProxy,
  started,
  type TestManager,
  unique,
  until,
  useGateway,
} from '../harness/index.js';
import { overflow, SMALL_RING } from '../harness/small-ring.js';
import { joinRoom, openPage, ORIGIN, useChromium } from './media.js';

const used = useGateway(
  demo(
    `
subscriber_signals = true
[limits]
commands_per_s = 1000
commands_burst = 10000
signals_per_s_per_room = 10000
${SMALL_RING}`,
    [ORIGIN],
  ),
);
const chromium = useChromium();

type Side = 'publisher' | 'viewer';

interface Call {
  readonly pages: Record<Side, Page>;
  readonly proxies: Record<Side, FaultProxy>;
  readonly other: TestManager;
  readonly room: string;
  readonly stream: string;
  readonly errors: string[];
}

/** A publisher and a viewer, each with a function that gives a TURN server, and a third participant. */
async function call(): Promise<Call> {
  const errors: string[] = [];
  const room = unique('room');
  const other = await started(used.gateway);
  await other.room(room).join();
  const proxies = { publisher: await faultProxy(used.gateway), viewer: await faultProxy(used.gateway) };
  const pages = {
    publisher: await openPage(chromium.browser, errors),
    viewer: await openPage(chromium.browser, errors),
  };
  for (const side of ['publisher', 'viewer'] as const) await joinRoom(pages[side], proxies[side].url, room);
  const stream = await pages.publisher.evaluate(() =>
    helpers.publish({ kinds: { video: true }, configuration: helpers.turn }),
  );
  await pages.viewer.evaluate((stream) => helpers.watch(stream, { configuration: helpers.turn }), stream);
  await pages.viewer.evaluate(() => helpers.untilDecoded(5));
  return { pages, proxies, other, room, stream, errors };
}

/** The session of one side is suspended while `meanwhile` runs, and misses more than its replay buffer holds. */
async function reset(all: Call, side: Side, meanwhile?: () => Promise<void>): Promise<void> {
  const { other, room } = all;
  const page = all.pages[side];
  const proxy = all.proxies[side];
  const wasReset = page.evaluate(
    () =>
      new Promise<void>(
        (resolve) =>
          void helpers.at.room.on('reset', () => {
            resolve();
          }),
      ),
  );
  proxy.refuse(true);
  proxy.cut();
  await until(other.room(room).participants, (all) => [...all.values()].some(({ link }) => link === 'suspended'));
  await meanwhile?.();
  await overflow(other.room(room));
  proxy.refuse(false);
  await page.evaluate(() => {
    helpers.at.manager.retryNow();
  });
  await wasReset;
}

/** The name for which the newest connection got its credentials. */
function credentials(page: Page): Promise<string | undefined> {
  return page.evaluate(() => helpers.at.connections.at(-1)?.getConfiguration().iceServers?.[0]?.username);
}

it.each(['publisher', 'viewer'] as const)(
  'media goes on after a reset of the %s, with new credentials',
  async (side) => {
    const all = await call();
    const { publisher, viewer } = all.pages;
    expect([await credentials(publisher), await credentials(viewer)]).toEqual(['user-1', 'user-1']);
    const before = await publisher.evaluate(() => helpers.offers());
    await reset(all, side);
    // Offers, answers and candidates may have been missed: they are made again.
    await expect.poll(() => credentials(publisher), { timeout: 20_000 }).toBe('user-2');
    await expect.poll(() => credentials(viewer), { timeout: 20_000 }).toBe('user-2');
    await viewer.evaluate(() => helpers.until(helpers.at.watched.link, ({ status }) => status === 'connected'));
    await viewer.evaluate(() => helpers.untilDecoded(10));
    expect(await publisher.evaluate(() => helpers.offers())).toBe(before + 1);
    expect(await viewer.evaluate(() => helpers.at.connections.length)).toBe(1);
    for (const page of [publisher, viewer]) expect(await page.evaluate(() => helpers.at.errors)).toEqual([]);
    expect(all.errors).toEqual([]);
  },
);

it('credentials that cannot be fetched are reported, and the former ones stay', async () => {
  const all = await call();
  await all.pages.publisher.evaluate(() => {
    helpers.at.turnError = new Error('no credentials');
  });
  await reset(all, 'publisher');
  await all.pages.publisher.waitForFunction(() => helpers.at.errors.length > 0);
  expect(await all.pages.publisher.evaluate(() => helpers.at.errors)).toEqual(['Error: no credentials']);
  expect(await credentials(all.pages.publisher)).toBe('user-1');
  await all.pages.viewer.evaluate(() => helpers.untilDecoded(10));
  expect(all.errors).toEqual([]);
});

it('a configuration that never comes is reported, and media starts without it', async () => {
  const errors: string[] = [];
  const room = unique('room');
  const [publisher, viewer] = [await openPage(chromium.browser, errors), await openPage(chromium.browser, errors)];
  for (const page of [publisher, viewer]) await joinRoom(page, used.gateway.url, room);
  const stream = await publisher.evaluate(() =>
    helpers.publish({ kinds: { video: true }, configuration: () => new Promise(() => undefined) }),
  );
  await viewer.evaluate((stream) => helpers.watch(stream), stream);
  await viewer.evaluate(() => helpers.untilDecoded(5));
  expect(await publisher.evaluate(() => helpers.at.errors)).toEqual([
    'StagedoorError: `configuration` took more than 4000 ms',
  ]);
  expect(errors).toEqual([]);
});

it('a stream whose end was missed in a reset ends the link', async () => {
  const all = await call();
  await reset(all, 'viewer', () => all.pages.publisher.evaluate(() => helpers.at.published.stop()));
  const code = await all.pages.viewer.evaluate(
    async () => (await helpers.until(helpers.at.watched.link, ({ status }) => status === 'ended')).error?.code,
  );
  expect(code).toBe('stream_not_found');
  expect(await all.pages.viewer.evaluate(() => helpers.at.watched.media.value)).toBeNull();
  expect(all.errors).toEqual([]);
});

it('a subscription that the publisher missed in a reset gets its media', async () => {
  const all = await call();
  await reset(all, 'publisher', () =>
    all.pages.viewer.evaluate(async (stream) => {
      await helpers.at.watched.stop();
      helpers.at.watched = helpers.watchMedia(helpers.at.room, stream);
    }, all.stream),
  );
  await all.pages.viewer.evaluate(() => helpers.until(helpers.at.watched.link, ({ status }) => status === 'connected'));
  await all.pages.viewer.evaluate(() => helpers.untilDecoded(10));
  expect(all.errors).toEqual([]);
});
