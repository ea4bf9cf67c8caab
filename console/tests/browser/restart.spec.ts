// The gateway is stopped and started again under a running call.

import type { Browser } from '@playwright/test';
import type { Gateway } from './gateway.js';
import { playsOn } from './media.js';
import { expect, test, Window } from './story.js';

interface Call {
  readonly ada: Window;
  readonly ben: Window;
  readonly cleo: Window;
}

/** A moderator and a publisher with cameras and a viewer, each in a browser of their own. */
async function call(browser: Browser, gateway: Gateway): Promise<Call> {
  const open = async (name: string): Promise<Window> => Window.open(await browser.newContext(), gateway, name);
  const ada = await (await (await open('Ada')).openDevices()).enter('Moderator');
  const ben = await (await (await open('Ben')).openDevices()).enter('Publisher');
  const cleo = await (await open('Cleo')).enter('Viewer');
  await goesOn({ ada, ben, cleo });
  return { ada, ben, cleo };
}

/** Everyone is shown to everyone, and video flows. */
async function goesOn({ ada, ben, cleo }: Call): Promise<void> {
  for (const window of [ada, ben, cleo]) {
    await expect(window.people()).toHaveCount(3);
    await expect(window.page.locator('.people')).not.toContainText('connection lost');
    await expect(window.page.locator('.banner')).toHaveCount(0);
  }
  await playsOn(ada.page, 'Ben');
  await playsOn(ben.page, 'Ada');
  await playsOn(cleo.page, 'Ada');
  await playsOn(cleo.page, 'Ben');
}

/** Chat and moderation work. */
async function isUsable({ ada, ben, cleo }: Call): Promise<void> {
  await ben.say('still here');
  await expect(cleo.chat).toContainText('still here');
  await ada.page.getByRole('button', { name: 'Mute Ben' }).click();
  await expect(ada.receipt()).toContainText(/Mute Ben.*enforced after \d+ ms/);
  await expect(cleo.people().filter({ hasText: 'Ben' })).toContainText('Muted');
  expect([...ada.errors, ...ben.errors, ...cleo.errors]).toEqual([]);
}

test.describe('with keys and a store', () => {
  test.use({ settings: '[drain]\nspread = "1ms"\ndeadline = "2s"\n' });

  test('upgrade_keeps_sessions_and_the_call', async ({ browser, gateway }) => {
    const call3 = await call(browser, gateway);
    const { ada, ben, cleo } = call3;
    await ada.page.getByRole('button', { name: 'Moderate room' }).click();
    await ada.page.getByRole('button', { name: 'Lock the room' }).click();
    await expect(ada.receipt()).toContainText(/Lock the room.*enforced after/);
    await gateway.drain();
    for (const window of [ada, ben, cleo]) {
      await expect(window.page.getByText('The connection is lost.')).toBeVisible();
    }
    await gateway.again();
    await goesOn(call3);
    // The sessions went on: no participant left, and none entered the locked room again.
    expect(await gateway.usernames('lobby')).toEqual(['Ada', 'Ben', 'Cleo']);
    await expect(ada.page.getByText('Locked', { exact: true })).toBeVisible();
    for (const window of [ada, ben, cleo]) await expect(window.chat).not.toContainText(/left|entered again|restarted/);
    await isUsable(call3);
  });

  test('crash_starts_new_sessions_in_the_same_room', async ({ browser, gateway }) => {
    const call3 = await call(browser, gateway);
    await gateway.kill();
    await gateway.again();
    for (const window of [call3.ada, call3.ben, call3.cleo]) {
      await expect(window.chat).toContainText('The gateway was restarted. You are in the room again');
    }
    await goesOn(call3);
    expect(await gateway.usernames('lobby')).toEqual(['Ada', 'Ben', 'Cleo']);
    await isUsable(call3);
  });
});

test('development_mode_comes_back_with_new_keys', async ({ browser, gateway }) => {
  test.setTimeout(300_000);
  const call3 = await call(browser, gateway);
  const { ada, ben, cleo } = call3;
  // After a reload too, the page has what starts a new session.
  await cleo.page.reload();
  await expect(cleo.page.getByRole('heading', { level: 1, name: 'lobby' })).toBeVisible();
  const token = await gateway.roomToken({ room: 'lobby', role: 'publisher', for_ms: 600_000 });
  const dan = await Window.open(await browser.newContext(), gateway, 'Dan', `/demo/#invitation=${token}`);
  await dan.enter();
  await dan.page.getByLabel('Message').fill('half a sentence');
  await gateway.kill();
  await expect(ada.page.getByText('The connection is lost.')).toBeVisible();
  await gateway.again();
  for (const window of [ada, ben, cleo]) {
    // The resume and then the new start may each wait for 30 s.
    await expect(window.chat).toContainText(
      'The gateway was restarted. You are in the room again, as the same guest.',
      { timeout: 90_000 },
    );
    await expect(window.chat).not.toContainText(/\w left\./);
  }
  await goesOn(call3);
  expect(await gateway.usernames('lobby')).toEqual(['Ada', 'Ben', 'Cleo']);
  await isUsable(call3);
  // What the former keys signed is void.
  await expect(dan.page.getByRole('alert')).toContainText('does not accept this invitation any more');
  await expect(dan.page.getByRole('alert')).toContainText('Ask for a new one');
  await expect(dan.page.getByLabel('What you were typing was not sent')).toHaveValue('half a sentence');
});
