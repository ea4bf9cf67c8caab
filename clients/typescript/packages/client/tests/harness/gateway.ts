// The real gateway in a process of its own, and its server API.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
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

/** A configuration for a gateway that is to listen at these addresses. */
export type Configure = (listen: string, admin: string) => { toml: string; ready: Omit<Ready, 'listen' | 'admin'> };

const SECRET = 'change-me-change-me-change-me-abcdef';
const KEY = 'sk_change-me-change-me-change-me-change-me-1';

/** The app of the development mode, with other settings: tables of the configuration. Pages have one of `origins`. */
export function demo(settings: string, origins: readonly string[] = []): Configure {
  return (listen, admin) => ({
    ready: { app: 'demo', app_secret: SECRET, server_key: KEY },
    toml: `
[listen]
listen = "${listen}"
admin_listen = "${admin}"
allowed_origins = ${JSON.stringify(origins)}
[store]
sqlite = { path = "stagedoor.db" }
[[apps]]
id = "demo"
guests = true
guest_names = "shared"
default_rooms = { "*" = "publisher" }
hs256_secrets = [{ secret = "${SECRET}" }]
server_keys = ["${KEY}"]
${settings}`,
  });
}

/** A running gateway in development mode, or with a configuration of its own. */
export class Gateway {
  #process: ChildProcess;
  #ready: Ready;
  readonly #folder: string | undefined;

  private constructor(process: ChildProcess, ready: Ready, folder: string | undefined) {
    this.#process = process;
    this.#ready = ready;
    this.#folder = folder;
  }

  /** Starts one in development mode; `config` replaces it by a configuration of its own. */
  static async start(config?: Configure): Promise<Gateway> {
    if (config) return Gateway.#configured(config);
    return new Gateway(...(await startDevelopment('127.0.0.1:0')), undefined);
  }

  static async #configured(config: Configure): Promise<Gateway> {
    const folder = mkdtempSync(join(tmpdir(), 'stagedoor-test-'));
    const listen = `127.0.0.1:${String(await freePort())}`;
    const admin = `127.0.0.1:${String(await freePort())}`;
    const { toml, ready } = config(listen, admin);
    writeFileSync(configPath(folder), toml);
    const gateway = new Gateway(spawnConfigured(folder), { listen, admin, ...ready }, folder);
    await gateway.#answering();
    return gateway;
  }

  /** The newest start's. */
  get ready(): Ready {
    return this.#ready;
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

  /** The usernames in a room, as the server API has them: none in a room that does not exist. */
  async usernames(room: string): Promise<string[]> {
    type Page = { items: { participant: { username: string } }[] };
    const page = await this.api<Page>('GET', `rooms/${room}/participants`).catch((error: unknown): Page => {
      if (String(error).includes('room_not_found')) return { items: [] };
      throw error;
    });
    return page.items.map(({ participant }) => participant.username).sort();
  }

  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGTERM' | 'SIGKILL'): void {
    this.#process.kill(name);
  }

  /** Ends the process, and waits for its end. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill(signal);
    await ended;
  }

  /**
   * Starts it again at the same addresses: a configured one with the same keys and store, one in development mode with
   * new keys and an empty store.
   */
  async again(): Promise<void> {
    if (this.#folder === undefined) {
      [this.#process, this.#ready] = await startDevelopment(this.#ready.listen);
    } else {
      this.#process = spawnConfigured(this.#folder);
      await this.#answering();
    }
  }

  async stop(): Promise<void> {
    await this.end('SIGKILL');
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

function configPath(folder: string): string {
  return join(folder, 'stagedoor.toml');
}

function spawnConfigured(folder: string): ChildProcess {
  return spawn(program(), ['serve', '--config', configPath(folder), '--data', folder, '--log', 'error'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

async function startDevelopment(listen: string): Promise<[ChildProcess, Ready]> {
  const child = spawn(program(), ['serve', '--dev', '--listen', listen, '--ready-json', '--log', 'error'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return [child, JSON.parse(await firstLine(child)) as Ready];
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('no output');
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error('the gateway did not start');
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
