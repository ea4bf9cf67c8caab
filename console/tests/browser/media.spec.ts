// Calls between windows, with the fake devices of the browser.

import { framesOf, loudness } from './media.js';
import { expect, test, Window } from './story.js';

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
