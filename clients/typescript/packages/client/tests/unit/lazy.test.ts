// Modules that are loaded later, the order of the calls that wait for them, and the hints that come with them.

import { describe, expect, it } from 'vitest';

import { setHints, StagedoorError } from '../../src/core/errors.js';
import { makeLazy, mapLazy } from '../../src/core/lazy.js';
import { makeOrder } from '../../src/core/order.js';
import { deferred } from '../harness/index.js';

describe('a module that is loaded later', () => {
  it('is loaded once, and made use of once', async () => {
    const file = deferred<{ name: string }>();
    let loads = 0;
    const module = makeLazy(() => {
      loads += 1;
      return file.promise;
    });
    const user = mapLazy(module, ({ name }) => ({ name }));
    const [first, second] = [user.load(), user.load()];
    expect(user.value).toBeUndefined();
    file.resolve({ name: 'rooms' });
    expect(await first).toBe(await second);
    expect(user.value).toBe(await first);
    expect(loads).toBe(1);
  });

  it('that fails is a typed error, and is tried again', async () => {
    let isMissing = true;
    const module = makeLazy(() => (isMissing ? Promise.reject(new TypeError('404')) : Promise.resolve('loaded')));
    await expect(module.load()).rejects.toMatchObject({
      code: 'module_not_loaded',
      outcome: 'not-sent',
      hint: expect.stringContaining('Reload the page') as unknown,
      cause: expect.any(TypeError) as unknown,
    });
    isMissing = false;
    expect(await module.load()).toBe('loaded');
    expect(module.value).toBe('loaded');
  });
});

describe('calls in order', () => {
  /** A wait that ends with its promise, or with the signal of its call. */
  const within = <T>(promise: Promise<T>, { signal }: { signal?: unknown }): Promise<T> =>
    Promise.race([promise, ...(signal instanceof Promise ? [signal as Promise<never>] : [])]);

  it('start at once while no call waits', () => {
    const inOrder = makeOrder(within);
    const started: number[] = [];
    for (const n of [1, 2]) {
      void inOrder(async () => {
        started.push(n);
        return Promise.resolve();
      }, undefined);
    }
    expect(started).toEqual([1, 2]);
  });

  it('keep their order while one waits for a module', async () => {
    const inOrder = makeOrder(within);
    const [first, second] = [deferred(), deferred()];
    const started: string[] = [];
    const call = (name: string, ready?: Promise<unknown>): Promise<unknown> =>
      inOrder(
        () => {
          started.push(name);
          // What it asks for itself does not wait for the calls after it.
          void inOrder(() => Promise.resolve(started.push(`${name}, inside`)), undefined);
          return new Promise(() => undefined);
        },
        undefined,
        ready,
      );
    void call('publish', first.promise);
    void call('send');
    void call('mute', second.promise);
    const last = inOrder(() => Promise.resolve(started.push('leave')), undefined);
    second.resolve();
    await Promise.resolve();
    expect(started).toEqual([]);
    first.resolve();
    await last;
    expect(started).toEqual(['publish', 'publish, inside', 'send', 'send, inside', 'mute', 'mute, inside', 'leave']);
    void call('later');
    expect(started.at(-2)).toBe('later');
  });

  it('a call that gives up, or whose module fails, is never started and holds back no other', async () => {
    const inOrder = makeOrder(within);
    const [slow, giveUp] = [deferred(), deferred<never>()];
    const started: string[] = [];
    const call = (name: string, signal?: Promise<never>, ready?: Promise<unknown>): Promise<unknown> =>
      inOrder(() => Promise.resolve(started.push(name)), { signal } as object, ready);
    const aborted = call('aborted', giveUp.promise, slow.promise);
    const failed = call('failed', undefined, Promise.reject(new Error('404')));
    const last = call('last');
    giveUp.reject(new Error('aborted'));
    await expect(aborted).rejects.toThrow('aborted');
    await expect(failed).rejects.toThrow('404');
    await last;
    slow.resolve();
    await slow.promise;
    expect(started).toEqual(['last']);
  });
});

it('an error has its hint as soon as the hints are loaded, also one from before', () => {
  const early = new StagedoorError('unreachable', 'no answer');
  expect(early.hint).toContain('network');
  setHints({ unreachable: 'Check `url`.' });
  expect(early.hint).toBe('Check `url`.');
  expect(new StagedoorError('unreachable', 'no answer').hint).toBe('Check `url`.');
  expect(new StagedoorError('aborted', 'aborted').hint).toContain('Errors');
  expect(new StagedoorError('unreachable', 'no answer', { hint: 'Own.' }).hint).toBe('Own.');
  expect(Object.entries(early)).toContainEqual(['hint', 'Check `url`.']);
});
