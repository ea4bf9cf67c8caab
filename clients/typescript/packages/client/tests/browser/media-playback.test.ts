// Check 30: a page in the background, and lost devices.

import { expect, it } from 'vitest';

import { useGateway } from '../harness/index.js';
import { openPair, type Pair, useChromium } from './media.js';

const used = useGateway();
const chromium = useChromium();

async function pair(): Promise<Pair> {
  const { url } = used.gateway;
  return openPair(chromium.browser, { publisher: url, viewer: url }, { kinds: { audio: false, video: true } });
}

it('media goes on while the page is in the background', async () => {
  const { viewer, errors } = await pair();
  const other = await viewer.context().newPage();
  await other.bringToFront();
  expect(await viewer.evaluate(() => helpers.untilDecoded(5))).toBeGreaterThan(0);
  await viewer.bringToFront();
  expect(await viewer.evaluate(() => helpers.untilDecoded(5))).toBeGreaterThan(0);
  expect(errors).toEqual([]);
});

it('the stream shows that its device was unplugged, and takes another', async () => {
  const { publisher, viewer, errors } = await pair();
  const frames = await publisher.evaluate(async () => {
    const [track] = helpers.at.local.getVideoTracks();
    track!.stop();
    // The platform sends it for a device that is gone, but not for `stop`.
    track!.dispatchEvent(new Event('ended'));
    await helpers.until(helpers.at.published.stream, (stream) => stream?.hasVideo === false);
    return helpers.at.published.video.value;
  });
  expect(frames).toBe('lost');
  await viewer.evaluate((stream) => helpers.until(helpers.at.room.streams, (all) => !all.get(stream)?.hasVideo), '');
  await publisher.evaluate(async () => {
    const [track] = (await helpers.open({ video: true })).getVideoTracks();
    await helpers.at.published.replaceTrack('video', track!);
  });
  expect(await publisher.evaluate(() => helpers.at.published.video.value)).toBe('on');
  expect(await viewer.evaluate(() => helpers.untilDecoded(5))).toBeGreaterThan(0);
  expect(errors).toEqual([]);
});
