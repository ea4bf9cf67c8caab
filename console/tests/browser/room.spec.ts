// Entering, chatting and moderating.

import { expect, test, Window } from './story.js';

test('two_windows_chat', async ({ context, gateway }) => {
  const ada = await (await Window.open(context, gateway, 'Ada')).enter('Moderator');
  const ben = await (await Window.open(context, gateway, 'Ben')).enter('Publisher');
  await expect(ada.chat).toContainText('Ben entered.');
  await ada.say('hello');
  await expect(ben.chat).toContainText('hello');
  await expect(ada.chat).toContainText('Delivered to 1');
  await ben.say('good morning');
  await expect(ada.chat).toContainText('good morning');
  await ben.page.getByRole('button', { name: 'Leave' }).click();
  await expect(ada.chat).toContainText('Ben left.');
  expect([...ada.errors, ...ben.errors]).toEqual([]);
});

test('mute_with_lock_and_its_receipts', async ({ context, gateway }) => {
  const ada = await (await Window.open(context, gateway, 'Ada')).enter('Moderator');
  const ben = await (await Window.open(context, gateway, 'Ben')).openDevices();
  await ben.enter('Publisher');
  const microphone = ben.page.getByRole('button', { name: 'Microphone' });
  await expect(microphone).toHaveAttribute('aria-pressed', 'true');
  await (await ada.moderate('Ben')).getByRole('button', { name: 'Mute and lock' }).click();
  await expect(ada.receipt()).toContainText('Mute Ben, and lock');
  await expect(ada.receipt()).toContainText(/accepted, 1 target/);
  await expect(ada.receipt()).toContainText(/enforced after \d+ ms/);
  await expect(microphone).toHaveAttribute('aria-pressed', 'false');
  await expect(microphone).toBeDisabled();
  await expect(ben.page.getByText('A moderator muted you and locked it.')).toBeVisible();
  await ada.page.getByRole('button', { name: 'Lift the mute of Ben' }).click();
  await expect(ada.receipt()).toContainText('Lift the mute of Ben');
  await microphone.click();
  await expect(ada.person('Ben')).toContainText('Mic on');
  expect([...ada.errors, ...ben.errors]).toEqual([]);
});
