// Pages with the client and its media part, driven by Playwright in Chromium with fake devices.
//
// The pages are answered by the test itself, under an origin on loopback, so that they may use devices also in a
// network of their own.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser as Chromium, chromium, type Page } from '@playwright/test';
import { afterAll, beforeAll } from 'vitest';

import { cleanUp, unique } from '../harness/index.js';
import { bundle, MEDIA_FLAGS, MEDIA_PAGE } from './bundle.js';

/** The origin of the pages: a secure one. */
export const ORIGIN = 'http://localhost:9';

/** How a browser is started. */
export interface ChromiumOptions {
  /** More flags. */
  readonly flags?: string[];
  /** A command that runs it, such as in another network. */
  readonly wrap?: string[];
  /** Whether sound plays without a gesture of the user; true by default. */
  readonly autoplay?: boolean;
}

/** A browser for all tests of a file; its microphone hears a constant tone. */
export function useChromium(options: () => ChromiumOptions = () => ({})): { readonly browser: Chromium } {
  const used = {} as { browser: Chromium };
  let folder = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'stagedoor-media-'));
    used.browser = await launch(folder, options());
  });
  afterAll(async () => {
    await used.browser.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return used;
}

async function launch(folder: string, options: ChromiumOptions): Promise<Chromium> {
  const tone = join(folder, 'tone.wav');
  writeFileSync(tone, sine());
  const program =
    process.env.CHROMIUM ?? execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim();
  let executablePath = program;
  if (options.wrap) {
    executablePath = join(folder, 'chromium.sh');
    writeFileSync(executablePath, `#!/bin/sh\nexec ${options.wrap.join(' ')} ${program} "$@"\n`, { mode: 0o755 });
  }
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--no-sandbox',
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      `--use-file-for-fake-audio-capture=${tone}`,
      ...MEDIA_FLAGS,
      ...(options.autoplay === false ? [] : ['--autoplay-policy=no-user-gesture-required']),
      ...(options.flags ?? []),
    ],
  });
}

/** What a page runs, and where. */
export interface PageOptions {
  /** The script: by default the helpers of `pages/media.js`, with everything of both packages. */
  readonly script?: Promise<string>;
  /** The origin; by default a secure one. */
  readonly origin?: string;
  /** Runs before the script. */
  readonly before?: () => void;
}

/** A page with the helpers of its script in its global scope. */
export async function openPage(browser: Chromium, errors: string[] = [], options: PageOptions = {}): Promise<Page> {
  const { origin = ORIGIN, before } = options;
  const context = await browser.newContext({ permissions: ['camera', 'microphone'] });
  cleanUp(() => context.close());
  const page = await context.newPage();
  page.on('pageerror', (error) => errors.push(error.stack ?? error.message));
  if (process.env.STAGEDOOR_TRACE) page.on('console', (message) => process.stderr.write(`${message.text()}\n`));
  const script = await (options.script ?? bundle(MEDIA_PAGE));
  if (before) await page.addInitScript(before);
  await page.route(`${origin}/**`, (route) =>
    route.request().url().endsWith('/media.js')
      ? route.fulfill({ contentType: 'text/javascript', body: script })
      : route.fulfill({
          contentType: 'text/html',
          body: '<!doctype html><title>Media</title><script type="module" src="/media.js"></script>',
        }),
  );
  await page.goto(`${origin}/`);
  await page.waitForFunction(() => 'helpers' in globalThis);
  return page;
}

/** Starts a session in the page and joins a room; returns the id of its participant. */
export function joinRoom(page: Page, url: string, room: string, guest = unique('guest')): Promise<string> {
  return page.evaluate(([url, room, guest]) => helpers.join(url, room, guest), [url, room, guest] as const);
}

/** A publisher and a viewer in one room, and the stream between them. */
export interface Pair {
  readonly publisher: Page;
  readonly viewer: Page;
  readonly room: string;
  /** The name of the publisher. */
  readonly username: string;
  /** The id of the stream. */
  readonly stream: string;
  /** What the pages did not catch. */
  readonly errors: string[];
}

/** Opens two pages, between which media flows. */
export async function openPair(
  browser: Chromium,
  urls: { publisher: string; viewer: string },
  options: { kinds?: { audio?: boolean; video?: boolean } } = {},
): Promise<Pair> {
  const errors: string[] = [];
  const [room, username] = [unique('room'), unique('ada')];
  const [publisher, viewer] = await Promise.all([openPage(browser, errors), openPage(browser, errors)]);
  await joinRoom(publisher, urls.publisher, room, username);
  await joinRoom(viewer, urls.viewer, room);
  const stream = await publisher.evaluate((options) => helpers.publish(options), options);
  await viewer.evaluate((stream) => helpers.watch(stream), stream);
  if (options.kinds?.audio ?? !options.kinds)
    await viewer.evaluate(() => helpers.untilLoud(helpers.at.watched.media.value, true));
  return { publisher, viewer, room, username, stream, errors };
}

/** One second of 440 Hz, 48 kHz, mono, 16 bits. */
function sine(): Buffer {
  const samples = 48_000;
  const data = Buffer.alloc(44 + samples * 2);
  data.write('RIFF', 0);
  data.writeUInt32LE(36 + samples * 2, 4);
  data.write('WAVEfmt ', 8);
  data.writeUInt32LE(16, 16);
  data.writeUInt16LE(1, 20);
  data.writeUInt16LE(1, 22);
  data.writeUInt32LE(48_000, 24);
  data.writeUInt32LE(96_000, 28);
  data.writeUInt16LE(2, 32);
  data.writeUInt16LE(16, 34);
  data.write('data', 36);
  data.writeUInt32LE(samples * 2, 40);
  for (let i = 0; i < samples; i += 1)
    data.writeInt16LE(Math.round(12_000 * Math.sin((2 * Math.PI * 440 * i) / 48_000)), 44 + i * 2);
  return data;
}
