// Devices that cannot be opened: each error has a code, and a hint that says what to do.

import type { Page } from '@playwright/test';
import { expect, it } from 'vitest';

import { openPage, useChromium } from './media.js';

const chromium = useChromium();

/** What `openDevices` rejects with. */
async function rejection(page: Page, constraints?: MediaStreamConstraints): Promise<Record<string, unknown>> {
  return page.evaluate(async (constraints) => {
    const error = (await helpers.openDevices(constraints).then(
      () => ({}),
      (thrown: unknown) => thrown,
    )) as { code?: string; hint?: string; name?: string; outcome?: string; cause?: unknown };
    const { code, hint, name, outcome, cause } = error;
    return { code, hint, name, outcome, cause: cause instanceof Error ? cause.name : undefined };
  }, constraints);
}

it('a page of an insecure origin is sent to https', async () => {
  const page = await openPage(chromium.browser, [], { origin: 'http://plain.test:9' });
  const hint = expect.stringMatching(/https.*localhost/) as unknown;
  expect(await rejection(page)).toMatchObject({ name: 'StagedoorError', code: 'insecure_origin', hint });
});

it('each other error has a code and a hint', async () => {
  const page = await openPage(chromium.browser);
  const hint = (start: string): unknown => expect.stringContaining(start) as unknown;
  const chosen = { audio: { deviceId: { exact: 'unplugged' } } };
  expect(await rejection(page, chosen)).toMatchObject({
    code: 'device_not_found',
    hint: hint('Connect a camera or microphone'),
    cause: 'OverconstrainedError',
  });
  expect(await rejection(page, {})).toMatchObject({
    code: 'device_failed',
    hint: hint('Check the chosen devices'),
    cause: 'TypeError',
  });
  for (const [cause, code, start] of [
    ['NotReadableError', 'device_in_use', 'Close other programs'],
    ['NotFoundError', 'device_not_found', 'Connect a camera'],
    ['NotAllowedError', 'device_denied', 'Allow camera and microphone'],
    ['AbortError', 'device_failed', 'Check the chosen devices'],
  ] as const) {
    await page.evaluate((name) => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', name));
    }, cause);
    expect(await rejection(page)).toMatchObject({ code, hint: hint(start), cause });
  }
});
