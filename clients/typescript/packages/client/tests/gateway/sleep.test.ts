// Check 12: the process of the client is stopped for 40 s, in real time, as a laptop that sleeps.

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

import { cleanUp, demo, FaultProxy, Gateway, started, until } from '../harness/index.js';

const SCRIPT = fileURLToPath(new URL('../harness/sleeper.mjs', import.meta.url));
const ASLEEP_MS = 40_000;

interface Report {
  readonly what: string;
  readonly [detail: string]: unknown;
}

/** The client of `sleeper.mjs`. */
class Sleeper {
  readonly reports: Report[] = [];
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();

  constructor(url: string, room: string) {
    const child = spawn(process.execPath, [SCRIPT, url, room], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.reports.push(JSON.parse(line) as Report);
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
    });
  }

  async report(match: (report: Report) => boolean): Promise<Report> {
    for (;;) {
      const found = this.reports.find(match);
      if (found) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  send(...lines: string[]): void {
    this.#child.stdin?.write(`${lines.join('\n')}\n`);
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    this.#child.kill(signal);
  }
}

/** Stops a client for 40 s while three replies wait; returns what it reports afterwards. */
async function sleep(settings: string): Promise<{ reports: Report[]; session: unknown; proxy: FaultProxy }> {
  const gateway = await Gateway.start(demo(settings));
  cleanUp(() => gateway.stop());
  const proxy = await FaultProxy.start(gateway);
  cleanUp(() => proxy.stop());
  const peer = await started(gateway);
  await peer.room('room').join();
  const sleeper = new Sleeper(proxy.url, 'room');
  cleanUp(() => {
    sleeper.signal('SIGKILL');
  });
  const { session } = await sleeper.report(({ what }) => what === 'live');
  proxy.hold('down');
  const lines = ['1', '2', '3'];
  const since = proxy.frames.length;
  sleeper.send(...lines);
  for (const line of lines) await proxy.frame('up', (text) => text.includes(`"data":"${line}"`), since);
  let next = since;
  for (let replies = 0; replies < lines.length; replies += 1) {
    const reply = await proxy.frame('down', (text) => text.includes('"sent"'), next);
    next = proxy.frames.indexOf(reply) + 1;
  }
  sleeper.signal('SIGSTOP');
  const before = sleeper.reports.length;
  // The replies wait in its socket now, and all that the gateway sends in 40 s.
  proxy.release('down');
  await new Promise((resolve) => setTimeout(resolve, ASLEEP_MS));
  await peer.room('room').send('n', 'while it slept');
  sleeper.signal('SIGCONT');
  await sleeper.report(({ data }) => data === 'while it slept');
  for (const line of lines) await sleeper.report((report) => /done|failed/.test(report.what) && report.line === line);
  // It answers at once: it is connected.
  sleeper.send('awake');
  await sleeper.report(({ what, line }) => what === 'done' && line === 'awake');
  await until(peer.room('room').participants, (all) => [...all.values()].every(({ link }) => link === 'live'));
  return { reports: sleeper.reports.slice(before), session, proxy };
}

describe('check 12: a process that is stopped for 40 s', () => {
  it('resolves its calls without a reconnect, or with one if the gateway gave it up', async () => {
    const [healthy, lost] = await Promise.all([
      sleep('[keepalive]\ninterval = "25s"\ntimeout = "24s"\nroom_interval = "25s"\nroom_timeout = "24s"'),
      sleep('[keepalive]\nroom_interval = "10s"\nroom_timeout = "5s"\n[resume]\nwindow = "2m"'),
    ]);
    const statuses = (reports: Report[]): unknown[] =>
      reports.filter(({ what }) => what === 'connection').map(({ status }) => status);
    for (const { reports, session } of [healthy, lost]) {
      const done = reports.filter(({ what }) => what === 'done');
      expect(done.map(({ line }) => line).sort()).toEqual(['1', '2', '3', 'awake']);
      expect(new Set(done.map((report) => report.session))).toEqual(new Set([session]));
      expect(reports.filter(({ what }) => what === 'failed' || what === 'unhandled')).toEqual([]);
    }
    expect(healthy.proxy.texts('down').filter((text) => text.includes('"ping":{}'))).not.toEqual([]);
    expect(healthy.proxy.connections).toBe(1);
    expect(statuses(healthy.reports).filter((status) => status !== 'live')).toEqual([]);

    expect(lost.proxy.texts('down').filter((text) => text.includes('"code":4301'))).toHaveLength(1);
    expect(lost.proxy.connections).toBe(2);
    expect(lost.proxy.texts('up').filter((text) => text.includes('"resume"'))).toHaveLength(1);
    expect(lost.proxy.texts('up').filter((text) => text.includes('"start"'))).toHaveLength(1);
  }, 120_000);
});
