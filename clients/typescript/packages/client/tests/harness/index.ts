// What tests with the real gateway share.

import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import WebSocket from 'ws';

import { type Observable, type Options, SessionManager, type SessionSnapshot } from '../../src/index.js';
import { type Configure, Gateway } from './gateway.js';
import { FaultProxy } from './proxy.js';

export { demo, freePort, Gateway } from './gateway.js';
export { FaultProxy } from './proxy.js';

const unhandled: unknown[] = [];
const collect = (error: unknown): void => void unhandled.push(error);
process.on('unhandledRejection', collect);
process.on('uncaughtException', collect);

/** A gateway for all tests of a file. */
export function useGateway(config?: Configure): { readonly gateway: Gateway } {
  const used = {} as { gateway: Gateway };
  beforeAll(async () => {
    // What the client loads later is compiled now, and not while the time of a test runs.
    await import('../../src/session/after-start.js');
    await import('../../src/room/moderation-commands.js');
    used.gateway = await Gateway.start(config);
  });
  afterAll(async () => {
    await used.gateway.stop();
  });
  return used;
}

const cleanups: (() => Promise<void> | void)[] = [];

/** Runs after the test. */
export function cleanUp(fn: () => Promise<void> | void): void {
  cleanups.push(fn);
}

afterEach(async () => {
  for (const fn of cleanups.splice(0).reverse()) await fn();
  await eventLoopTurn();
  expect(unhandled.splice(0), 'no unhandled rejection').toEqual([]);
});

/** Resolves after all events that are due now were handled. */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** A proxy in front of the gateway, for one test. */
export async function faultProxy(gateway: Gateway, address?: string): Promise<FaultProxy> {
  const proxy = await FaultProxy.start(gateway, address);
  cleanUp(() => proxy.stop());
  return proxy;
}

/** What listeners threw in the managers of this test. */
export interface TestManager extends SessionManager {
  readonly errors: { error: unknown; where: string }[];
}

/** A manager that is stopped after the test. */
export function manager(at: { readonly url: string }, options: Partial<Options> = {}): TestManager {
  const errors: { error: unknown; where: string }[] = [];
  const made = new SessionManager({
    url: at.url,
    app: 'demo',
    webSocket: WebSocket,
    ...(process.env.STAGEDOOR_TRACE && {
      onFrame: ({ direction, text }) => {
        process.stderr.write(`${direction} ${text}\n`);
      },
    }),
    onListenerError: (error, where) => errors.push({ error, where }),
    ...options,
  });
  cleanUp(() => made.stop());
  return Object.assign(made, { errors });
}

let names = 0;

/** A name that no other test uses. */
export function unique(prefix: string): string {
  names += 1;
  return `${prefix}-${String(process.pid)}-${String(names)}`;
}

/** A manager with an established session of a guest. */
export async function started(
  at: { readonly url: string },
  options: Partial<Options> = {},
  name = unique('guest'),
): Promise<TestManager> {
  const made = manager(at, options);
  const result = await made.start({ guest: name });
  expect(result.error).toBeUndefined();
  return made;
}

/** Waits for a value that matches. */
export async function until<T>(observable: Observable<T>, match: (value: T) => boolean): Promise<T> {
  for await (const value of { [Symbol.asyncIterator]: () => observable[Symbol.asyncIterator]() }) {
    if (match(value)) return value;
  }
  throw new Error('the observable ended');
}

/** Waits for a state. */
export function untilState(of: SessionManager, state: SessionSnapshot['state']): Promise<SessionSnapshot> {
  return until(of.state, (value) => value.state === state);
}

/** A promise with its resolve function. */
export function deferred<T = void>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
