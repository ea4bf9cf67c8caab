// Checks 1 to 4: start and stop, and that states and observers agree.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { SessionActiveError, type SessionSnapshot, type StartResult } from '../../src/index.js';
import { simulatedClock } from '../harness/clock.js';
import {
  eventLoopTurn,
  faultProxy,
  manager,
  started,
  unique,
  until,
  untilState,
  useGateway,
} from '../harness/index.js';

const used = useGateway();

describe('check 1: a second start', () => {
  it('settles within 100 ms with SessionActiveError, and leaves the first alone', async () => {
    // The clock stands still: what settles waits for no timer, not even for one of 100 ms.
    const clock = simulatedClock();
    const one = manager(used.gateway);
    const first = one.start({ guest: unique('ada') });
    const during = await one.start({ guest: unique('eve') });
    expect(during.error).toBeInstanceOf(SessionActiveError);
    expect(during.error).toMatchObject({ code: 'already_started', outcome: 'not-sent' });
    expect(one.state.value.state).toBe('establishing');
    const { session } = await first;
    const after = await one.start({ guest: unique('eve') });
    expect(after.error).toBeInstanceOf(SessionActiveError);
    await clock.advance(100);
    expect(one.get()).toBe(session);
    expect(one.state.value).toMatchObject({ state: 'established', version: 2 });
    expect(session?.user.username).toContain('ada');
  });
});

describe('start', () => {
  it('answers with an error for wrong credentials', async () => {
    const one = manager(used.gateway);
    const result = await one.start({ token: 'wrong' });
    expect(result.error).toMatchObject({ code: 'auth_denied', outcome: 'refused' });
    expect(one.state.value).toMatchObject({ state: 'notLoggedIn', code: 4003 });
  });

  it('aborts by its signal', async () => {
    const one = manager(used.gateway);
    const controller = new AbortController();
    const result = one.start({ guest: unique('ada'), signal: controller.signal });
    controller.abort();
    expect((await result).error).toMatchObject({ code: 'aborted' });
    expect(one.state.value.state).toBe('notLoggedIn');
  });
});

describe('check 2: states and observers agree', () => {
  it('of failed, banned and successful logins', async () => {
    const banned = unique('banned');
    await used.gateway.api('POST', `users/${banned}/ban`, { for_ms: 60_000, reason: 'test' });
    for (const [how, expected] of [
      [{ guest: unique('ada') }, 'established'],
      [{ token: 'wrong' }, 'notLoggedIn'],
      [{ guest: banned }, 'terminated'],
    ] as const) {
      const one = manager(used.gateway);
      const seen: SessionSnapshot[] = [];
      const agrees: boolean[] = [];
      one.state.subscribe((value) => {
        agrees.push(one.state.value === value);
        seen.push(value);
      });
      one.addObserver({ stateChanged: (value) => agrees.push(one.state.value === value) });
      await one.start(how);
      expect(one.state.value.state).toBe(expected);
      expect(seen.map(({ state }) => state)).toEqual(['notLoggedIn', 'establishing', expected]);
      expect(agrees).not.toContain(false);
      if (expected === 'terminated') expect(one.state.value).toMatchObject({ code: 4011, reason: 'test' });
    }
  });

  it('in 200 random orders of events', async () => {
    const banned = unique('banned');
    await used.gateway.api('POST', `users/${banned}/ban`, { for_ms: 600_000, reason: 'test' });
    const step = fc.constantFrom('good', 'wrong', 'banned', 'stop', 'ban', 'cut', '4499', 'turn', 'settle');
    const orders = fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 10 }), async (steps) => {
      const proxy = await faultProxy(used.gateway);
      const ada = unique('ada');
      const one = manager(proxy);
      const problems: string[] = [];
      const check = (value: SessionSnapshot): void => {
        if (one.state.value !== value) problems.push(`got ${value.state}, shown ${one.state.value.state}`);
        if (value.state === 'established' && one.session.value?.user.username !== ada) problems.push('the wrong user');
      };
      one.state.subscribe(check);
      one.addObserver({ stateChanged: check, sessionChanged: () => check(one.state.value) });
      const starts: Promise<StartResult>[] = [];
      const acts: Record<(typeof steps)[number], () => unknown> = {
        good: () => starts.push(one.start({ guest: ada })),
        wrong: () => starts.push(one.start({ token: 'wrong' })),
        banned: () => starts.push(one.start({ guest: banned })),
        stop: () => void one.stop(),
        ban: async () => {
          await used.gateway.api('POST', `users/${ada}/ban`, { for_ms: 60_000 });
          await used.gateway.api('DELETE', `users/${ada}/ban`);
        },
        cut: () => {
          proxy.cut();
        },
        '4499': () => {
          proxy.close(4499);
        },
        turn: eventLoopTurn,
        settle: () => Promise.all(starts),
      };
      one.connection.subscribe(({ status }) => {
        if (status === 'waiting') one.retryNow();
      });
      for (const name of steps) await acts[name]();
      await Promise.all(starts);
      await one.stop();
      for (const { session } of await Promise.all(starts)) {
        if (session && session.user.username !== ada) problems.push('a session of the wrong user');
      }
      expect(problems).toEqual([]);
      expect(one.state.value.state).toMatch(/notLoggedIn|terminated/);
      await proxy.stop();
    });
    await fc.assert(orders, { numRuns: 200 });
  }, 120_000);
});

describe('states', () => {
  it('check 3: a ban terminates the second session of a process too', async () => {
    const name = unique('ada');
    const one = manager(used.gateway);
    const seen: string[] = [];
    one.addObserver({ stateChanged: ({ state }) => seen.push(state) });
    for (let round = 0; round < 2; round += 1) {
      expect((await one.start({ guest: name })).succeeded).toBe(true);
      await used.gateway.api('POST', `users/${name}/ban`, { for_ms: 60_000, reason: 'test' });
      expect(await untilState(one, 'terminated')).toMatchObject({ code: 4011, reason: 'test' });
      await used.gateway.api('DELETE', `users/${name}/ban`);
    }
    const round = ['establishing', 'established', 'terminated'];
    expect(seen).toEqual([...round, ...round]);
  });

  it.each(['stop', 'start', 'stop and start', 'leave', 'throw'])('check 4: a state listener may %s', async (what) => {
    const one = manager(used.gateway);
    const room = one.room(unique('room'));
    const versions: number[] = [];
    let isInside = false;
    let isDone = false;
    const other: string[] = [];
    one.state.subscribe(({ state, version }) => {
      expect(isInside).toBe(false);
      isInside = true;
      versions.push(version);
      if (state === 'established' && !isDone) {
        isDone = true;
        if (what.startsWith('stop')) void one.stop();
        if (what.endsWith('start')) void one.start({ guest: unique('eve') });
        if (what === 'leave') void room.leave();
        if (what === 'throw') {
          isInside = false;
          throw new Error('from the listener');
        }
      }
      isInside = false;
    });
    one.state.subscribe(({ state }) => other.push(state));
    await one.start({ guest: unique('ada') });
    const last = what === 'stop' ? 'notLoggedIn' : 'established';
    await untilState(one, last);
    expect(one.state.value.state).toBe(last);
    expect(versions).toEqual(versions.map((_, index) => index));
    expect(other.at(-1)).toBe(last);
    expect(one.errors.map(({ where }) => where)).toEqual(what === 'throw' ? ['state'] : []);
  });
});

describe('stop', () => {
  it('is idempotent and ends the session', async () => {
    const one = await started(used.gateway);
    const id = one.get()?.id ?? '';
    await Promise.all([one.stop(), one.stop()]);
    await one.stop();
    expect(one.state.value.state).toBe('notLoggedIn');
    expect(await used.gateway.api('GET', `sessions/${id}`)).toMatchObject({ state: 'notLoggedIn' });
  });

  it('secure stop throws and stays logged in without a confirmation', async () => {
    const proxy = await faultProxy(used.gateway);
    const one = await started(proxy, { requestTimeoutMs: 300 });
    proxy.rule({ way: 'up', match: (text) => text.includes('"end"'), fault: { kind: 'drop' } });
    await expect(one.stop({ secure: true })).rejects.toMatchObject({ code: 'not_confirmed', outcome: 'unknown' });
    expect(one.get()).not.toBeNull();
    expect(one.state.value.state).toBe('established');
    const two = await started(used.gateway);
    await two.stop({ secure: true });
    expect(two.get()).toBeNull();
  });

  it.each([
    ['while it waits', 'a resume'],
    ['while it waits', 'a close'],
    ['after it threw', 'a resume'],
    ['after it threw', 'a close'],
  ])('a secure end that shows %s, by %s, starts no new session', async (when, by) => {
    const proxy = await faultProxy(used.gateway);
    const one = await started(proxy, { requestTimeoutMs: when === 'after it threw' ? 300 : 20_000 });
    const states: string[] = [];
    one.addObserver({ stateChanged: ({ state }) => states.push(state) });
    // The gateway ends the session, and its confirmation is lost with the link.
    proxy.rule({ way: 'down', match: (text) => text.includes('"ended"'), fault: { kind: 'hold' } });
    const stopped = one.stop({ secure: true });
    if (when === 'after it threw') {
      await expect(stopped).rejects.toMatchObject({ code: 'not_confirmed', outcome: 'unknown' });
      expect(one.state.value.state).toBe('established');
    }
    await proxy.frame('down', (text) => text.includes('"ended"'));
    if (by === 'a close') {
      proxy.close(4400);
    } else {
      proxy.cut();
      await until(one.connection, ({ status }) => status !== 'live');
      one.retryNow();
    }
    await untilState(one, 'notLoggedIn');
    if (when === 'while it waits') await stopped;
    expect(one.get()).toBeNull();
    expect(one.connection.value.status).toBe('idle');
    expect(states).toEqual(['notLoggedIn']);
    expect(proxy.texts('up').filter((text) => text.includes('"start"'))).toHaveLength(1);
  });
});

describe('a start with a name that the gateway rejects', () => {
  it('fails at once, and another name may follow', async () => {
    // The clock stands still: the refusal waits for no timer.
    const clock = simulatedClock();
    const one = manager(used.gateway);
    const { error } = await one.start({ guest: `z\u0301${unique('ada')}` });
    expect(error).toMatchObject({ code: 'invalid_argument', outcome: 'refused', field: 'start.username' });
    expect((await one.start({ guest: unique('ada') })).succeeded).toBe(true);
    await clock.advance(0);
  });
});
