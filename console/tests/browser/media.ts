// What the windows show and play of each other.

import { expect, type Page } from '@playwright/test';

/** The number of frames that the video of a person showed. */
export async function framesOf(page: Page, name: string): Promise<number> {
  return page
    .getByLabel(`Video of ${name}`)
    .first()
    .evaluate((video: HTMLVideoElement) => video.getVideoPlaybackQuality().totalVideoFrames);
}

/** The loudest sample of a person's sound in half a second, from 0 to 1. */
export async function loudness(page: Page, name: string): Promise<number> {
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

/** Waits until the video of a person shows more frames than now. */
export async function playsOn(page: Page, name: string): Promise<void> {
  await expect(page.getByLabel(`Video of ${name}`)).toHaveCount(1);
  const before = await framesOf(page, name);
  await expect.poll(() => framesOf(page, name)).toBeGreaterThan(before + 5);
}
