// Check 11: the gateway goes away, and everybody comes back at random times.

import { describe, expect, it } from 'vitest';
import WebSocket from 'ws';

import { simulatedClock } from '../harness/clock.js';
import { cleanUp, demo, eventLoopTurn, faultProxy, Gateway, manager, started, until } from '../harness/index.js';

const CLIENTS = 1_000;

const MANY = demo(`
[limits]
starts_per_s_per_address = 10000
pending_connections_per_address = 5000
`);

async function make(): Promise<Gateway> {
  const gateway = await Gateway.start(MANY);
  cleanUp(() => gateway.stop());
  return gateway;
}

/** How many of these times are in each 100 ms. */
function windows(times: readonly number[]): number[] {
  const counts = new Map<number, number>();
  for (const time of times) counts.set(Math.floor(time / 100), (counts.get(Math.floor(time / 100)) ?? 0) + 1);
  return [...counts.values()];
}

describe('check 11: a lost gateway', () => {
  it('1 000 clients lose it at once, and come back with full jitter from the first attempt on', async () => {
    const gateway = await make();
    const clock = simulatedClock();
    const dials: number[] = [];
    class TimedSocket extends WebSocket {
      constructor(url: string, protocols: string[]) {
        dials.push(clock.now());
        super(url, protocols);
      }
    }
    const clients = Array.from({ length: CLIENTS }, () => manager(gateway, { webSocket: TimedSocket }));
    for (let first = 0; first < CLIENTS; first += 50) {
      await Promise.all(
        clients.slice(first, first + 50).map((one, index) => one.start({ guest: `g${String(index)}` })),
      );
    }
    expect(clients.filter(({ connection }) => connection.value.status !== 'live')).toEqual([]);

    await gateway.end('SIGKILL');
    for (const one of clients) await until(one.connection, ({ status }) => status === 'waiting');
    dials.length = 0;
    const waits: number[][] = [[], [], []];
    for (const one of clients) {
      let seen: number | undefined;
      one.connection.subscribe(({ attempt, nextAttemptAt }) => {
        if (nextAttemptAt !== undefined && nextAttemptAt !== seen) waits[attempt - 1]?.push(nextAttemptAt - Date.now());
        seen = nextAttemptAt;
      });
    }
    const lostAt = clock.now();
    while (clients.some(({ connection }) => connection.value.attempt < 3)) {
      await clock.advance(100);
      while (clients.some(({ connection }) => connection.value.status === 'connecting')) await eventLoopTurn();
    }
    const firstDials = dials.filter((at) => at - lostAt < 1_000).length;
    expect(firstDials).toBeGreaterThanOrEqual(CLIENTS);
    for (const [round, of] of waits.entries()) {
      const count = 10 * 2 ** round;
      expect(of).toHaveLength(CLIENTS);
      expect(Math.max(...of)).toBeLessThan(count * 100);
      expect(windows(of)).toHaveLength(count);
      expect(Math.max(...windows(of))).toBeLessThan((2 * CLIENTS) / count);
    }
    // They all lost it at the same moment: their first attempts are spread in absolute time.
    const first = dials.filter((at) => at - lostAt <= 100).length;
    expect(first).toBeLessThan((2 * CLIENTS) / 10);
  }, 120_000);

  it('the waits are short again only after a connection proved usable', async () => {
    const gateway = await make();
    const clock = simulatedClock();
    const proxy = await faultProxy(gateway);
    const one = await started(proxy);
    const attempts: number[] = [];
    const lose = async (afterMs: number): Promise<void> => {
      await clock.advance(afterMs);
      proxy.cut();
      const { attempt, nextAttemptAt = 0 } = await until(one.connection, ({ status }) => status === 'waiting');
      attempts.push(attempt);
      const wait = nextAttemptAt - Date.now();
      expect(wait).toBeGreaterThanOrEqual(0);
      expect(wait).toBeLessThan(1_000 * 2 ** (attempt - 1));
      one.retryNow();
      await clock.advance(0);
      await until(one.connection, ({ status }) => status === 'live');
    };
    for (const afterMs of [0, 0, 9_000, 0, 10_000, 0, 10_000]) await lose(afterMs);
    expect(attempts).toEqual([1, 2, 3, 4, 1, 2, 1]);
  });
});
