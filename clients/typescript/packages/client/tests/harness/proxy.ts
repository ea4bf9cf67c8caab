// The fault proxy: TCP between clients and the gateway, with rules, commands and a log of all WebSocket frames.
//
// Bytes pass in whole units (an HTTP head, a WebSocket frame), so that a fault strikes at a place that a test names and
// not at a time.

import { createServer, type Server, type Socket, connect } from 'node:net';

export type Way = 'up' | 'down';

/** A frame that passed, or was stopped by a rule. */
export interface LoggedFrame {
  readonly way: Way;
  readonly connection: number;
  readonly opcode: number;
  readonly text: string;
  /** The bytes of the whole frame. */
  readonly size: number;
  /** Milliseconds of the monotonic clock. */
  readonly at: number;
}

/** What a rule does with the frame that it matches. */
export type Fault =
  | { readonly kind: 'drop' }
  /** Passes `bytes` of the frame, then breaks both ways. */
  | { readonly kind: 'cut'; readonly bytes: number }
  /** Passes the frame, then breaks both ways. */
  | { readonly kind: 'cut-after' }
  /** Passes nothing more this way until `release`. */
  | { readonly kind: 'hold' };

export interface Rule {
  readonly way: Way;
  readonly match: (text: string) => boolean;
  readonly fault: Fault;
  /** How often it strikes: once by default. */
  times?: number;
}

interface Link {
  readonly id: number;
  readonly client: Socket;
  readonly server: Socket;
  readonly held: Record<Way, Buffer[] | undefined>;
}

export class FaultProxy {
  readonly frames: LoggedFrame[] = [];
  readonly rules: Rule[] = [];
  readonly #server: Server;
  readonly #target: { host: string; port: number };
  readonly #links = new Set<Link>();
  readonly #waiting = new Set<() => void>();
  readonly #sockets = new Set<Socket>();
  #connections = 0;
  #refuses = false;
  #blackhole = false;

  private constructor(server: Server, target: { host: string; port: number }) {
    this.#server = server;
    this.#target = target;
  }

  static async start(gateway: { readonly ready: { readonly listen: string } }, at = '127.0.0.1'): Promise<FaultProxy> {
    const [host = '127.0.0.1', port = '0'] = gateway.ready.listen.split(':');
    const server = createServer({ noDelay: true });
    const proxy = new FaultProxy(server, { host, port: Number(port) });
    server.on('connection', (client) => {
      proxy.#accept(client);
    });
    await new Promise<void>((resolve) => server.listen(0, at, resolve));
    return proxy;
  }

  get url(): string {
    const at = this.#server.address();
    const { address, port } = typeof at === 'object' && at ? at : { address: '', port: 0 };
    return `http://${address}:${String(port)}`;
  }

  /** The number of connections so far. */
  get connections(): number {
    return this.#connections;
  }

  /** Adds a rule. */
  rule(rule: Rule): void {
    this.rules.push(rule);
  }

  /** Breaks all connections. */
  cut(): void {
    for (const link of [...this.#links]) this.#cut(link);
  }

  /** Refuses new connections, or accepts them again. */
  refuse(refuses: boolean): void {
    this.#refuses = refuses;
  }

  /** Accepts new connections and never answers, or stops doing so. */
  blackhole(isOn: boolean): void {
    this.#blackhole = isOn;
  }

  /** Passes nothing more this way. */
  hold(way: Way): void {
    for (const link of this.#links) link.held[way] ??= [];
  }

  /** Passes what was held, in one write. */
  release(way: Way): void {
    for (const link of this.#links) {
      const held = link.held[way];
      link.held[way] = undefined;
      if (held?.length) (way === 'up' ? link.server : link.client).write(Buffer.concat(held));
      if (way === 'down' && link.server.closed) this.#end(link);
    }
  }

  /** Closes all connections towards the clients with a close frame, as a proxy that reloads does. */
  close(code: number, reason = ''): void {
    const payload = Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]);
    for (const link of [...this.#links]) {
      link.client.write(Buffer.concat([Buffer.from([0x88, payload.length]), payload]));
      if (link.server.closed) this.#end(link);
      link.server.destroy();
    }
  }

  /** Sends a text to all clients, as if it came from the gateway. */
  inject(text: string): void {
    const payload = Buffer.from(text);
    const head =
      payload.length < 126
        ? Buffer.from([0x81, payload.length])
        : Buffer.from([0x81, 126, payload.length >> 8, payload.length & 255]);
    for (const link of this.#links) link.client.write(Buffer.concat([head, payload]));
  }

  /** The texts of one way. */
  texts(way: Way): string[] {
    return this.frames.filter((frame) => frame.way === way && frame.opcode === 1).map((frame) => frame.text);
  }

  /** Waits for a frame that matches, from `since` on. */
  async frame(way: Way, match: (text: string) => boolean, since = 0): Promise<LoggedFrame> {
    for (;;) {
      const found = this.frames.slice(since).find((frame) => frame.way === way && match(frame.text));
      if (found) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  async stop(): Promise<void> {
    this.cut();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    this.#connections += 1;
    this.#wake();
    client.on('error', () => undefined);
    this.#sockets.add(client);
    client.on('close', () => this.#sockets.delete(client));
    if (this.#refuses) {
      client.resetAndDestroy();
      return;
    }
    if (this.#blackhole) return;
    const server = connect({ ...this.#target, noDelay: true });
    server.on('error', () => undefined);
    const link: Link = { id: this.#connections, client, server, held: { up: undefined, down: undefined } };
    this.#links.add(link);
    const [up, down] = [this.#pump(link, 'up'), this.#pump(link, 'down')];
    client.on('data', up);
    server.on('data', down);
    client.on('close', () => {
      this.#links.delete(link);
      server.destroy();
    });
    server.on('close', () => {
      // The end of a connection is held like the frames before it.
      if (!link.held.down) this.#end(link);
    });
  }

  /** The gateway's half has ended, and the client's has received everything. */
  #end(link: Link): void {
    this.#links.delete(link);
    link.client.destroySoon();
  }

  #pump(link: Link, way: Way): (data: Buffer) => void {
    let rest = Buffer.alloc(0);
    let isUpgraded = false;
    return (data) => {
      rest = Buffer.concat([rest, data]);
      for (;;) {
        const length = isUpgraded ? frameLength(rest) : headLength(rest);
        if (length === undefined || rest.length < length) return;
        const unit = rest.subarray(0, length);
        rest = rest.subarray(length);
        if (isUpgraded) this.#frame(link, way, unit);
        else this.#pass(link, way, unit);
        isUpgraded = true;
      }
    };
  }

  #frame(link: Link, way: Way, unit: Buffer): void {
    const { opcode, text } = decode(unit);
    this.frames.push({ way, connection: link.id, opcode, text, size: unit.length, at: performance.now() });
    const rule =
      opcode === 1 ? this.rules.find((one) => one.way === way && (one.times ?? 1) > 0 && one.match(text)) : undefined;
    if (rule) rule.times = (rule.times ?? 1) - 1;
    const fault = rule?.fault;
    if (fault?.kind === 'hold') link.held[way] ??= [];
    if (fault?.kind === 'cut') {
      // A frame behind a part of one would be read as its rest.
      link.held[way] = [];
      (way === 'up' ? link.server : link.client).write(unit.subarray(0, fault.bytes), () => {
        this.#cut(link);
      });
    } else if (fault?.kind !== 'drop') {
      this.#pass(link, way, unit);
      if (fault?.kind === 'cut-after')
        setImmediate(() => {
          this.#cut(link, way);
        });
    }
    this.#wake();
  }

  #pass(link: Link, way: Way, bytes: Buffer): void {
    const held = link.held[way];
    if (held) held.push(bytes);
    else (way === 'up' ? link.server : link.client).write(bytes);
  }

  #cut(link: Link, way?: Way): void {
    this.#links.delete(link);
    // What was passed on arrives before the connection breaks.
    if (way === 'up') {
      link.server.destroySoon();
      link.client.resetAndDestroy();
    } else {
      link.server.resetAndDestroy();
      link.client.destroySoon();
    }
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
    this.#waiting.clear();
  }
}

function headLength(bytes: Buffer): number | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  return end < 0 ? undefined : end + 4;
}

function frameLength(bytes: Buffer): number | undefined {
  if (bytes.length < 2) return undefined;
  const { start, length } = layout(bytes);
  return start === undefined ? undefined : start + length;
}

function layout(bytes: Buffer): { start: number | undefined; length: number; mask: Buffer | undefined } {
  const second = bytes[1] ?? 0;
  const isMasked = (second & 0x80) !== 0;
  let length = second & 0x7f;
  let start = 2;
  if (length === 126) {
    if (bytes.length < 4) return { start: undefined, length: 0, mask: undefined };
    length = bytes.readUInt16BE(2);
    start = 4;
  } else if (length === 127) {
    if (bytes.length < 10) return { start: undefined, length: 0, mask: undefined };
    length = Number(bytes.readBigUInt64BE(2));
    start = 10;
  }
  const mask = isMasked ? bytes.subarray(start, start + 4) : undefined;
  return { start: isMasked ? start + 4 : start, length, mask };
}

function decode(unit: Buffer): { opcode: number; text: string } {
  const { start = 0, mask } = layout(unit);
  const payload = Buffer.from(unit.subarray(start));
  if (mask) for (let i = 0; i < payload.length; i += 1) payload[i] = (payload[i] ?? 0) ^ (mask[i % 4] ?? 0);
  return { opcode: (unit[0] ?? 0) & 15, text: payload.toString('utf8') };
}
