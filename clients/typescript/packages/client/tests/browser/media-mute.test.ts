// Check 27: a mute by a moderator, with lock, in the middle of other work of the publisher.

import { expect, it } from 'vitest';

import { faultProxy, useGateway } from '../harness/index.js';
import { type Pair, openPair, useChromium } from './media.js';

const used = useGateway();
const chromium = useChromium();

async function pair(publisher = used.gateway.url, kinds = { audio: true, video: false }): Promise<Pair> {
  return openPair(chromium.browser, { publisher, viewer: used.gateway.url }, { kinds });
}

async function mute({ room, username }: Pair): Promise<void> {
  await used.gateway.api('POST', `rooms/${room}/force_mute?wait_ms=0`, { username, lock: true });
}

/** The mute was in force when it was acknowledged, and nothing is heard, also if the viewer does not enforce it. */
async function expectSilence({ publisher, viewer, errors }: Pair): Promise<void> {
  await publisher.evaluate(() => helpers.until(helpers.at.published.audio, (audio) => audio === 'muted'));
  await publisher.waitForFunction(() => helpers.at.acknowledgements.length > 0);
  expect(await publisher.evaluate(() => helpers.at.acknowledgements)).toEqual([true]);
  await viewer.evaluate(() => helpers.until(helpers.at.watched.audio, (audio) => audio === 'muted'));
  await viewer.evaluate(async () => {
    const { value } = helpers.at.watched.media;
    await helpers.untilLoud(value, false);
    for (const track of value?.getAudioTracks() ?? []) track.enabled = true;
    // What the decoder conceals of the last packets fades out.
    await helpers.untilLoud(value, false);
  });
  expect(await viewer.evaluate(() => helpers.loudness(helpers.at.watched.media.value, 1_000))).toBeLessThan(-70);
  expect(await publisher.evaluate(() => helpers.isSilent())).toBe(true);
  expect(await publisher.evaluate(() => helpers.at.errors)).toEqual([]);
  expect(errors).toEqual([]);
}

it('a forced mute holds while the track is being replaced', async () => {
  const all = await pair();
  const replacing = all.publisher.evaluate(async () => {
    const { published } = helpers.at;
    const devices = [await helpers.open({ audio: true }), await helpers.open({ audio: true })];
    for (let round = 0; published.audio.value !== 'muted'; round += 1)
      await published.replaceTrack('audio', devices[round % 2]!.getAudioTracks()[0]!);
    const [track] = (await helpers.open({ audio: true })).getAudioTracks();
    await published.replaceTrack('audio', track!);
    return track!.enabled;
  });
  await mute(all);
  expect(await replacing).toBe(false);
  await expectSilence(all);
});

it('a forced mute holds while the device is being switched', async () => {
  const all = await pair();
  const switching = all.publisher.evaluate(async () => {
    const { published } = helpers.at;
    let [current] = helpers.at.local.getAudioTracks();
    while (published.audio.value !== 'muted') {
      current?.stop();
      [current] = (await helpers.open({ audio: true })).getAudioTracks();
      await published.replaceTrack('audio', current!);
    }
  });
  await mute(all);
  await switching;
  await expectSilence(all);
});

it('a track that was asked for before a forced mute starts muted', async () => {
  const all = await pair();
  await all.publisher.evaluate(() => {
    const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (constraints) => {
      await helpers.until(helpers.at.published.audio, (audio) => audio === 'muted');
      return real(constraints);
    };
  });
  const opening = all.publisher.evaluate(async () => {
    const [track] = (await helpers.open({ audio: true })).getAudioTracks();
    await helpers.at.published.replaceTrack('audio', track!);
    return track!.enabled;
  });
  await mute(all);
  expect(await opening).toBe(false);
  await expectSilence(all);
  const code = await all.publisher.evaluate(() =>
    helpers.at.published.setMuted(false).catch((error: unknown) => (error as { code: string }).code),
  );
  expect(code).toBe('muted_by_moderator');
  await expectSilence(all);
});

it('a forced mute holds while the peers negotiate again', async () => {
  const proxy = await faultProxy(used.gateway);
  const all = await pair(proxy.url);
  // The answer does not arrive.
  proxy.rule({ way: 'down', match: (text) => text.includes('"type":"answer"'), fault: { kind: 'drop' } });
  await all.publisher.evaluate(async () => {
    const [track] = (await helpers.open({ video: true })).getVideoTracks();
    await helpers.at.published.replaceTrack('video', track!);
  });
  await all.publisher.waitForFunction(() => helpers.at.connections.at(-1)?.signalingState === 'have-local-offer');
  await mute(all);
  await expectSilence(all);
});

it('a forced mute holds for a publisher who was suspended', async () => {
  const proxy = await faultProxy(used.gateway);
  const all = await pair(proxy.url);
  proxy.refuse(true);
  proxy.cut();
  await mute(all);
  // Receivers enforce it meanwhile.
  await all.viewer.evaluate(() => helpers.untilLoud(helpers.at.watched.media.value, false));
  expect(await all.publisher.evaluate(() => helpers.at.acknowledgements)).toEqual([]);
  proxy.refuse(false);
  await all.publisher.evaluate(() => {
    helpers.at.manager.retryNow();
  });
  await expectSilence(all);
});

it('a publisher who ignores a mute is silent at the others', async () => {
  const all = await pair();
  await all.publisher.evaluate(() => {
    const [track] = helpers.at.local.getAudioTracks();
    const cheat = track!.clone();
    const sender = helpers.at.connections[0]!.getSenders().find((one) => one.track?.kind === 'audio')!;
    const replace = sender.replaceTrack.bind(sender);
    sender.replaceTrack = () => replace(cheat);
  });
  await mute(all);
  await all.viewer.evaluate(() => helpers.until(helpers.at.watched.audio, (audio) => audio === 'muted'));
  const energy = (): Promise<number> =>
    all.viewer.evaluate(() => helpers.stat(helpers.at.watched.stats(), 'inbound-rtp', 'audio', 'bytesReceived'));
  const before = await energy();
  expect(await all.viewer.evaluate(() => helpers.loudness(helpers.at.watched.media.value, 1_000))).toBeLessThan(-70);
  // The sound still arrives.
  await expect.poll(energy, { timeout: 20_000 }).toBeGreaterThan(before + 2_000);
});

it('an unmute after the lift is heard', async () => {
  const all = await pair();
  await mute(all);
  await expectSilence(all);
  await used.gateway.api('POST', `rooms/${all.room}/lift_mute`, { username: all.username });
  await all.publisher.evaluate(() => helpers.until(helpers.at.published.audio, (audio) => audio === 'off'));
  await all.publisher.evaluate(() => helpers.at.published.setMuted(false));
  await all.viewer.evaluate(() => helpers.untilLoud(helpers.at.watched.media.value, true));
});
