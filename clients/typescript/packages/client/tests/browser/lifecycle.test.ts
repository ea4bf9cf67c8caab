// Checks 5 and 6 in a real browser: reload, duplicate, close, and the back/forward cache.

import { expect, it } from 'vitest';

import { cleanUp, started, unique, until, useGateway } from '../harness/index.js';
import { Browser } from './browser.js';

const used = useGateway();

async function open(then: string): Promise<{
  browser: Browser;
  events: string[];
  peer: Awaited<ReturnType<typeof started>>;
  room: string;
  guest: string;
}> {
  const [room, guest] = [unique('room'), unique('ada')];
  const peer = await started(used.gateway);
  await peer.room(room).join();
  const events: string[] = [];
  peer.room(room).on('participantLeft', ({ reason }) => events.push(`left ${reason}`));
  peer.room(room).on('participantChanged', ({ participant }) => events.push(participant.link));
  const browser = await Browser.open('page.html', { gateway: used.gateway.url, room, guest, page: 'first', then });
  cleanUp(() => browser.stop());
  return { browser, events, peer, room, guest };
}

it('a reload keeps instance, session and participant', async () => {
  const { browser, events } = await open('reload');
  const first = await browser.report(({ what }) => what === 'live');
  browser.release('reload');
  const second = await browser.report(({ what, load }) => what === 'live' && load === 2);
  expect(second).toMatchObject({ session: first.session, instance: first.instance, me: first.me });
  expect(events.filter((event) => event.startsWith('left'))).toEqual([]);
});

it('a duplicate is another instance, and a closed tab leaves', async () => {
  const { browser, events, peer, room } = await open('duplicate');
  const first = await browser.report(({ what }) => what === 'live');
  browser.release('duplicate');
  const duplicate = await browser.report(({ page, what }) => page === 'duplicate' && what === 'live');
  expect(duplicate.instance).not.toBe(first.instance);
  await until(peer.room(room).participants, (all) => all.size === 3);
  browser.release('close');
  await until(peer.room(room).participants, (all) => all.size === 2);
  expect(events.at(-1)).toBe('left network_lost');
  expect(browser.reports.filter(({ what }) => what === 'terminated')).toEqual([]);
});

it('a page in the back/forward cache is suspended at once and comes back', async () => {
  const { browser, events, peer, room } = await open('leave');
  const first = await browser.report(({ what }) => what === 'live');
  browser.release('leave');
  await browser.report(({ page }) => page === 'other');
  await until(peer.room(room).participants, (all) => [...all.values()].some(({ link }) => link === 'suspended'));
  browser.release('back');
  const restored = await browser.report(({ what }) => what === 'restored');
  expect(restored).toMatchObject({ session: first.session, instance: first.instance });
  await until(peer.room(room).participants, (all) => [...all.values()].every(({ link }) => link === 'live'));
  expect(events).toEqual(['suspended', 'live']);
});
