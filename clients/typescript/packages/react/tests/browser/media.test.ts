// `useMedia` in a real browser, with both versions of React: what a publisher sends is decoded and shown.

import { fileURLToPath } from 'node:url';

import type { Page } from '@playwright/test';
import { expect, it } from 'vitest';

import { bundle } from '../../../client/tests/browser/bundle.js';
import { joinRoom, openPage, useChromium as chromiumOfFile } from '../../../client/tests/browser/media.js';
import { unique, useGateway as gatewayOfFile } from '../../../client/tests/harness/index.js';

const PAGE = fileURLToPath(new URL('pages/media.js', import.meta.url));
const REACT_18 = fileURLToPath(new URL('../../../../tests/react-18/node_modules', import.meta.url));

const used = gatewayOfFile();
const chromium = chromiumOfFile();

/** The page with one version of React, in which StrictMode mounts everything twice. */
function program(version: number): Promise<string> {
  const alias = version === 18 ? [{ find: /^(react|react-dom)(\/.*)?$/, replacement: `${REACT_18}/$1$2` }] : [];
  return bundle(PAGE, { resolve: { alias }, define: { 'process.env.NODE_ENV': '"development"' } });
}

/** Waits until the element shows so many frames. */
async function untilShown(page: Page, frames: number): Promise<void> {
  await page.waitForFunction((frames) => {
    const video = document.querySelector('video');
    return video?.videoWidth === 320 && video.getVideoPlaybackQuality().totalVideoFrames >= frames;
  }, frames);
}

it.each([18, 19])('React %i shows the video of a stream, and ends it with its component', async (version) => {
  const output: string[] = [];
  const room = unique('room');
  const publisher = await openPage(chromium.browser, output);
  await joinRoom(publisher, used.gateway.url, room);
  const stream = await publisher.evaluate(() => helpers.publish());
  const viewer = await openPage(chromium.browser, output, { script: program(version) });
  viewer.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') output.push(message.text());
  });
  await joinRoom(viewer, used.gateway.url, room);
  expect(await viewer.evaluate(() => reactPage.version)).toMatch(new RegExp(`^${String(version)}\\.`));

  for (const round of [1, 2]) {
    await viewer.evaluate((stream) => reactPage.show(stream), stream);
    await untilShown(viewer, 10);
    // It was mounted, unmounted and mounted: there is one subscription, and one connection.
    expect(await viewer.evaluate(() => reactPage.sent('subscribe'))).toBe(round);
    expect(await viewer.evaluate(() => helpers.at.connections.length)).toBe(round);
    expect(await publisher.evaluate(() => [...helpers.at.published.subscribers.value.values()])).toEqual(['connected']);
    expect(await viewer.evaluate(() => document.querySelector('video')?.muted)).toBe(true);

    const element = await viewer.evaluateHandle(() => document.querySelector('video')!);
    await viewer.evaluate(() => reactPage.show(null));
    await publisher.evaluate(() => helpers.until(helpers.at.published.subscribers, (all) => all.size === 0));
    expect(await element.evaluate((video) => video.srcObject === null && !video.isConnected)).toBe(true);
    expect(await viewer.evaluate(() => reactPage.sent('unsubscribe'))).toBe(round);
    expect(await viewer.evaluate(() => helpers.at.connections.map((one) => one.connectionState))).toEqual(
      Array.from({ length: round }, () => 'closed'),
    );
  }
  // The stream ends while it is shown.
  await viewer.evaluate((stream) => reactPage.show(stream), stream);
  await untilShown(viewer, 5);
  await publisher.evaluate(() => helpers.at.published.stop());
  await viewer.waitForFunction(() => document.querySelector('video')?.srcObject === null);
  expect(output).toEqual([]);
});
