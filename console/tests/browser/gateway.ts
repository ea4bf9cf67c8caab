// The real gateway, and a server that serves the built pages beside it under one origin, with the gateway's headers.

import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { demo, Gateway as Program } from '../../../clients/typescript/packages/client/tests/harness/gateway.js';

/** What the gateway sends with a page for its security, and the server beside it repeats. */
const PAGE_HEADERS = [
  'content-security-policy',
  'referrer-policy',
  'cross-origin-opener-policy',
  'permissions-policy',
] as const;

const TYPES: Partial<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
};

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** A gateway and its pages. */
export class Gateway {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #program: Program;
  /** Outside development mode the page gets no tokens. */
  isDevelopment = true;
  readonly #isConfigured: boolean;
  /** Whether the gateway embeds the built page; otherwise the server beside it serves that. */
  #isEmbedded = false;
  /** The headers of the gateway's page. */
  #headers: readonly (readonly [name: string, value: string])[] = [];

  private constructor(program: Program, isConfigured: boolean) {
    this.#program = program;
    this.#isConfigured = isConfigured;
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
      this.#forward(request, socket);
    });
  }

  /** Starts both: the gateway in development mode, or with keys, a store and these settings. */
  static async start(settings?: string): Promise<Gateway> {
    const isConfigured = settings !== undefined;
    const program = await Program.start(isConfigured ? demo(`[pages]\ndemo = "demo"\n${settings}`) : undefined);
    const gateway = new Gateway(program, isConfigured);
    await new Promise<void>((resolve) => gateway.#server.listen(0, '127.0.0.1', resolve));
    const page = await fetch(`${program.url}/demo/`);
    gateway.#headers = PAGE_HEADERS.map((name) => [name, page.headers.get(name) ?? `the gateway sends no ${name}`]);
    gateway.#isEmbedded = (await page.text()) === readFileSync(join(root, 'console/dist/demo/index.html'), 'utf8');
    if (process.env.STAGEDOOR_EMBEDDED === '1' && !gateway.#isEmbedded) {
      throw new Error('the gateway embeds another page than dist: build it again');
    }
    return gateway;
  }

  /** Whether the pages are those that the gateway serves. */
  get isEmbedded(): boolean {
    return this.#isEmbedded && this.isDevelopment && !this.#isConfigured;
  }

  /** The origin of the pages, by default a secure one; that of the gateway, if it embeds them and gives tokens. */
  origin(host = '127.0.0.1'): string {
    if (this.isEmbedded && host === '127.0.0.1') return this.#program.url;
    return `http://${host}:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** Ends the gateway as a crash does; the pages are still served. */
  async kill(): Promise<void> {
    await this.#program.end('SIGKILL');
  }

  /** Ends the gateway as an upgrade does: its sessions wait in the store. */
  async drain(): Promise<void> {
    await this.#program.end('SIGTERM');
  }

  /** Starts it again: in development mode with new keys and an empty store, otherwise with the same ones. */
  async again(): Promise<void> {
    await this.#program.again();
  }

  /** Stops or continues its process, so that nothing is answered. */
  pause(isPaused: boolean): void {
    this.#program.signal(isPaused ? 'SIGSTOP' : 'SIGCONT');
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    for (const socket of this.#sockets) socket.destroy();
    await this.#program.stop();
  }

  /** A room token. */
  async roomToken(claims: Record<string, unknown>): Promise<string> {
    return this.#program.roomToken(claims);
  }

  /** A room token with any claims, signed with the secret of the app. */
  signedToken(claims: Record<string, unknown> & { readonly exp: number }): string {
    const { app, app_secret } = this.#program.ready;
    const parts = [
      { alg: 'HS256', typ: 'JWT' },
      { iss: app, aud: 'stagedoor', iat: claims.exp, ...claims },
    ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
    const signature = createHmac('sha256', app_secret).update(parts.join('.')).digest('base64url');
    return `${parts.join('.')}.${signature}`;
  }

  /** Calls the server API. */
  async api(method: string, path: string, body?: unknown): Promise<void> {
    await this.#program.api(method, path, body);
  }

  /** The usernames in a room, as the gateway has them. */
  async usernames(room: string): Promise<string[]> {
    return this.#program.usernames(room);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://pages');
    for (const [name, value] of this.#headers) response.setHeader(name, value);
    if (pathname === '/demo/config.json') {
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({ app: this.#program.ready.app, development: this.isDevelopment, version: '0.0.0-test' }),
      );
    } else if (pathname === '/demo/token' && request.method === 'POST') {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      const { room, role } = JSON.parse(body) as { room: string; role: string };
      const token = await this.roomToken({ room, role, for_ms: 3_600_000 }).catch(String);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ token, expires_at_ms: Date.now() + 3_600_000 }));
    } else {
      const file = join(root, 'console/dist', pathname === '/demo/' ? 'demo/index.html' : pathname);
      response.statusCode = existsSync(file) ? 200 : 404;
      response.setHeader('content-type', TYPES[extname(file)] ?? 'text/plain');
      const isCompressed = existsSync(`${file}.gz`);
      if (isCompressed) response.setHeader('content-encoding', 'gzip');
      response.end(response.statusCode === 200 ? readFileSync(isCompressed ? `${file}.gz` : file) : '');
    }
  }

  /** Forwards a WebSocket, as one of a program: the gateway does not know the origin of this server. */
  #forward(request: IncomingMessage, socket: Socket): void {
    const [host = '', port = ''] = this.#program.ready.listen.split(':');
    const upstream = connect(Number(port), host);
    const lines = [`${request.method ?? 'GET'} ${request.url ?? '/'} HTTP/1.1`];
    const headers = { ...request.headers, host: this.#program.ready.listen };
    for (const [name, value] of Object.entries(headers)) {
      if (name !== 'origin') lines.push(`${name}: ${String(value)}`);
    }
    upstream.write(`${lines.join('\r\n')}\r\n\r\n`);
    for (const [one, other] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    socket.pipe(upstream).pipe(socket);
  }
}
