// The moderator's panel of examples/moderator.

import { expect, it } from 'vitest';

import { started, unique, useGateway } from '../../packages/client/tests/harness/index.js';
import { mintSessionToken } from '../../packages/server/src/index.js';
import { copyOf, see, serve, show, useBrowser } from './site.js';

const used = useGateway();
const browser = useBrowser();

async function panel(room: string): Promise<Awaited<ReturnType<typeof show>>> {
  const url = await serve(copyOf('moderator', used.gateway));
  const shown = await show(await browser.open(), url);
  const { app_secret, app } = used.gateway.ready;
  const rooms = { [room]: 'moderator' } as const;
  const token = await mintSessionToken(app_secret, { app, username: unique('mod'), rooms, expiresIn: '5m' });
  await shown.page.getByPlaceholder('Moderator token').fill(token);
  await shown.page.getByPlaceholder('Room').fill(room);
  await shown.page.getByRole('button', { name: 'Enter' }).click();
  await see(shown.page.locator('#status')).toHaveText(`in ${room} as moderator`);
  return shown;
}

it('mutes with a lock, lifts, and removes with a block', async () => {
  const room = unique('room');
  const ada = await started(used.gateway, {}, unique('ada'));
  const name = ada.get()?.user.username ?? '';
  await ada.room(room).join();
  const track = { kind: 'audio', enabled: true };
  const own = await ada.room(room).publish({ kind: 'camera', hasAudio: true, hasVideo: true, tracks: [track] });
  own.onForcedMute(() => {
    track.enabled = false;
  });

  const { page, errors } = await panel(room);
  const people = page.locator('#people tr');
  const actions = page.locator('#actions tr');
  const press = (label: string): Promise<void> => page.getByRole('button', { name: `${label}: ${name}` }).click();
  await see(people).toHaveCount(1);
  await see(people.getByRole('cell').nth(3)).toHaveText('on');

  await page.getByRole('button', { name: `Mute: ${name}`, exact: true }).click();
  await see(actions.first()).toContainText(`Mute: ${name}`);
  await see(actions.first()).toContainText(/settled after \d+ ms/);
  expect(track.enabled).toBe(false);
  await see(people.getByRole('cell').nth(3)).toHaveText('muted');

  await press('Mute and lock');
  await see(actions).toHaveCount(2);
  await see(actions.first()).toContainText(/settled/);
  await see(people.getByRole('cell').nth(3)).toHaveText('locked');
  await press('Lift');
  await see(actions).toHaveCount(3);
  await see(people.getByRole('cell').nth(3)).not.toHaveText('locked');

  await press('Remove');
  await see(people).toHaveCount(0);
  await see(actions.first()).toContainText(/settled/);
  expect(ada.room(room).state.value.membership).toBe('removed');
  await expect(ada.room(room).join()).rejects.toMatchObject({ code: 'blocked' });
  expect(errors).toEqual([]);
});

it('shows the receipt of a page that ignores a mute', async () => {
  const room = unique('room');
  const eve = await started(used.gateway, {}, unique('eve'));
  await eve.room(room).join();
  const own = await eve.room(room).publish({ kind: 'camera', hasAudio: true, hasVideo: false });
  own.onForcedMute(() => {
    throw new Error('the track is in use');
  });
  const { page } = await panel(room);
  await page.getByRole('button', { name: `Mute: ${eve.get()?.user.username ?? ''}`, exact: true }).click();
  const cells = page.locator('#actions tr').first().getByRole('cell');
  await see(cells.last()).toContainText('settled');
  await see(page.locator('#people tr').getByRole('cell').nth(3)).toHaveText('off');
});

it('a reload keeps the session of the moderator', async () => {
  const room = unique('room');
  const { page, errors } = await panel(room);
  const sessions = (): Promise<string> => used.gateway.api('GET', `rooms/${room}/participants`).then(JSON.stringify);
  const before = await sessions();
  await page.reload();
  await see(page.locator('#status')).toHaveText(`in ${room} as moderator`);
  expect(await sessions()).toBe(before);
  expect(errors).toEqual([]);
});
