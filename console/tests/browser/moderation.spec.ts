// What a moderator can do, each with its receipt.

import { expectAccessible } from './axe.js';
import { expect, test, Window } from './story.js';

test('every_moderation_command_of_the_page', async ({ context, gateway }) => {
  const ada = await (await Window.open(context, gateway, 'Ada')).enter('Moderator');
  const ben = await (await Window.open(context, gateway, 'Ben')).openDevices();
  await ben.enter('Publisher');
  const cleo = await (await Window.open(context, gateway, 'Cleo')).enter('Publisher');
  const { page } = ada;
  const receipt = ada.receipt();
  const room = page.getByRole('dialog', { name: 'Moderate the room' });
  const openRoom = () => page.getByRole('button', { name: 'Moderate room' }).click();

  await page.getByRole('button', { name: 'Mute Ben' }).click();
  await expect(receipt).toContainText(/Mute Ben.*accepted, 1 target.*enforced after \d+ ms/);

  await (await ada.moderate('Ben')).getByRole('button', { name: 'Ask to unmute' }).click();
  await expect(ben.page.getByText('Ada asks you to turn your microphone on.')).toBeVisible();
  await ben.page.getByRole('button', { name: 'Not now' }).click();
  await expect(receipt).toContainText(/Ask to unmute Ben.*declined after/);
  await (await ada.moderate('Ben')).getByRole('button', { name: 'Ask to unmute' }).click();
  await ben.page.getByRole('button', { name: 'Turn on', exact: true }).click();
  await expect(receipt).toContainText(/Ask to unmute Ben.*enforced after/);

  await openRoom();
  await room.getByLabel('Cleo').check();
  await room.getByLabel(/^Lock/).check();
  await room.getByRole('button', { name: 'Mute everyone' }).click();
  await expect(receipt).toContainText(/Mute everyone, except 1, and lock.*enforced after/);
  await expect(page.getByText('All muted, locked')).toBeVisible();
  await openRoom();
  await room.getByRole('button', { name: 'End the mute of the room' }).click();
  await expect(receipt).toContainText('End the mute of the room');

  await (await ada.moderate('Ben')).getByRole('button', { name: 'Unpublish' }).click();
  await expect(receipt).toContainText(/Unpublish a stream of Ben.*enforced after/);
  await expect(ben.page.getByRole('button', { name: 'Start camera and microphone' })).toBeVisible();

  const dialog = await ada.moderate('Cleo');
  await dialog.getByLabel('New role').selectOption('Viewer');
  await dialog.getByRole('button', { name: 'Change' }).click();
  await expect(receipt).toContainText(/Change the role of Cleo to Viewer.*enforced after/);
  await expect(cleo.page.getByLabel('Message')).toBeDisabled();

  await page.getByRole('tab', { name: 'Sessions' }).click();
  await expect(page.getByRole('row', { name: /Cleo Viewer established live/ })).toBeVisible();
  await page.getByRole('tab', { name: 'Receipts' }).click();

  const remove = await ada.moderate('Cleo');
  await remove.getByLabel('Return').selectOption('Block for an hour');
  await remove.getByLabel('Reason').fill('too loud');
  await remove.getByRole('button', { name: 'Remove Cleo' }).click();
  await expect(receipt).toContainText(/Remove Cleo, with block.*enforced after/);
  await expect(cleo.page.getByRole('alert')).toContainText(/Ada.* removed you from the room\. Reason: .{1,2}too loud/);
  await expect(cleo.page.getByRole('alert')).toContainText('You may return after');
  await cleo.page.getByRole('button', { name: 'Back to the start' }).click();
  await cleo.page.getByRole('button', { name: 'Enter', exact: true }).click();
  await expect(cleo.page.getByRole('alert').first()).toContainText('A moderator blocked you in this room.');
  await openRoom();
  await room.getByLabel('Blocked user').fill('Cleo');
  await room.getByRole('button', { name: 'Unblock' }).click();
  await expect(receipt).toContainText(/Unblock Cleo.*enforced after/);

  await openRoom();
  await room.getByRole('button', { name: 'Lock the room' }).click();
  await expect(receipt).toContainText(/Lock the room.*enforced after/);
  await cleo.page.getByRole('button', { name: 'Enter', exact: true }).click();
  await expect(cleo.page.getByRole('alert').first()).toContainText('The room is locked.');

  // The room ends while Ben types: what he typed is not lost.
  await ben.page.getByLabel('Message').fill('one more thought');
  await openRoom();
  await room.getByRole('button', { name: 'End the room…' }).click();
  await room.getByRole('button', { name: 'End it for everyone' }).click();
  await expect(ben.page.getByRole('alert')).toContainText('A moderator ended this room.');
  await expect(ben.page.getByLabel('What you were typing was not sent')).toHaveValue('one more thought');
  expect([...ada.errors, ...ben.errors, ...cleo.errors]).toEqual([]);
});

test('gateway_goes_away_in_the_middle_of_an_action', async ({ context, gateway }) => {
  test.setTimeout(300_000);
  const ada = await (await Window.open(context, gateway, 'Ada')).enter('Moderator');
  const ben = await (await Window.open(context, gateway, 'Ben')).enter('Publisher');
  const { page } = ada;
  const locked = page
    .getByRole('list', { name: 'Receipts' })
    .getByRole('listitem')
    .filter({ hasText: 'Lock the room' });
  const muted = page.getByRole('list', { name: 'Receipts' }).getByRole('listitem').filter({ hasText: 'Mute Ben' });
  await page.getByRole('button', { name: 'Moderate room' }).click();
  const lock = page.getByRole('button', { name: 'Lock the room' });
  await expect(lock).toBeVisible();
  // The gateway gets the command, and is gone before it answers.
  gateway.pause(true);
  await lock.click();
  await expect(locked).toContainText('sent');
  await gateway.kill();
  await expect(page.getByText('The connection is lost.')).toBeVisible();
  await expect(page.getByText(/Reconnecting in \d+ s/)).toBeVisible();
  // A command and a message that cannot be sent any more.
  await page.getByRole('button', { name: 'Mute Ben' }).click();
  await expect(muted).toContainText('waits for the connection');
  await ada.say('is this thing on?');
  await expect(locked).toContainText('outcome unknown');
  await expect(locked).toContainText('this may have taken effect. Repeat it when the connection is back');
  await expect(muted).toContainText('not sent');
  await expect(muted).toContainText('This was not sent');
  await expect(ada.chat).toContainText('This was not sent');
  await expect(ben.chat).not.toContainText('is this thing on?');
  await expectAccessible(page);
  await gateway.again();
  await ada.isBack();
  await ben.isBack();
  await locked.getByRole('button', { name: 'Repeat' }).click();
  await expect(locked).toContainText(/accepted.*enforced after/);
  await ada.chat.getByRole('button', { name: 'Send again' }).click();
  await expect(ben.chat).toContainText('is this thing on?');
  // What the gateway rejects is not offered again: Ben left while the dialog was open.
  const dialog = await ada.moderate('Ben');
  await ben.page.getByRole('button', { name: 'Leave' }).click();
  await expect(dialog.getByText('They left the room.')).toBeVisible();
  await dialog.getByRole('button', { name: 'Mute', exact: true }).click();
  await expect(ada.receipt()).toContainText(/rejected.*This person left the room\./);
  await expect(ada.receipt().getByRole('button', { name: 'Repeat' })).toHaveCount(0);
});
