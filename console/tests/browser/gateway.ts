// The real gateway in development mode, and a server that serves the built pages beside it under one origin.

import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Gateway as Program } from '../../../clients/typescript/packages/client/tests/harness/gateway.js';

const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
  "require-trusted-types-for 'script'; trusted-types 'none'";

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
  /** Whether the gateway embeds the built page; otherwise the server beside it serves that. */
  #isEmbedded = false;

  private constructor(program: Program) {
    this.#program = program;
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
      this.#forward(request, socket);
    });
  }

  /** Starts both. */
  static async start(): Promise<Gateway> {
    const gateway = new Gateway(await Program.start());
    await new Promise<void>((resolve) => gateway.#server.listen(0, '127.0.0.1', resolve));
    const page = await fetch(`http://${gateway.#program.ready.listen}/demo/`);
    gateway.#isEmbedded = (await page.text()) === readFileSync(join(root, 'console/dist/demo/index.html'), 'utf8');
    if (process.env.STAGEDOOR_EMBEDDED === '1' && !gateway.#isEmbedded) {
      throw new Error('the gateway embeds another page than dist: build it again');
    }
    return gateway;
  }

  /** The origin of the pages, by default a secure one; that of the gateway, if it embeds them. */
  origin(host = '127.0.0.1'): string {
    if (this.#isEmbedded && this.isDevelopment && host === '127.0.0.1') return `http://${this.#program.ready.listen}`;
    return `http://${host}:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** Ends the gateway as a crash does; the pages are still served. */
  async kill(): Promise<void> {
    await this.#program.end('SIGKILL');
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

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://pages');
    response.setHeader('content-security-policy', CSP);
    response.setHeader('referrer-policy', 'no-referrer');
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
      response.end(existsSync(file) ? readFileSync(file) : '');
    }
  }

  /** Forwards a WebSocket, with the origin that the gateway has for its own pages. */
  #forward(request: IncomingMessage, socket: Socket): void {
    const [host = '', port = ''] = this.#program.ready.listen.split(':');
    const upstream = connect(Number(port), host);
    const lines = [`${request.method ?? 'GET'} ${request.url ?? '/'} HTTP/1.1`];
    const headers = {
      ...request.headers,
      host: this.#program.ready.listen,
      origin: `http://${this.#program.ready.listen}`,
    };
    for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${String(value)}`);
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
