// Checks 5 to 9 and 12 in a real browser: reload, duplicate, close, the back/forward cache, a page that is frozen or
// stopped, and a session that ended.

import { describe, expect, it } from 'vitest';

import {
  cleanUp,
  demo,
  faultProxy,
  type FaultProxy,
  freePort,
  Gateway,
  started,
  unique,
  until,
  useGateway,
} from '../harness/index.js';
import { Browser, DEVTOOLS, type Report, TAB_COMMANDS } from './browser.js';

/** How long a session outlives its page, by default. */
const WINDOW_S = 10;
const used = useGateway();
/** Times are measured. A busy machine may need another attempt. */
const isMeasured = { retry: 2 };

interface Story {
  readonly browser: Browser;
  readonly proxy: FaultProxy;
  /** What a peer saw: links, and who left why. */
  readonly events: { readonly what: string; readonly at: number }[];
  readonly peer: Awaited<ReturnType<typeof started>>;
  readonly room: string;
}

async function open(then: string, ...flags: string[]): Promise<Story> {
  return openAt(used.gateway, then, flags);
}

async function openAt(gateway: Gateway, then: string, flags: string[] = [], port = 0): Promise<Story> {
  const proxy = await faultProxy(gateway);
  const [room, guest] = [unique('room'), unique('ada')];
  const peer = await started(gateway);
  await peer.room(room).join();
  const events: { what: string; at: number }[] = [];
  const see = (what: string): void => void events.push({ what, at: performance.now() });
  peer.room(room).on('participantLeft', ({ reason }) => see(`left ${reason}`));
  peer.room(room).on('participantChanged', ({ participant }) => see(participant.link));
  const query = { gateway: proxy.url, room, guest, page: 'first', then };
  const browser = await Browser.open('page.html', query, flags, port);
  cleanUp(() => browser.stop());
  return { browser, proxy, events, peer, room };
}

const linkOfAny = (peer: Story['peer'], room: string, link: string): Promise<unknown> =>
  until(peer.room(room).participants, (all) => [...all.values()].some((one) => one.link === link));
const allLive = (peer: Story['peer'], room: string): Promise<unknown> =>
  until(
    peer.room(room).participants,
    (all) => all.size === 2 && [...all.values()].every(({ link }) => link === 'live'),
  );
/** Lets the page ask for what a user does with its tab. The extension misses titles that are set before it listens. */
const askUser = async (browser: Browser): Promise<void> => {
  await browser.report(({ page, what }) => page === 'extension' && what === 'ready');
  browser.release('title');
};
const whats = (events: Story['events']): string[] => events.map(({ what }) => what);
const closesOf = (proxy: FaultProxy): FaultProxy['frames'] =>
  proxy.frames.filter(({ way, opcode }) => way === 'up' && opcode === 8);

describe('check 5', () => {
  it('a reload keeps instance, session and participant', async () => {
    const { browser, events } = await open('reload');
    const first = await browser.report(({ what }) => what === 'live');
    browser.release('reload');
    const second = await browser.report(({ what, load }) => what === 'live' && load === 2);
    expect(second).toMatchObject({ session: first.session, instance: first.instance, me: first.me });
    expect(whats(events).filter((what) => what !== 'suspended' && what !== 'live')).toEqual([]);
  });

  it('a duplicate is another instance that proves itself, and a closed tab leaves in time', isMeasured, async () => {
    const { browser, proxy, events, peer, room } = await open('duplicate');
    const first = await browser.report(({ what }) => what === 'live');
    browser.release('duplicate');
    const duplicate = await browser.report(({ page, what }) => page === 'duplicate' && what === 'live');
    expect(duplicate.instance).not.toBe(first.instance);
    await until(peer.room(room).participants, (all) => all.size === 3);
    const starts = proxy.texts('up').filter((text) => text.includes('"start"'));
    expect(starts).toHaveLength(2);
    const [before, after] = starts.map((text) => JSON.parse(text) as { start: { previous?: unknown } });
    expect(before?.start.previous).toBeUndefined();
    expect(after?.start.previous).toMatchObject({ session: first.session, keep: true });
    const since = proxy.frames.length;
    browser.release('close');
    const close = await proxy.frame('up', () => true, since);
    await until(peer.room(room).participants, (all) => all.size === 2);
    const left = events.at(-1);
    expect(left?.what).toBe('left network_lost');
    expect((left?.at ?? Infinity) - close.at).toBeLessThan((WINDOW_S + 2) * 1_000);
    expect(proxy.texts('down').filter((text) => text.includes('4013'))).toEqual([]);
    expect(browser.reports.filter(({ what }) => what === 'terminated')).toEqual([]);
  });

  it('a tab that its user duplicates is another instance, and both go on', async () => {
    const { browser, proxy, events, peer, room } = await open('duplicate this tab', TAB_COMMANDS);
    const first = await browser.report(({ what }) => what === 'live');
    await askUser(browser);
    // It has a copy of the storage.
    const duplicate = await browser.report(({ what, load }) => what === 'live' && load === 2);
    expect(duplicate.instance).not.toBe(first.instance);
    await until(peer.room(room).participants, (all) => all.size === 3);
    const starts = proxy.texts('up').filter((text) => text.includes('"start"'));
    expect(JSON.parse(starts[1] ?? '{}')).toMatchObject({
      start: { previous: { session: first.session, keep: true } },
    });
    expect(proxy.connections).toBe(2);
    expect(whats(events)).toEqual([]);
    expect(browser.reports.filter(({ what }) => what === 'terminated')).toEqual([]);
  });

  it('a tab that its user restores keeps instance, session and participant', async () => {
    const { browser, events, peer, room } = await open('close and restore this tab', TAB_COMMANDS);
    const first = await browser.report(({ what }) => what === 'live');
    const suspended = linkOfAny(peer, room, 'suspended');
    await askUser(browser);
    const restored = await browser.report(({ what, load }) => what === 'live' && load === 2);
    expect(restored).toMatchObject({ session: first.session, instance: first.instance, me: first.me });
    // The peer hears of it on a connection of its own.
    await suspended;
    await allLive(peer, room);
    expect(whats(events)).toEqual(['suspended', 'live']);
  });
});

describe('check 6', () => {
  it('a page in the back/forward cache is suspended at once and comes back', isMeasured, async () => {
    const { browser, proxy, events, peer, room } = await open('leave');
    const first = await browser.report(({ what }) => what === 'live');
    const since = proxy.frames.length;
    browser.release('leave');
    await browser.report(({ page }) => page === 'other');
    await linkOfAny(peer, room, 'suspended');
    const close = await proxy.frame('up', (text) => text.startsWith('\x0b\ufffd'), since);
    expect((events[0]?.at ?? Infinity) - close.at).toBeLessThan(1_000);
    await peer.room(room).send('n', 'missed');
    browser.release('back');
    const restored = await browser.report(({ what }) => what === 'restored');
    expect(restored).toMatchObject({ session: first.session, instance: first.instance, me: first.me });
    await allLive(peer, room);
    expect(whats(events)).toEqual(['suspended', 'live']);
    expect(proxy.texts('down').filter((text) => text.includes('"missed"'))).toHaveLength(1);
  });

  it('after the window a new session of the same instance starts by itself, and joins its rooms', async () => {
    const { browser, events, peer, room } = await open('leave');
    const first = await browser.report(({ what }) => what === 'live');
    browser.release('leave');
    await until(peer.room(room).participants, (all) => all.size === 2);
    await until(peer.room(room).participants, (all) => all.size === 1);
    expect(whats(events)).toEqual(['suspended', 'left network_lost']);
    browser.release('back');
    const rejoined = await browser.report(({ what }) => what === 'rejoined');
    expect(rejoined.instance).toBe(first.instance);
    expect(rejoined.session).not.toBe(first.session);
    expect(rejoined.load).toBe(1);
    await allLive(peer, room);
  });
});

describe('checks 7 and 8', () => {
  it('a frozen page keeps its session, and is live within 2 s of its resume', isMeasured, async () => {
    const { browser, proxy, events, peer, room } = await open('stay', DEVTOOLS);
    const first = await browser.report(({ what }) => what === 'live');
    const since = proxy.frames.length;
    await browser.command(['Page.setWebLifecycleState', { state: 'frozen' }]);
    // No event of the page: the gateway notices by its heartbeat, and frees the link.
    await linkOfAny(peer, room, 'suspended');
    expect(proxy.texts('up').filter((text) => text.includes('"end"'))).toEqual([]);
    await browser.command(['Page.setWebLifecycleState', { state: 'active' }]);
    const awake = await browser.report(({ what }) => what === 'awake');
    expect(awake).toMatchObject({ session: first.session, instance: first.instance, me: first.me });
    expect(awake.afterMs).toBeLessThan(2_000);
    await allLive(peer, room);
    expect(whats(events)).toEqual(['suspended', 'live']);
    // It did not end its session, and was resumed with one connection.
    expect(closesOf(proxy).filter(({ text }) => text.startsWith('\x03\ufffd'))).toEqual([]);
    expect(proxy.texts('up').filter((text) => text.includes('"resume"'))).toHaveLength(1);
    expect(proxy.frames.length).toBeGreaterThan(since);
  });
});

describe('check 9', () => {
  it('a page that stopped makes no connection, also offline, online, hidden and shown', async () => {
    const { browser, proxy } = await open('stop', DEVTOOLS);
    await browser.report(({ what }) => what === 'live');
    browser.release('stop');
    expect(await browser.report(({ what }) => what === 'stopped')).toMatchObject({ state: 'notLoggedIn' });
    const network = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
    await browser.command(
      ['Network.enable', {}],
      ['Network.emulateNetworkConditions', { offline: true, ...network }],
      ['Network.emulateNetworkConditions', { offline: false, ...network }],
    );
    await browser.report(({ what }) => what === 'online');
    browser.release('hide');
    const shown = await browser.report(({ what }) => what === 'shown');
    expect(shown).toMatchObject({ visibility: 'visible', status: 'idle' });
    expect(proxy.connections).toBe(1);
  });
});

/** How long the browser is stopped. */
const ASLEEP_MS = 16_000;

/** Stops all processes of a browser while three replies wait; returns what the page reports afterwards. */
async function sleep(settings: string): Promise<{ reports: Report[]; session: unknown; proxy: FaultProxy }> {
  const port = await freePort();
  const gateway = await Gateway.start(demo(settings, [`http://127.0.0.1:${String(port)}`]));
  cleanUp(() => gateway.stop());
  const { browser, proxy, peer, room } = await openAt(gateway, 'calls', [], port);
  const { session } = await browser.report(({ what }) => what === 'live');
  proxy.hold('down');
  browser.release('calls');
  for (const line of ['1', '2', '3']) await proxy.frame('up', (text) => text.includes(`"data":"${line}"`));
  const isReply = (text: string): boolean => text.includes('"sent"');
  while (proxy.texts('down').filter(isReply).length < 3) await proxy.frame('down', isReply, proxy.frames.length);
  browser.signal('SIGSTOP');
  const before = browser.reports.length;
  proxy.release('down');
  await new Promise((resolve) => setTimeout(resolve, ASLEEP_MS));
  await peer.room(room).send('n', 'while it slept');
  browser.signal('SIGCONT');
  await browser.report(({ data }) => data === 'while it slept');
  browser.release('awake');
  for (const line of ['1', '2', '3', 'awake']) await browser.report((one) => one.line === line);
  await allLive(peer, room);
  return { reports: browser.reports.slice(before), session, proxy };
}

describe('check 12', () => {
  it('a browser that was stopped goes on, or resumes once if the gateway gave it up', async () => {
    const [healthy, lost] = await Promise.all([
      sleep('[keepalive]\nroom_interval = "12s"\nroom_timeout = "11s"'),
      sleep('[keepalive]\nroom_interval = "5s"\nroom_timeout = "4s"'),
    ]);
    for (const { reports, session } of [healthy, lost]) {
      const done = reports.filter(({ what }) => what === 'done');
      expect(done.map(({ line }) => line).sort()).toEqual(['1', '2', '3', 'awake']);
      expect(new Set(done.map((report) => report.session))).toEqual(new Set([session]));
      expect(reports.filter(({ what }) => what === 'refused')).toEqual([]);
    }
    expect(healthy.proxy.texts('down').filter((text) => text.includes('"ping":{}'))).not.toEqual([]);
    expect(healthy.proxy.connections).toBe(1);
    expect(healthy.reports.filter(({ what, status }) => what === 'connection' && status !== 'live')).toEqual([]);
    expect(lost.proxy.texts('down').filter((text) => text.includes('"code":4301'))).toHaveLength(1);
    expect(lost.proxy.connections).toBe(2);
    expect(lost.proxy.texts('up').filter((text) => text.includes('"resume"'))).toHaveLength(1);
  });
});
