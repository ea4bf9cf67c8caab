// Media between real pages: video flows, and errors.

import { expect, it } from 'vitest';

import { faultProxy, unique, useGateway } from '../harness/index.js';
import { joinRoom, openPage, openPair, useChromium } from './media.js';

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

it('the sound of all streams plays through one element, also of those that come later', async () => {
  const errors: string[] = [];
  const room = unique('room');
  const [one, two, viewer] = [
    await openPage(chromium.browser, errors),
    await openPage(chromium.browser, errors),
    await openPage(chromium.browser, errors),
  ];
  for (const page of [one, two, viewer]) await joinRoom(page, used.gateway.url, room);
  await viewer.evaluate(() => {
    helpers.at.speaker = document.body.appendChild(document.createElement('audio'));
  });
  for (const publisher of [one, two]) {
    const stream = await publisher.evaluate(() => helpers.publish({ kinds: { audio: true } }));
    await viewer.evaluate(async (stream) => {
      await helpers.watch(stream, { speaker: helpers.at.speaker });
      await helpers.played(helpers.at.speaker);
    }, stream);
  }
  expect(await viewer.evaluate(() => (helpers.at.speaker.srcObject as MediaStream).getTracks().length)).toBe(2);
  // The one that is left still plays.
  await viewer.evaluate(async () => {
    await helpers.at.watched.stop();
    await helpers.played(helpers.at.speaker);
  });
  expect(await viewer.evaluate(() => helpers.at.watched.playback.value)).toBe('playing');
  expect(errors).toEqual([]);
});

it('a stream that is published again in a new session has media', async () => {
  const proxy = await faultProxy(used.gateway);
  const { publisher, viewer, stream, errors } = await openPair(chromium.browser, {
    publisher: proxy.url,
    viewer: used.gateway.url,
  });
  proxy.close(4400);
  const again = await publisher.evaluate(async (former) => {
    const shown = await helpers.until(helpers.at.published.stream, (value) => value !== null && value.id !== former);
    return shown?.id ?? '';
  }, stream);
  await viewer.evaluate((id) => helpers.watch(id), again);
  expect(await viewer.evaluate(() => helpers.untilDecoded(10))).toBeGreaterThanOrEqual(10);
  expect(await publisher.evaluate(() => helpers.at.published.ended.value)).toBe(false);
  expect(errors).toEqual([]);
});
