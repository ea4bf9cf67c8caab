// Media between real pages: video flows, and errors.

import { expect, it } from 'vitest';

import { useGateway } from '../harness/index.js';
import { openPair, useChromium } from './media.js';

const used = useGateway();
const chromium = useChromium();

it('audio and video flow from a publisher to a subscriber', async () => {
  const { url } = used.gateway;
  const { publisher, viewer, errors } = await openPair(chromium.browser, { publisher: url, viewer: url });
  expect(await viewer.evaluate(() => helpers.untilDecoded(10))).toBeGreaterThanOrEqual(10);
  expect(await publisher.evaluate(() => [...helpers.at.published.subscribers.value.values()])).toEqual(['connected']);
  await viewer.evaluate(() => helpers.at.watched.stop());
  await publisher.evaluate(() => helpers.until(helpers.at.published.subscribers, (all) => all.size === 0));
  expect(errors).toEqual([]);
});
