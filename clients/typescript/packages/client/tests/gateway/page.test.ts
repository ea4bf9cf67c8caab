// Checks 7 to 10, 13 and 21 on a simulated page: waking, leaving, the network, storage, and listeners.

import { expect, it, vi } from 'vitest';
import WebSocket from 'ws';

import { SessionManager } from '../../src/index.js';
import { type SimulatedClock, simulatedClock } from '../harness/clock.js';
import { fakePage, FakeLocks, memoryStorage } from '../harness/fake-page.js';
import { eventLoopTurn, faultProxy, manager, started, unique, until, useGateway } from '../harness/index.js';

const used = useGateway();
const storage = memoryStorage;

it.each([
  ['document', 'resume'],
  ['window', 'pageshow'],
  ['window', 'focus'],
  ['window', 'online'],
  ['document', 'visibilitychange'],
] as const)('check 7: %s %s wakes a client whose link died', async (target, type) => {
  const page = fakePage({ storage: storage(), locks: new FakeLocks() });
  const proxy = await faultProxy(used.gateway);
  const one = await started(proxy);
  const { id } = one.get() ?? {};
  await until(one.connection, ({ rttMs }) => rttMs !== undefined);
  // Both ends believe that the link lives.
  proxy.hold('up');
  proxy.hold('down');
  page.fire(target, type);
  await until(one.connection, ({ status }) => status !== 'live');
  await until(one.connection, ({ status }) => status === 'live');
  expect(one.get()?.id).toBe(id);
});

it('check 7: a timer that is late wakes a client whose link died', async () => {
  const clock = simulatedClock();
  fakePage({ storage: storage(), locks: new FakeLocks() });
  const proxy = await faultProxy(used.gateway);
  const one = await started(proxy);
  const { id } = one.get() ?? {};
  await until(one.connection, ({ rttMs }) => rttMs !== undefined);
  proxy.hold('up');
  proxy.hold('down');
  await sleep(clock, SILENCE_MS);
  const wokeAt = clock.now();
  while (one.connection.value.status !== 'connecting') await clock.advance(100);
  expect(clock.now() - wokeAt).toBeLessThan(2_000);
  await until(one.connection, ({ status }) => status === 'live');
  expect(one.get()?.id).toBe(id);
});

it('check 7: a frame that waited while it slept shows that the link lives', async () => {
  const clock = simulatedClock();
  fakePage({ storage: storage(), locks: new FakeLocks() });
  const proxy = await faultProxy(used.gateway);
  const one = await started(proxy);
  const room = one.room(unique('room'));
  await room.join();
  const statuses: string[] = [];
  one.connection.subscribe(({ status }) => statuses.push(status));
  const received = new Promise((resolve) => room.on('signal', resolve));
  proxy.hold('down');
  await sleep(clock, SILENCE_IN_ROOM_MS);
  // Sent by the server: another client would sleep on the same clock.
  await used.gateway.api('POST', `rooms/${room.name}/signal`, { type: 'n', data: 'while it slept' });
  proxy.release('down');
  await received;
  // The late timer gave the frame a moment; after it nothing is due.
  await clock.advance(1_500);
  await room.send('n', 'awake');
  expect(new Set(statuses)).toEqual(new Set(['live']));
  expect(proxy.connections).toBe(1);
});

it('check 13: an event on a healthy link closes nothing', async () => {
  const page = fakePage({ storage: storage(), locks: new FakeLocks() });
  const proxy = await faultProxy(used.gateway);
  const one = await started(proxy);
  await until(one.connection, ({ rttMs }) => rttMs !== undefined);
  for (const type of ['online', 'focus', 'pageshow']) {
    page.fire('window', type);
    await one.room(unique('room')).join();
  }
  expect(proxy.connections).toBe(1);
});

it('check 13: offline is shown, and online reconnects at once', async () => {
  const page = fakePage({ storage: storage(), locks: new FakeLocks() });
  const proxy = await faultProxy(used.gateway);
  const one = await started(proxy);
  page.navigator.onLine = false;
  page.fire('window', 'offline');
  proxy.cut();
  const offline = await until(one.connection, ({ status }) => status === 'offline');
  expect((offline.nextAttemptAt ?? 0) - Date.now()).toBeGreaterThan(10_000);
  page.navigator.onLine = true;
  page.fire('window', 'online');
  await until(one.connection, ({ status }) => status === 'live');
  expect(proxy.connections).toBe(2);
});

it('check 8: hiding or freezing a page does not end its session', async () => {
  const page = fakePage({ storage: storage(), locks: new FakeLocks() });
  const proxy = await faultProxy(used.gateway);
  const one = await started(proxy);
  page.document.visibilityState = 'hidden';
  page.fire('document', 'visibilitychange');
  page.fire('document', 'freeze');
  const since = proxy.frames.length;
  page.document.visibilityState = 'visible';
  page.fire('document', 'visibilitychange');
  await proxy.frame('down', (text) => text.includes('"id"'), since);
  expect(one.connection.value.status).toBe('live');
  expect(proxy.frames.filter(({ opcode }) => opcode === 8)).toEqual([]);
});

it('check 6: the back/forward cache suspends at once, and the session goes on', async () => {
  const peer = await started(used.gateway);
  const locks = new FakeLocks();
  const page = fakePage({ storage: storage(), locks });
  const proxy = await faultProxy(used.gateway);
  const name = unique('room');
  await peer.room(name).join();
  const one = await started(proxy);
  await one.room(name).join();
  const before = one.get();
  page.fire('window', 'pagehide', { persisted: true });
  await until(peer.room(name).participants, (all) => [...all.values()].some(({ link }) => link === 'suspended'));
  expect(locks.held.size).toBe(0);
  page.fire('window', 'pageshow', { persisted: true });
  await until(one.room(name).state, ({ membership }) => membership === 'in');
  await until(peer.room(name).participants, (all) => [...all.values()].every(({ link }) => link === 'live'));
  expect(one.get()).toMatchObject({ id: before?.id, instance: before?.instance });
});

it('check 6: a page whose instance was taken meanwhile gets another one', async () => {
  const locks = new FakeLocks();
  const page = fakePage({ storage: storage(), locks });
  const one = await started(used.gateway);
  const name = unique('room');
  await one.room(name).join();
  const before = one.get();
  page.fire('window', 'pagehide', { persisted: true });
  await vi.waitFor(() => {
    expect(locks.held.size).toBe(0);
  });
  void locks.request(
    `stagedoor:demo@${used.gateway.ready.listen}:${before?.instance ?? ''}`,
    {},
    () => new Promise(() => undefined),
  );
  page.fire('window', 'pageshow', { persisted: true });
  await until(one.session, (session) => session !== null && session.instance !== before?.instance);
  await until(one.room(name).state, ({ membership }) => membership === 'in');
});

it('check 5: a page that ends frees its id before the browser has ended it', async () => {
  const locks = new FakeLocks();
  const tab = storage();
  const page = fakePage({ storage: tab, locks });
  const first = new SessionManager(options());
  await first.start({ guest: unique('ada') });
  const before = first.get();
  expect(before).not.toBeNull();
  page.fire('window', 'pagehide', { persisted: false });
  await eventLoopTurn();
  // The next page of the tab, or the tab that its user restores.
  fakePage({ storage: tab, locks });
  const next = manager(used.gateway);
  expect((await next.start({ stored: true })).session).toMatchObject({
    id: before?.id,
    instance: before?.instance,
  });
});

it('check 5: a reload resumes the session, and a duplicate gets its own', async () => {
  const locks = new FakeLocks();
  const tab = storage();
  fakePage({ storage: tab, locks });
  const name = unique('ada');
  const room = unique('room');
  const first = new SessionManager(options());
  await first.start({ guest: name });
  await first.room(room).join();
  const [session, me] = [first.get(), first.room(room).state.value.me];
  // A duplicated tab has a copy of the storage.
  const copy = storage();
  for (const [key, value] of tab.all) copy.setItem(key, value);
  fakePage({ storage: copy, locks });
  const duplicate = await started(used.gateway, {}, name);
  expect(duplicate.get()?.instance).not.toBe(session?.instance);
  expect(first.state.value.state).toBe('established');
  // A reload ends the page without a word; its locks are free.
  locks.held.clear();
  fakePage({ storage: tab, locks });
  const again = manager(used.gateway);
  await again.start({ guest: name });
  await again.room(room).join();
  expect(again.get()).toMatchObject({ id: session?.id, instance: session?.instance });
  expect(again.room(room).state.value.me?.id).toBe(me?.id);
});

it('another user of a tab does not get the stored session', async () => {
  const tab = storage();
  fakePage({ storage: tab, locks: new FakeLocks() });
  const one = await started(used.gateway);
  const { id } = one.get() ?? {};
  const other = await started(used.gateway);
  expect(other.get()?.id).not.toBe(id);
});

it('start({ stored: true }) continues what the tab stored', async () => {
  const locks = new FakeLocks();
  const tab = storage();
  fakePage({ storage: tab, locks });
  const none = manager(used.gateway);
  expect((await none.start({ stored: true })).error).toMatchObject({ code: 'no_stored_session' });
  const first = new SessionManager(options());
  await first.start({ guest: unique('ada') });
  locks.held.clear();
  const again = manager(used.gateway);
  expect((await again.start({ stored: true })).session?.id).toBe(first.get()?.id);
});

it.each([
  [
    'a getter that throws',
    {
      get: () => {
        throw new Error('denied');
      },
    },
  ],
  [
    'a quota of 0',
    {
      value: {
        ...memoryStorage(),
        setItem: () => {
          throw new Error('quota');
        },
      },
    },
  ],
])('check 10: storage with %s: start works, with one warning', async (_, descriptor) => {
  fakePage({ locks: new FakeLocks() });
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  Object.defineProperty(globalThis, 'sessionStorage', { configurable: true, ...descriptor });
  try {
    const one = await started(used.gateway);
    await one.stop();
    expect(warn).toHaveBeenCalledTimes(1);
  } finally {
    Reflect.deleteProperty(globalThis, 'sessionStorage');
    warn.mockRestore();
  }
});

it('check 10: without Web Locks each page is an instance of its own, with one warning', async () => {
  fakePage({ storage: storage() });
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const [one, two] = [await started(used.gateway), await started(used.gateway)];
  expect(one.get()?.instance).not.toBe(two.get()?.instance);
  expect(warn).toHaveBeenCalledTimes(2);
  warn.mockRestore();
});

it('checks 9 and 21: after stop no event connects, and no listener is left', async () => {
  const page = fakePage({ storage: storage(), locks: new FakeLocks() });
  const proxy = await faultProxy(used.gateway);
  expect(page.listeners()).toBe(0);
  manager(proxy);
  expect(page.listeners()).toBe(0);
  const one = await started(proxy);
  expect(page.listeners()).toBeGreaterThan(0);
  await one.stop();
  expect(page.listeners()).toBe(0);
  const attempts = proxy.connections;
  for (const type of ['online', 'focus', 'pageshow']) page.fire('window', type, { persisted: true });
  page.fire('document', 'visibilitychange');
  one.retryNow();
  await started(used.gateway);
  expect(proxy.connections).toBe(attempts);
});

function options(): ConstructorParameters<typeof SessionManager>[0] {
  return { url: used.gateway.url, app: 'demo', webSocket: WebSocket };
}

/** Two minutes of sleep, without an event. The timer of silence fires then, and is late. */
async function sleep(clock: SimulatedClock, silenceMs: number): Promise<void> {
  // The wall clock went on, the monotonic one did not.
  vi.setSystemTime(Date.now() + 120_000);
  await clock.advance(silenceMs);
}

/** How long silence may last, with the default settings. */
const SILENCE_MS = 36_000;
const SILENCE_IN_ROOM_MS = 16_000;
