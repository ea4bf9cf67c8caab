// Media between real pages: video flows, and errors.

import { expect, it } from 'vitest';

import { unique, useGateway } from '../harness/index.js';
import { joinRoom, openChromium, openPage } from './media.js';

const used = useGateway();

it('audio and video flow from a publisher to a subscriber', async () => {
  const browser = await openChromium();
  const [publisher, viewer] = [await openPage(browser), await openPage(browser)];
  const room = unique('room');
  await joinRoom(publisher, used.gateway.url, room);
  await joinRoom(viewer, used.gateway.url, room);
  const stream = await publisher.evaluate(() => helpers.publish());
  await viewer.evaluate((stream) => helpers.watch(stream), stream);
  expect(await viewer.evaluate(() => helpers.untilDecoded(10))).toBeGreaterThanOrEqual(10);
  await viewer.evaluate(() => helpers.untilLoud(helpers.at.watched.media.value, true));
  expect(await publisher.evaluate(() => [...helpers.at.published.subscribers.value.values()])).toEqual(['connected']);
  await viewer.evaluate(() => helpers.at.watched.stop());
  await publisher.evaluate(() => helpers.until(helpers.at.published.subscribers, (all) => all.size === 0));
});
