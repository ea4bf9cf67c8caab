// The parts of the model without a browser.

import { expect, test } from 'vitest';
import { frameName, FrameLog, MAX_FRAMES } from '../../src/demo/model/frame-log.js';
import { clamp, initial } from '../../src/ui/clamp.js';

test('clamp_shortens_and_replaces_controls', () => {
  expect(clamp('Ada', 40)).toBe('Ada');
  expect(clamp('a'.repeat(100), 40)).toBe(`${'a'.repeat(40)}…`);
  expect(clamp('😀'.repeat(41), 40)).toBe(`${'😀'.repeat(40)}…`);
  expect(clamp('a\nb\u202ec\u0007', 40)).toBe('a␣b␣c␣');
});

test('initial_of_a_name_without_letters', () => {
  expect(initial('\u200b\u200b')).toBe('?');
  expect(initial('  ada')).toBe('A');
});

test('frame_names', () => {
  expect(frameName('{"id":1,"join":{"room":"lobby"}}')).toBe('join');
  expect(frameName('{"id":1,"seq":2,"ok":{"joined":{}}}')).toBe('joined');
  expect(frameName('{"seq":3,"signal":{}}')).toBe('signal');
  expect(frameName('{"id":4,"error":{"code":"forbidden"}}')).toBe('error');
  expect(frameName('…')).toBe('?');
});

test('frame_log_is_bounded', () => {
  const scheduled: (() => void)[] = [];
  globalThis.requestAnimationFrame = (fn) => scheduled.push(() => fn(0));
  const log = new FrameLog();
  for (let index = 0; index < 10 * MAX_FRAMES; index += 1) {
    log.add({ direction: 'in', text: `{"seq":${String(index)},"signal":{}}`, atMs: 0 });
  }
  expect(scheduled).toHaveLength(1);
  scheduled[0]?.();
  expect(log.total.value).toBe(10 * MAX_FRAMES);
  expect(log.shown.value).toHaveLength(MAX_FRAMES);
  expect(log.shown.value.at(-1)?.text).toContain(String(10 * MAX_FRAMES - 1));
});
