// Everyone can use the page: axe, keyboard, narrow windows, hostile names; and the pictures of the README.

import { fileURLToPath } from 'node:url';
import { overflow, violations } from './axe.js';
import { expect, test, Window } from './story.js';

const folder = fileURLToPath(new URL('../../screenshots/', import.meta.url));

test('axe_finds_nothing_and_pictures_are_taken', async ({ context, gateway }) => {
  test.setTimeout(300_000);
  const ada = await (await Window.open(context, gateway, 'Ada')).openDevices();
  const { page } = ada;
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  const schemes = async (check: () => Promise<void>): Promise<void> => {
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await check();
    }
  };
  const isClean = async (): Promise<void> => {
    expect(await violations(page)).toEqual([]);
  };
  await schemes(isClean);
  await page.screenshot({ path: `${folder}entry.png` });
  await ada.enter('Moderator');
  const ben = await (await Window.open(context, gateway, 'Ben')).openDevices();
  await ben.enter('Publisher');
  const cleo = await (await Window.open(context, gateway, 'Cleo')).openDevices();
  await cleo.enter('Publisher');
  await cleo.say('Good morning! Is the sound fine on your side?');
  await expect(ada.chat).toContainText('Good morning');
  await ada.say('Yes. Ben, I mute you for a moment.');
  await page.getByRole('button', { name: 'Mute Cleo' }).click();
  await expect(ada.receipt()).toContainText('enforced after');
  await (await ada.moderate('Cleo')).getByRole('button', { name: 'Ask to unmute' }).click();
  await cleo.page.getByRole('button', { name: 'Turn on', exact: true }).click();
  await expect(ada.receipt()).toContainText('enforced after');
  await (await ada.moderate('Ben')).getByRole('button', { name: 'Mute and lock' }).click();
  await expect(ada.receipt()).toContainText('enforced after');
  for (const name of ['Ben', 'Cleo']) {
    const video = page.getByLabel(`Video of ${name}`);
    await expect
      .poll(() => video.evaluate((element: HTMLVideoElement) => element.getVideoPlaybackQuality().totalVideoFrames))
      .toBeGreaterThan(5);
  }
  await schemes(isClean);
  await page.screenshot({ path: `${folder}room-light.png` });
  await page.locator('.drawer').screenshot({ path: `${folder}receipts.png` });
  await page.getByRole('button', { name: 'Moderate Ben' }).click();
  await schemes(isClean);
  await page.screenshot({ path: `${folder}moderate.png` });
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Moderate room' }).click();
  await isClean();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Invite' }).click();
  await isClean();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /^Session:/ }).click();
  await isClean();
  await page.keyboard.press('Escape');
  await page.getByRole('tab', { name: 'Sessions' }).click();
  await isClean();
  await page.getByRole('tab', { name: 'Wire' }).click();
  await schemes(isClean);
  await page.locator('.drawer').screenshot({ path: `${folder}wire.png` });
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
  await page.screenshot({ path: `${folder}room-dark.png` });
  await page.emulateMedia({ colorScheme: 'light', forcedColors: 'active' });
  await isClean();

  // A telephone.
  await ben.page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await ben.page.setViewportSize({ width: 320, height: 640 });
  for (const part of ['People', 'Details', 'Chat', 'Stage']) {
    await ben.page.getByRole('navigation').getByRole('button', { name: part }).click();
    expect(await overflow(ben.page)).toBe(0);
    expect(await violations(ben.page)).toEqual([]);
    if (part === 'Chat') await ben.page.screenshot({ path: `${folder}phone-chat.png` });
  }
  await ben.page.screenshot({ path: `${folder}phone-stage.png` });
  await ben.page.getByRole('button', { name: 'Leave' }).click();
  await expect(ben.page.getByRole('heading', { name: 'Enter a room' })).toBeFocused();
  expect(await overflow(ben.page)).toBe(0);
  expect([...ada.errors, ...ben.errors, ...cleo.errors]).toEqual([]);
});

test('keyboard_alone', async ({ context, gateway }) => {
  const ben = await Window.open(context, gateway, 'Ben');
  await ben.enter('Publisher');
  const { page } = await Window.open(context, gateway, 'Ada');
  const tabTo = async (name: string): Promise<void> => {
    const focused = page.locator(':focus');
    for (let presses = 0; presses < 40; presses += 1) {
      const label = (await focused.getAttribute('aria-label')) ?? (await focused.textContent()) ?? '';
      if (label.trim() === name) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`the keyboard does not reach ${name}`);
  };
  await page.getByLabel('Your name').focus();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowUp');
  await expect(page.getByRole('radio', { name: 'Moderator' })).toBeChecked();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'lobby' })).toBeFocused();
  await tabTo('Moderate Ben');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog', { name: 'Moderate Ben' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('button', { name: 'Moderate Ben' })).toBeFocused();
  await page.keyboard.press('Enter');
  await tabTo('Mute and lock');
  await page.keyboard.press('Space');
  await expect(page.getByRole('list', { name: 'Receipts' })).toContainText('Mute Ben, and lock');
  await page.getByRole('tab', { name: 'Receipts' }).focus();
  await page.keyboard.press('ArrowLeft');
  await expect(page.getByRole('tab', { name: 'Wire' })).toBeFocused();
  await expect(page.getByRole('region', { name: 'Frames' })).toBeVisible();
});

test('hostile_names_and_data_are_text', async ({ context, gateway }) => {
  const ada = await (await Window.open(context, gateway, 'Ada')).enter('Moderator');
  const names = ['<img src=x onerror=alert(1)>', 'a'.repeat(60), 'א'.repeat(20), `Z${'\u0301'.repeat(20)}`];
  const refused = await Window.open(context, gateway, 'a\u202eb');
  await refused.page.getByRole('button', { name: 'Enter', exact: true }).click();
  await expect(refused.page.getByRole('alert').first()).toContainText('does not accept this name');
  for (const name of names) {
    const window = await Window.open(context, gateway, name);
    await window.page.getByRole('radio', { name: 'Publisher' }).check();
    await window.page.getByRole('button', { name: 'Enter', exact: true }).click();
    await expect(window.page.getByRole('heading', { level: 1, name: 'lobby' })).toBeVisible();
    await window.say(`<b>bold</b> \u202e${'x'.repeat(900)}`);
    await expect(ada.chat).toContainText('<b>bold</b> ␣xxx');
    await window.page.close();
  }
  const data = `<script>alert(1)</script>${'\n'.repeat(50)}\u202e${'d'.repeat(900)}`;
  const token = await gateway.roomToken({ room: 'lobby', role: 'publisher', data, for_ms: 60_000 });
  const guest = await Window.open(context, gateway, 'Eve', `/demo/#invitation=${token}`);
  await guest.enter();
  await expect(ada.page.locator('.people')).toContainText('<script>alert(1)</script>␣');
  expect(await ada.page.locator('.people img, .people script, .chat b').count()).toBe(0);
  for (const { width, height } of [
    { width: 1280, height: 800 },
    { width: 320, height: 640 },
  ]) {
    await ada.page.setViewportSize({ width, height });
    expect(await overflow(ada.page)).toBe(0);
  }
  expect(ada.errors).toEqual([]);
});
