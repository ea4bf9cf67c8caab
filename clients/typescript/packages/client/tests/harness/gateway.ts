// The real gateway in a process of its own, and its server API.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The program under test. */
export function program(): string {
  const root = fileURLToPath(new URL('../../../../../..', import.meta.url));
  const path =
    process.env.STAGEDOOR_BIN ?? join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'debug/stagedoor');
  if (!existsSync(path)) throw new Error(`no gateway at ${path}: build it, or set STAGEDOOR_BIN`);
  return path;
}

interface Ready {
  readonly listen: string;
  /** Where the server API is, if not there. */
  readonly admin?: string;
  readonly app: string;
  readonly app_secret: string;
  readonly server_key: string;
}

/** A running gateway in development mode. */
export class Gateway {
  readonly #process: ChildProcess;
  readonly #folder: string | undefined;
  readonly ready: Ready;

  private constructor(process: ChildProcess, ready: Ready, folder: string | undefined) {
    this.#process = process;
    this.ready = ready;
    this.#folder = folder;
  }

  /** Starts one in development mode; `config` replaces it by a configuration of its own. */
  static async start(
    config?: (listen: string, admin: string) => { toml: string; ready: Omit<Ready, 'listen' | 'admin'> },
  ): Promise<Gateway> {
    if (config) return Gateway.#configured(config);
    const child = spawn(program(), ['serve', '--dev', '--listen', '127.0.0.1:0', '--ready-json', '--log', 'error'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ready = JSON.parse(await firstLine(child)) as Ready;
    return new Gateway(child, ready, undefined);
  }

  static async #configured(
    config: (listen: string, admin: string) => { toml: string; ready: Omit<Ready, 'listen' | 'admin'> },
  ): Promise<Gateway> {
    const folder = mkdtempSync(join(tmpdir(), 'stagedoor-test-'));
    const listen = `127.0.0.1:${String(await freePort())}`;
    const admin = `127.0.0.1:${String(await freePort())}`;
    const { toml, ready } = config(listen, admin);
    const path = join(folder, 'stagedoor.toml');
    writeFileSync(path, toml);
    const child = spawn(program(), ['serve', '--config', path, '--data', folder, '--log', 'error'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const gateway = new Gateway(child, { listen, admin, ...ready }, folder);
    await gateway.#answering();
    return gateway;
  }

  get url(): string {
    return `http://${this.ready.listen}`;
  }

  get adminUrl(): string {
    return `http://${this.ready.admin ?? this.ready.listen}`;
  }

  /** Calls the server API; throws for a status of 400 or more. */
  async api<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.adminUrl}/api/v1/apps/${this.ready.app}/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.ready.server_key}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${String(response.status)} ${text}`);
    return (text ? JSON.parse(text) : undefined) as T;
  }

  /** A room token. */
  async roomToken(claims: Record<string, unknown>): Promise<string> {
    return (await this.api<{ token: string }>('POST', 'tokens/room', claims)).token;
  }

  /** A session token. */
  async sessionToken(claims: Record<string, unknown>): Promise<string> {
    return (await this.api<{ token: string }>('POST', 'sessions', claims)).token;
  }

  /** The usernames in a room, as the server API has them. */
  async usernames(room: string): Promise<string[]> {
    const page = await this.api<{ items: { participant: { username: string } }[] }>(
      'GET',
      `rooms/${room}/participants`,
    );
    return page.items.map(({ participant }) => participant.username).sort();
  }

  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGTERM' | 'SIGKILL'): void {
    this.#process.kill(name);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill('SIGKILL');
      await ended;
    }
    if (this.#folder) rmSync(this.#folder, { recursive: true });
  }

  async #answering(): Promise<void> {
    for (;;) {
      if (this.#process.exitCode !== null) throw new Error('the gateway did not start');
      try {
        await fetch(`${this.url}/livez`);
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('no output');
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error('the gateway did not start');
}

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === 'object' && address ? address.port : 0);
      });
    });
  });
}
