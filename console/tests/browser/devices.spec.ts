// Devices that are in use, taken away or shared. Chromium's fake devices are never busy and cannot be unplugged: where
// a test needs that, it replaces what `getUserMedia` answers, or ends a track as the browser does, and says so.

import { type BrowserContext, chromium, type Page } from '@playwright/test';
import { expectAccessible } from './axe.js';
import { framesOf, loudness, playsOn } from './media.js';
import { expect, test, Window } from './story.js';

type Kind = 'audio' | 'video';

/** Fake: `getUserMedia` answers as for a device that another program uses, while the page's `isBusy` names its kind. */
async function makeBusy(context: BrowserContext, kinds: readonly Kind[]): Promise<void> {
  await context.addInitScript((busy) => {
    const { mediaDevices } = navigator;
    const open = mediaDevices.getUserMedia.bind(mediaDevices);
    Object.assign(globalThis, { busy });
    mediaDevices.getUserMedia = (constraints = {}) => {
      const { busy } = globalThis as unknown as { busy: Kind[] };
      const isBusy = busy.some((kind) => constraints[kind]);
      if (isBusy) return Promise.reject(new DOMException('Could not start video source', 'NotReadableError'));
      return open(constraints);
    };
  }, kinds);
}

/** Fake: keeps the tracks that the page opens, so that {@link unplug} can end them. */
async function keepTracks(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const { mediaDevices } = navigator;
    const open = mediaDevices.getUserMedia.bind(mediaDevices);
    const tracks: MediaStreamTrack[] = [];
    Object.assign(globalThis, { tracks });
    mediaDevices.getUserMedia = async (constraints) => {
      const stream = await open(constraints);
      tracks.push(...stream.getTracks());
      return stream;
    };
  });
}

/** Fake: ends the tracks as the browser does when a device is unplugged: they are `ended`, and an event says so. */
async function unplug(page: Page, kind: Kind): Promise<void> {
  await page.evaluate((kind) => {
    const { tracks } = globalThis as unknown as { tracks: MediaStreamTrack[] };
    for (const track of tracks) {
      if (track.kind !== kind || track.readyState === 'ended') continue;
      track.stop();
      track.dispatchEvent(new Event('ended'));
    }
  }, kind);
}

test('camera_in_use_by_another_program', async ({ browser, gateway }) => {
  const context = await browser.newContext();
  await makeBusy(context, ['video']);
  const ada = await Window.open(context, gateway, 'Ada');
  const { page } = ada;
  await page.getByRole('button', { name: 'Check camera and microphone' }).click();
  await expect(page.getByRole('alert').last()).toContainText('The camera is in use by another program or window.');
  await expect(page.getByRole('alert').last()).toContainText('Close other video calls, then try again.');
  // The microphone works: one may enter with it alone.
  await expect(page.getByLabel('Microphone: say something')).toBeVisible();
  await ada.enter('Moderator');
  await expect(page.getByRole('button', { name: 'Microphone' })).toHaveAttribute('aria-pressed', 'true');
  await expect(page.getByRole('button', { name: 'Camera' })).toHaveCount(0);
  const ben = await (await Window.open(await browser.newContext(), gateway, 'Ben')).enter('Publisher');
  await expect.poll(() => loudness(ben.page, 'Ada')).toBeGreaterThan(0.01);
  // The other program ends.
  await page.evaluate(() => Object.assign(globalThis, { busy: [] }));
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('button', { name: 'Camera' })).toHaveAttribute('aria-pressed', 'true');
  await expect(page.getByText('is in use by another program')).toHaveCount(0);
  await playsOn(ben.page, 'Ada');
  expect([...ada.errors, ...ben.errors]).toEqual([]);
});

test('devices_unplugged_during_the_call', async ({ browser, gateway }) => {
  const context = await browser.newContext();
  await keepTracks(context);
  const ada = await (await (await Window.open(context, gateway, 'Ada')).openDevices()).enter('Moderator');
  const ben = await (await Window.open(await browser.newContext(), gateway, 'Ben')).enter('Publisher');
  await playsOn(ben.page, 'Ada');
  await unplug(ada.page, 'video');
  await expect(ada.page.getByRole('alert').last()).toContainText(
    'The camera is gone: it was unplugged or is blocked now.',
  );
  await expect(ben.page.getByLabel('Video of Ada')).toBeHidden();
  await expect.poll(() => loudness(ben.page, 'Ada')).toBeGreaterThan(0.01);
  await expectAccessible(ada.page);
  await unplug(ada.page, 'audio');
  await expect(ada.page.getByRole('alert').last()).toContainText('Camera and microphone are gone');
  await expect(ben.people().filter({ hasText: 'Ada' })).toContainText('Mic off');
  await ada.page.getByRole('button', { name: 'Try again' }).click();
  await expect(ada.page.getByText('are gone')).toHaveCount(0);
  await expect(ben.people().filter({ hasText: 'Ada' })).toContainText('Mic on');
  await playsOn(ben.page, 'Ada');
  await expect.poll(() => loudness(ben.page, 'Ada')).toBeGreaterThan(0.01);
  expect([...ada.errors, ...ben.errors]).toEqual([]);
});

test('permission_taken_away_during_the_call', async ({ gateway }) => {
  // For real: without the flag that answers each question with yes, permissions are those that the test sets.
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--use-fake-device-for-media-stream', '--autoplay-policy=no-user-gesture-required'],
  });
  const context = await browser.newContext({ permissions: ['camera', 'microphone'] });
  const ada = await (await (await Window.open(context, gateway, 'Ada')).openDevices()).enter('Moderator');
  const ben = await (await Window.open(await browser.newContext(), gateway, 'Ben')).enter('Publisher');
  await playsOn(ben.page, 'Ada');
  await context.clearPermissions();
  await expect(ada.page.getByRole('alert').last()).toContainText('Connect or allow');
  await expect(ben.page.getByLabel('Video of Ada')).toBeHidden();
  await context.grantPermissions(['camera', 'microphone']);
  await ada.page.getByRole('button', { name: 'Try again' }).click();
  await playsOn(ben.page, 'Ada');
  expect([...ada.errors, ...ben.errors]).toEqual([]);
  await browser.close();
});

test('two_windows_with_one_camera', async ({ context, gateway }) => {
  const ada = await (await (await Window.open(context, gateway, 'Ada')).openDevices()).enter('Moderator');
  const ben = await Window.open(context, gateway, 'Ben');
  await expect(ben.page.getByText('this one starts with its speakers off')).toBeVisible();
  await (await ben.openDevices()).enter('Publisher');
  await expect(ada.page.getByRole('button', { name: 'Speakers' })).toHaveAttribute('aria-pressed', 'true');
  const speakers = ben.page.getByRole('button', { name: 'Speakers' });
  await expect(speakers).toHaveAttribute('aria-pressed', 'false');
  await expect(ben.page.getByText('Speakers are off here, because another window')).toBeVisible();
  // This browser shares its camera.
  await playsOn(ada.page, 'Ben');
  await playsOn(ben.page, 'Ada');
  await speakers.click();
  await expect(speakers).toHaveAttribute('aria-pressed', 'true');
  await expect(ben.page.getByText('Speakers are off here, because another window')).toHaveCount(0);
  // Others give it to the first window alone: from here on faked.
  await makeBusy(context, ['audio', 'video']);
  const cleo = await Window.open(context, gateway, 'Cleo');
  await cleo.page.getByRole('button', { name: 'Check camera and microphone' }).click();
  await expect(cleo.page.getByRole('alert').last()).toContainText('in use by another program or window');
  await cleo.enter('Publisher');
  await playsOn(cleo.page, 'Ada');
  expect(await framesOf(cleo.page, 'Ben')).toBeGreaterThan(0);
  expect([...ada.errors, ...ben.errors, ...cleo.errors]).toEqual([]);
});
