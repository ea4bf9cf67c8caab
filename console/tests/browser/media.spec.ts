// Calls between windows, with the fake devices of the browser.

import type { Page } from '@playwright/test';
import { expect, test, Window } from './story.js';

/** The number of frames that the video of a person showed. */
async function framesOf(page: Page, name: string): Promise<number> {
  return page
    .getByLabel(`Video of ${name}`)
    .evaluate((video: HTMLVideoElement) => video.getVideoPlaybackQuality().totalVideoFrames);
}

/** The loudest sample of a person's sound in half a second, from 0 to 1. */
async function loudness(page: Page, name: string): Promise<number> {
  return page.getByLabel(`Video of ${name}`).evaluate(async (video: HTMLVideoElement) => {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    const [track] = (video.srcObject as MediaStream).getAudioTracks();
    if (!track) return 0;
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let peak = 0;
    // The fake microphone beeps once a second.
    for (const end = performance.now() + 1_500; performance.now() < end;) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      analyser.getFloatTimeDomainData(samples);
      peak = samples.reduce((highest, sample) => Math.max(highest, Math.abs(sample)), peak);
    }
    await context.close();
    return peak;
  });
}

test('three_people_call_and_a_locked_mute_is_silent', async ({ context, gateway }) => {
  const ada = await (await Window.open(context, gateway, 'Ada')).openDevices();
  await ada.enter('Moderator');
  const ben = await (await Window.open(context, gateway, 'Ben')).openDevices();
  await ben.enter('Publisher');
  // A participant who enters late, and only watches.
  const cleo = await (await Window.open(context, gateway, 'Cleo')).enter('Viewer');
  for (const [viewer, name] of [
    [ada, 'Ben'],
    [ben, 'Ada'],
    [cleo, 'Ada'],
    [cleo, 'Ben'],
  ] as const) {
    await expect.poll(() => framesOf(viewer.page, name)).toBeGreaterThan(5);
  }
  await expect.poll(() => loudness(cleo.page, 'Ben')).toBeGreaterThan(0.01);
  await (await ada.moderate('Ben')).getByRole('button', { name: 'Mute and lock' }).click();
  await expect(ada.receipt()).toContainText('enforced after');
  await expect.poll(() => loudness(cleo.page, 'Ben')).toBeLessThan(0.001);
  await ada.page.getByRole('button', { name: 'Lift the mute of Ben' }).click();
  await expect(ada.receipt()).toContainText('enforced after');
  // Only the owner turns sound on.
  expect(await loudness(cleo.page, 'Ben')).toBeLessThan(0.001);
  await ben.page.getByRole('button', { name: 'Microphone' }).click();
  await expect.poll(() => loudness(cleo.page, 'Ben')).toBeGreaterThan(0.01);
  expect([...ada.errors, ...ben.errors, ...cleo.errors]).toEqual([]);
});

test('second_window_starts_with_its_speakers_off', async ({ context, gateway }) => {
  const ada = await (await Window.open(context, gateway, 'Ada')).enter('Moderator');
  const ben = await Window.open(context, gateway, 'Ben');
  await expect(ben.page.getByText('this one starts with its speakers off')).toBeVisible();
  await ben.enter('Publisher');
  await expect(ada.page.getByRole('button', { name: 'Speakers' })).toHaveAttribute('aria-pressed', 'true');
  const speakers = ben.page.getByRole('button', { name: 'Speakers' });
  await expect(speakers).toHaveAttribute('aria-pressed', 'false');
  await expect(ben.page.getByText('Speakers are off here, because another window')).toBeVisible();
  await speakers.click();
  await expect(speakers).toHaveAttribute('aria-pressed', 'true');
});
