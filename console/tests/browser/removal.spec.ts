// Late participants, and those who are not wanted any more.

import type { Page } from '@playwright/test';
import { expectAccessible } from './axe.js';
import { loudness, playsOn } from './media.js';
import { expect, test, Window } from './story.js';

test('late_joiner_sees_and_hears_the_running_call', async ({ context, gateway }) => {
  const ada = await (await (await Window.open(context, gateway, 'Ada')).openDevices()).enter('Moderator');
  const ben = await (await (await Window.open(context, gateway, 'Ben')).openDevices()).enter('Publisher');
  const dan = await (await (await Window.open(context, gateway, 'Dan')).openDevices()).enter('Publisher');
  await (await ada.moderate('Ben')).getByRole('button', { name: 'Mute and lock' }).click();
  await expect(ada.receipt()).toContainText('enforced after');
  await dan.page.getByRole('button', { name: 'Camera' }).click();
  await expect(dan.page.getByRole('button', { name: 'Camera' })).toHaveAttribute('aria-pressed', 'false');
  const cleo = await (await Window.open(context, gateway, 'Cleo')).enter('Viewer');
  await expect(cleo.people()).toHaveCount(4);
  await expect(cleo.people().filter({ hasText: 'Ben' })).toContainText('Muted, locked by a moderator');
  await expect(cleo.people().filter({ hasText: 'Ada' })).toContainText('Mic on');
  await expect(cleo.people().filter({ hasText: 'Dan' })).toContainText('Mic on');
  await playsOn(cleo.page, 'Ada');
  await playsOn(cleo.page, 'Ben');
  await expect.poll(() => loudness(cleo.page, 'Ada')).toBeGreaterThan(0.01);
  await expect.poll(() => loudness(cleo.page, 'Dan')).toBeGreaterThan(0.01);
  expect(await loudness(cleo.page, 'Ben')).toBeLessThan(0.001);
  // A camera that is off is no picture, not a black one.
  await expect(cleo.page.getByLabel('Video of Dan')).toBeHidden();
  expect([...ada.errors, ...ben.errors, ...cleo.errors, ...dan.errors]).toEqual([]);
});

test('mute_of_the_room_holds_for_a_late_publisher', async ({ context, gateway }) => {
  const ada = await (await (await Window.open(context, gateway, 'Ada')).openDevices()).enter('Moderator');
  const room = ada.page.getByRole('dialog', { name: 'Moderate the room' });
  const openRoom = () => ada.page.getByRole('button', { name: 'Moderate room' }).click();
  await openRoom();
  await room.getByLabel(/^Lock/).check();
  await room.getByRole('button', { name: 'Mute everyone' }).click();
  await expect(ada.receipt()).toContainText('Mute everyone, and lock');
  const ben = await (await (await Window.open(context, gateway, 'Ben')).openDevices()).enter('Publisher');
  await expect(ben.page.getByText('All muted, locked')).toBeVisible();
  const microphone = ben.page.getByRole('button', { name: 'Microphone' });
  await expect(microphone).toHaveAttribute('aria-pressed', 'false');
  await expect(microphone).toBeDisabled();
  await expect(ben.page.getByText('A moderator muted everyone and locked it.')).toBeVisible();
  await expectAccessible(ben.page);
  await playsOn(ada.page, 'Ben');
  expect(await loudness(ada.page, 'Ben')).toBeLessThan(0.001);
  // The moderator goes on.
  await expect.poll(() => loudness(ben.page, 'Ada')).toBeGreaterThan(0.01);
  await openRoom();
  await room.getByRole('button', { name: 'End the mute of the room' }).click();
  await expect(ada.receipt()).toContainText('End the mute of the room');
  await expect(ben.page.getByText('A moderator muted everyone')).toHaveCount(0);
  await microphone.click();
  await expect.poll(() => loudness(ada.page, 'Ben')).toBeGreaterThan(0.01);

  // Without a lock, who comes late starts muted and may turn the microphone on.
  await openRoom();
  await room.getByRole('button', { name: 'Mute everyone' }).click();
  await expect(ada.receipt()).toContainText(/Mute everyone.*enforced after/);
  const cleo = await (await (await Window.open(context, gateway, 'Cleo')).openDevices()).enter('Publisher');
  await expect(cleo.page.getByText('A moderator muted everyone. Turn your microphone on')).toBeVisible();
  await expect(cleo.page.getByRole('button', { name: 'Microphone' })).toHaveAttribute('aria-pressed', 'false');
  await cleo.page.getByRole('button', { name: 'Microphone' }).click();
  await expect.poll(() => loudness(ada.page, 'Cleo')).toBeGreaterThan(0.01);
  await expect(cleo.page.getByText('A moderator muted everyone. Turn your microphone on')).toHaveCount(0);
  expect([...ada.errors, ...ben.errors, ...cleo.errors]).toEqual([]);
});

test('removed_without_block_may_return', async ({ context, gateway }) => {
  const ada = await (await Window.open(context, gateway, 'Ada')).enter('Moderator');
  const ben = await (await (await Window.open(context, gateway, 'Ben')).openDevices()).enter('Publisher');
  const dialog = await ada.moderate('Ben');
  await dialog.getByLabel('Return').selectOption('No block: they may return at once');
  await dialog.getByRole('button', { name: 'Remove Ben' }).click();
  await expect(ada.receipt()).toContainText(/Remove Ben, without block.*enforced after/);
  await expect(ada.people()).toHaveCount(1);
  await expect(ben.page.getByRole('alert')).toContainText(/Ada.* removed you from the room\./);
  await expect(ben.page.getByRole('alert')).toContainText('You may enter again.');
  // The camera is off, not only hidden.
  await ben.page.getByRole('button', { name: 'Back to the start' }).click();
  await expect(ben.page.getByRole('button', { name: 'Check camera and microphone' })).toBeVisible();
  await ben.page.getByRole('button', { name: 'Enter', exact: true }).click();
  await expect(ada.people()).toHaveCount(2);
});

/** Tries to enter, and expects to be rejected. */
async function isRejected(page: Page, why: RegExp): Promise<void> {
  await page.getByRole('button', { name: 'Enter', exact: true }).click();
  await expect(page.getByRole('alert').first()).toContainText(why);
  await expect(page.getByRole('heading', { level: 1, name: 'lobby' })).toHaveCount(0);
}

/** Tries the ways back that a page has: a reload, another name, an invitation, and a window that is its copy. */
async function findsNoWayBack(page: Page, invitation: string, why: RegExp): Promise<void> {
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Enter a room' })).toBeVisible();
  await page.getByLabel('Your name').fill('Cleo');
  await isRejected(page, why);
  await page.getByLabel('Your name').fill('Someone else');
  await isRejected(page, why);
  await page.goto(invitation);
  await expect(page.getByRole('heading', { name: 'You are invited' })).toBeVisible();
  await page.getByLabel('Your name').fill('Another');
  await isRejected(page, why);
  await page.reload();
  await page.goto(invitation);
  await page.getByLabel('Your name').fill('Cleo');
  await isRejected(page, why);
}

test('blocked_participant_finds_no_way_back', async ({ context, gateway }) => {
  const ada = await (await Window.open(context, gateway, 'Ada')).enter('Moderator');
  const cleo = await (await (await Window.open(context, gateway, 'Cleo')).openDevices()).enter('Publisher');
  const token = await gateway.roomToken({ room: 'lobby', role: 'moderator', for_ms: 600_000 });
  const dialog = await ada.moderate('Cleo');
  await dialog.getByLabel('Return').selectOption('Block for a day');
  await dialog.getByLabel('Reason').fill('too loud');
  await dialog.getByRole('button', { name: 'Remove Cleo' }).click();
  const alert = cleo.page.getByRole('alert');
  await expect(alert).toContainText(/Ada.* removed you from the room\. Reason: .{1,2}too loud/);
  // A day away: the time alone would mean today.
  await expect(alert).toContainText(/You may return after \S+ \d+, \d{4}, \d+:\d\d/);
  const why = /A moderator blocked you in this room\..*The block ends at \S+ \d+, \d{4}/;
  await findsNoWayBack(cleo.page, `${gateway.origin()}/demo/#invitation=${token}`, why);
  await expect(ada.people()).toHaveCount(1);
  // Other rooms are open to them.
  await cleo.page.getByRole('button', { name: 'Enter without the invitation' }).click();
  await cleo.enter('Publisher', 'garden');
  expect([...ada.errors, ...cleo.errors]).toEqual([]);
});

test('user_removed_from_the_app_sees_why', async ({ context, gateway }) => {
  const cleo = await (await Window.open(context, gateway, 'Cleo')).enter('Publisher');
  const block = { for_ms: 86_400_000, scope: 'app' };
  await gateway.api('POST', 'rooms/lobby/force_disconnect', { username: 'Cleo', block, reason: 'spam' });
  await expect(cleo.page.getByRole('alert')).toContainText(/removed .*Reason: .{1,2}spam/);
  await expect(cleo.page.getByRole('alert')).toContainText(/You may return after \S+ \d+, \d{4}/);
  await cleo.page.getByRole('button', { name: 'Back to the start' }).click();
  await isRejected(cleo.page, /removed .*The block ends at \S+ \d+, \d{4}/);
});

test('banned_user_finds_no_way_back', async ({ context, gateway }) => {
  const ada = await (await Window.open(context, gateway, 'Ada')).enter('Moderator');
  const cleo = await (await (await Window.open(context, gateway, 'Cleo')).openDevices()).enter('Publisher');
  const token = await gateway.roomToken({ room: 'lobby', role: 'publisher', for_ms: 600_000 });
  await gateway.api('POST', 'users/Cleo/ban', { for_ms: 86_400_000, reason: 'spam' });
  const alert = cleo.page.getByRole('alert');
  await expect(alert).toContainText(/You are banned from this app\. Reason: .{1,2}spam/);
  await expect(alert).toContainText(/The ban ends at \S+ \d+, \d{4}/);
  await expectAccessible(cleo.page);
  await expect(ada.people()).toHaveCount(1);
  await expect(ada.chat).toContainText('Cleo was banned.');
  const why = /You are banned from this app\. Reason: .{1,2}spam.*The ban ends at \S+ \d+, \d{4}/;
  await findsNoWayBack(cleo.page, `${gateway.origin()}/demo/#invitation=${token}`, why);
  await gateway.api('DELETE', 'users/Cleo/ban');
  await cleo.page.getByRole('button', { name: 'Enter', exact: true }).click();
  await expect(ada.people()).toHaveCount(2);
  expect([...ada.errors, ...cleo.errors]).toEqual([]);
});
