// Check 30: no gesture on the page, a page in the background, lost devices, and revoked permissions.

import type { Page } from '@playwright/test';
import { expect, it } from 'vitest';

import { cleanUp, unique, useGateway } from '../harness/index.js';
import { Browser, DEVTOOLS } from './browser.js';
import { MEDIA_FLAGS } from './bundle.js';
import { joinRoom, openPage, openPair, type Pair, useChromium } from './media.js';

const used = useGateway();
const chromium = useChromium();

async function pair(): Promise<Pair> {
  const { url } = used.gateway;
  return openPair(chromium.browser, { publisher: url, viewer: url }, { kinds: { audio: false, video: true } });
}

it('sound without a gesture is blocked, and plays after a click', async () => {
  const errors: string[] = [];
  const { url: gateway } = used.gateway;
  const room = unique('room');
  const publisher = await openPage(chromium.browser, errors);
  await joinRoom(publisher, gateway, room);
  const stream = await publisher.evaluate(() => helpers.publish());
  // A debugger that calls a function in a page counts as a gesture, and so does a page that captures.
  const viewer = await Browser.open('viewer.html', { gateway, room, stream }, [
    DEVTOOLS,
    ...MEDIA_FLAGS,
    '--autoplay-policy=document-user-activation-required',
  ]);
  cleanUp(() => viewer.stop());
  const blocked = await viewer.report(({ what }) => what === 'blocked');
  expect(blocked).toMatchObject({ playback: 'blocked', paused: true, errors: [] });
  const click = { x: 50, y: 50, button: 'left', clickCount: 1 };
  await viewer.command(
    ['Input.dispatchMouseEvent', { type: 'mousePressed', ...click }],
    ['Input.dispatchMouseEvent', { type: 'mouseReleased', ...click }],
  );
  const playing = await viewer.report(({ what }) => what === 'playing');
  expect(playing).toMatchObject({ paused: false, errors: [] });
  expect(viewer.reports.filter(({ what }) => what === 'unhandled')).toEqual([]);
  expect(errors).toEqual([]);
});

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

it.each(['audio', 'video'] as const)('the stream shows that the permission for its %s was revoked', async (kind) => {
  const { url } = used.gateway;
  const { publisher, viewer, errors } = await openPair(chromium.browser, { publisher: url, viewer: url });
  const name = kind === 'audio' ? 'microphone' : 'camera';
  await deny(publisher, name);
  await publisher.evaluate((kind) => helpers.until(helpers.at.published[kind], (status) => status === 'lost'), kind);
  const field = kind === 'audio' ? ('hasAudio' as const) : ('hasVideo' as const);
  await viewer.evaluate(
    (field: 'hasAudio' | 'hasVideo') =>
      helpers.until(helpers.at.room.streams, (all) => [...all.values()].some((one) => !one[field])),
    field,
  );
  // A browser may end the tracks of both devices.
  if (kind === 'audio')
    await viewer.evaluate(() => helpers.until(helpers.at.watched.audio, (audio) => audio === 'off'));
  expect(await publisher.evaluate(() => helpers.at.errors)).toEqual([]);
  expect(errors).toEqual([]);
});

/** Revokes a permission of a page, as its user does in the settings of the browser. */
async function deny(page: Page, name: string): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const { targetInfo } = await session.send('Target.getTargetInfo');
  const browser = await chromium.browser.newBrowserCDPSession();
  await browser.send('Browser.setPermission', {
    permission: { name },
    setting: 'denied',
    origin: await page.evaluate(() => location.origin),
    ...(targetInfo.browserContextId !== undefined && { browserContextId: targetInfo.browserContextId }),
  });
}
