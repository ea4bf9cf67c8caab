// A plainly started Chromium, without a debugger: a debugger changes the back/forward cache and closing. Its pages
// drive themselves, and report by `fetch`.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFailed } from 'vitest';
import WebSocket from 'ws';

import { bundle, MEDIA_PAGE } from './bundle.js';

const CLIENT = fileURLToPath(new URL('../../dist/stagedoor.js', import.meta.url));
const PAGES = fileURLToPath(new URL('pages', import.meta.url));

/** What a page reported. */
export interface Report {
  readonly page: string;
  readonly what: string;
  readonly [detail: string]: unknown;
}

/** A flag that lets {@link Browser.command} attach. */
export const DEVTOOLS = '--remote-debugging-port=0';

/** A flag for pages that ask for what a user does with a tab: see `pages/extension`. */
export const TAB_COMMANDS = `--load-extension=${join(PAGES, 'extension')}`;

/** A browser, and the server of its pages. */
export class Browser {
  readonly reports: Report[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #held = new Map<string, ServerResponse>();
  readonly #released = new Set<string>();
  #server: Server | undefined;
  #process: ChildProcess | undefined;
  #folder: string | undefined;

  /** Opens a page within a test; `query` goes to its script. Its origin is `http://127.0.0.1` with this port. */
  static async open(
    page: string,
    query: Record<string, string>,
    flagsOfTest: string[] = [],
    portOfTest = 0,
  ): Promise<Browser> {
    const browser = new Browser();
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://localhost');
      if (url.pathname === '/report') {
        browser.#report(JSON.parse(url.searchParams.get('report') ?? '{}') as Report);
        response.end();
      } else if (url.pathname === '/wait') {
        browser.#hold(url.searchParams.get('for') ?? '', response);
      } else if (url.pathname === '/client.js') {
        response.setHeader('content-type', 'text/javascript').end(readFileSync(CLIENT));
      } else if (url.pathname === '/media.js') {
        response.setHeader('content-type', 'text/javascript');
        void bundle(MEDIA_PAGE).then((script) => response.end(script));
      } else if (url.pathname.endsWith('.html')) {
        response.setHeader('content-type', 'text/html').end(readFileSync(join(PAGES, url.pathname)));
      } else {
        response.writeHead(204).end();
      }
    });
    await new Promise<void>((resolve) => server.listen(portOfTest, '127.0.0.1', resolve));
    browser.#server = server;
    const { port } = server.address() as { port: number };
    browser.#folder = mkdtempSync(join(tmpdir(), 'stagedoor-chromium-'));
    const flags = [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-popup-blocking',
      '--no-first-run',
      '--disable-dev-shm-usage',
      '--enable-logging=stderr',
      ...flagsOfTest,
    ];
    const child = spawn(
      process.env.CHROMIUM ?? 'chromium',
      [
        ...flags,
        `--user-data-dir=${browser.#folder}`,
        `http://127.0.0.1:${String(port)}/${page}?${new URLSearchParams(query).toString()}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'], detached: true },
    );
    browser.#process = child;
    let output = '';
    child.stderr.on('data', (data: Buffer) => (output += data.toString()));
    onTestFailed(() => {
      console.error(`the pages reported ${JSON.stringify(browser.reports, null, 2)}\nthe browser printed\n${output}`);
    });
    return browser;
  }

  /** Waits for a report. */
  async report(match: (report: Report) => boolean): Promise<Report> {
    for (;;) {
      const found = this.reports.find(match);
      if (found) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Answers the pages that wait for `what`, now or later. */
  release(what: string): void {
    this.#released.add(what);
    this.#held.get(what)?.end();
  }

  /**
   * Sends commands of the DevTools protocol to the page, then detaches: a page that is watched behaves differently. The
   * browser must have the flag `DEVTOOLS`.
   */
  async command(...commands: [method: string, params: object][]): Promise<void> {
    const port = readFileSync(join(this.#folder ?? '', 'DevToolsActivePort'), 'utf8').split('\n')[0] ?? '';
    const response = await fetch(`http://127.0.0.1:${port}/json/list`);
    const pages = (await response.json()) as { type: string; webSocketDebuggerUrl: string }[];
    const socket = new WebSocket(pages.find(({ type }) => type === 'page')?.webSocketDebuggerUrl ?? '');
    await once(socket, 'open');
    for (const [id, [method, params]] of commands.entries()) {
      const answered = new Promise<void>((resolve) => {
        socket.on('message', (data: Buffer) => {
          if ((JSON.parse(data.toString()) as { id?: number }).id === id) resolve();
        });
      });
      socket.send(JSON.stringify({ id, method, params }));
      await answered;
    }
    socket.close();
    await once(socket, 'close');
  }

  /** Sends a signal to all processes of the browser. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    if (this.#process?.pid !== undefined) process.kill(-this.#process.pid, signal);
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child?.pid !== undefined && child.exitCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      // The browser and its own processes.
      process.kill(-child.pid, 'SIGKILL');
      await ended;
    }
    this.#server?.closeAllConnections();
    this.#server?.close();
    if (this.#folder) rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #report(report: Report): void {
    this.reports.push(report);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #hold(what: string, response: ServerResponse): void {
    if (this.#released.has(what)) response.end();
    else this.#held.set(what, response);
  }
}
