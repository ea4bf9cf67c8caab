// The examples in a real browser: a copy of each that connects to the gateway under test.

import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { type BrowserContext, chromium, expect, type Page } from '@playwright/test';
import { afterAll, beforeAll } from 'vitest';

import { cleanUp, type Gateway } from '../../packages/client/tests/harness/index.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' };

/** What a page shows, within the time that a busy machine needs. */
export const see = expect.configure({ timeout: 30_000 });

/** A browser for all tests of a file: `open` is another user's, with a storage of its own. */
export function useBrowser(): { open(): Promise<BrowserContext> } {
  let browser: Awaited<ReturnType<typeof chromium.launch>>;
  beforeAll(async () => {
    const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  });
  afterAll(async () => {
    await browser.close();
  });
  return {
    open: async () => {
      const context = await browser.newContext();
      cleanUp(() => context.close());
      return context;
    },
  };
}

/** A page of a context. What its console calls an error, and what it does not catch, is in `errors`. */
export async function show(context: BrowserContext, url: string): Promise<{ page: Page; errors: string[] }> {
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(url);
  return { page, errors };
}

/** Enters a chat with this name. */
export async function enter({ page }: { page: Page }, name: string): Promise<void> {
  await page.getByPlaceholder('Your name').fill(name);
  await page.getByRole('button', { name: 'Enter' }).click();
}

/** Says something in a chat, and waits until the page shows that. */
export async function say({ page }: { page: Page }, text: string): Promise<void> {
  await page.getByPlaceholder('Message').fill(text);
  await page.getByRole('button', { name: 'Send' }).click();
  await see(page.getByRole('log')).toContainText(`you: ${text}`);
}

/** The ids of the participants of the lobby, as the server API has them. */
export async function participants(gateway: Gateway): Promise<string[]> {
  type List = { items: { participant: { id: string } }[] };
  const { items } = await gateway.api<List>('GET', 'rooms/lobby/participants');
  return items.map(({ participant }) => participant.id);
}

/** A copy of an example, for one test: its pages connect to this gateway. */
export function copyOf(example: string, gateway: Gateway): string {
  const folder = mkdtempSync(join(tmpdir(), 'stagedoor-example-'));
  cleanUp(() => rmSync(folder, { recursive: true }));
  cpSync(join(ROOT, 'examples', example), folder, { recursive: true });
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, file);
    if (!statSync(path).isFile()) continue;
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll('127.0.0.1:7080', gateway.ready.listen));
  }
  // In place of `npm install`, and of copying the bundle.
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  cpSync(join(ROOT, 'packages/client/dist/stagedoor.js'), join(folder, 'stagedoor.js'));
  return folder;
}

/** Serves the files of a folder, as any web server does. */
export async function serve(folder: string): Promise<string> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const path = join(folder, normalize(pathname.endsWith('/') ? `${pathname}index.html` : pathname));
    try {
      const text = readFileSync(path);
      response.setHeader('content-type', TYPES[extname(path)] ?? 'text/plain').end(text);
    } catch {
      // A browser asks for an icon.
      response.writeHead(pathname === '/favicon.ico' ? 204 : 404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${String((server.address() as { port: number }).port)}/`;
}

/** Runs a program of an example until the end of the test. */
export function run(folder: string, script: string, variables: Readonly<Record<string, string>>): Program {
  const child = spawn(process.execPath, [script], {
    cwd: folder,
    env: { ...process.env, ...variables },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const program = new Program(child);
  cleanUp(() => program.stop());
  return program;
}

/** A program and what it prints. */
export class Program {
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(process: ChildProcess) {
    this.#process = process;
    if (!process.stdout) throw new Error('no output');
    createInterface({ input: process.stdout }).on('line', (line) => {
      this.#lines.push(line);
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
    });
  }

  /** Waits for a line. */
  async prints(match: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      for (const line of this.#lines) {
        const found = match.exec(line);
        if (found) return found;
      }
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    if (this.#process.exitCode === null && this.#process.kill()) await ended;
  }
}
