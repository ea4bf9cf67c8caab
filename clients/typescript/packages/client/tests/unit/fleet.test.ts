// Checks 11 and 21: the waits of many clients, and what stopped managers leave behind.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';

import { Backoff } from '../../src/core/backoff.js';
import { SessionManager } from '../../src/index.js';

/** A gateway that starts every session. */
class ScriptedSocket {
  readonly protocol = 'stagedoor.v1.json';
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: (() => void) | null = null;

  constructor() {
    setTimeout(() => {
      this.readyState = 1;
      this.onopen?.();
    }, 1);
  }

  send(text: string): void {
    const { id, start, end } = JSON.parse(text) as {
      id: number;
      start?: { username?: string; instance: string };
      end?: object;
    };
    if (end) this.close();
    if (!start) return;
    const session = { id: 's', instance: start.instance, state: 'established', expires_at_ms: Date.now() + 1e9 };
    const started = {
      session: { ...session, user: { username: start.username ?? 'ada', guest: true } },
      access_token: 'a',
      scopes: [],
      resume: { secret: 'r', window_ms: 30_000 },
      heartbeat: { interval_ms: 1e8, timeout_ms: 1e8, room_interval_ms: 1e8, room_timeout_ms: 1e8 },
      limits: { in_flight: 32 },
      server: { node: 'n', version: '1', time_ms: Date.now() },
    };
    setTimeout(() => this.onmessage?.({ data: JSON.stringify({ id, ok: { started } }) }), 1);
  }

  close(): void {
    this.readyState = 3;
    this.onclose?.({ code: 1000, reason: '' });
  }
}

function make(): SessionManager {
  return new SessionManager({
    url: 'http://gateway.example.com',
    app: 'demo',
    webSocket: ScriptedSocket,
    connectTimeoutMs: 1e8,
    startTimeoutMs: 1e8,
  });
}

/** A generator with a seed, so that the test is the same each time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

describe('a lost gateway', () => {
  it.each([0, 1, 2])('1 000 clients come back spread over time, round %i', (round) => {
    const random = seeded(7);
    const waits = Array.from({ length: 1_000 }, () => {
      const backoff = new Backoff(random);
      for (let before = 0; before < round; before += 1) backoff.next();
      return backoff.next();
    });
    const windows = new Map<number, number>();
    for (const wait of waits) windows.set(Math.floor(wait / 100), (windows.get(Math.floor(wait / 100)) ?? 0) + 1);
    const mean = 1_000 / (10 * 2 ** round);
    expect(Math.max(...windows.values())).toBeLessThan(2 * mean);
    expect(windows.size).toBe(10 * 2 ** round);
  });
});

describe('check 21: many managers', () => {
  it('stopped managers can be collected', async () => {
    const references: WeakRef<SessionManager>[] = [];
    for (let index = 0; index < 200; index += 1) {
      const one = make();
      references.push(new WeakRef(one));
      if (index % 2 === 0) {
        await one.start({ guest: 'ada' });
        await one.stop();
      }
    }
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    await vi.waitFor(
      () => {
        gc();
        expect(references.filter((reference) => reference.deref() !== undefined).length).toBeLessThan(5);
      },
      { timeout: 10_000 },
    );
  }, 30_000);
});
