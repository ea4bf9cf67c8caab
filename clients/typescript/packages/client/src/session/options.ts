// The options of a session manager, checked at construction: a wrong one is an error that says what to change.

import { StagedoorError } from '../core/errors.js';
import { environment } from '../shell/environment.js';
import type { Options, StartWith } from './api.js';

/** The checked options. */
export interface Config extends Readonly<Options> {
  readonly endpoint: string;
  readonly host: string;
  readonly requestTimeoutMs: number;
  readonly startTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly queue: { readonly requests: number; readonly bytes: number };
}

const DEFAULTS = {
  requestTimeoutMs: 10_000,
  startTimeoutMs: 30_000,
  connectTimeoutMs: 10_000,
  queue: { requests: 64, bytes: 256 * 1024 },
} as const;

/** Checks the options. Throws an error with the name of the wrong one. */
export function checkOptions(options: Options): Config {
  if (!isRecord(options)) throw invalid('options', 'expected an object with `url` and `app`');
  const unknownOption = Object.keys(options).find((key) => !KNOWN.has(key));
  if (unknownOption) throw invalid(unknownOption, 'unknown option');
  if (typeof options.app !== 'string' || options.app === '') throw invalid('app', 'expected the id of the app');
  const { client, instance, storage, queue } = options;
  if (client !== undefined && (typeof client.name !== 'string' || typeof client.version !== 'string')) {
    throw invalid('client', 'expected `{ name, version }`');
  }
  if (instance !== undefined && !/^(tab|memory|[A-Za-z0-9._~-]{8,64})$/.test(instance)) {
    throw invalid('instance', "expected 'tab', 'memory' or an id of 8 to 64 characters A-Z a-z 0-9 . _ ~ -");
  }
  const isStore = isRecord(storage) && typeof storage.getItem === 'function';
  if (storage !== undefined && storage !== 'session' && storage !== 'memory' && !isStore) {
    throw invalid('storage', "expected 'session', 'memory' or an object with getItem, setItem and removeItem");
  }
  for (const name of ['onListenerError', 'onFrame', 'webSocket'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'function') throw invalid(name, 'expected a function');
  }
  checkMethod(options, 'sessionHandler', 'sessionWillRenewAccessToken');
  checkMethod(options, 'loader', 'load');
  if (queue !== undefined && !(queue.requests >= 1 && queue.bytes >= 1)) {
    throw invalid('queue', 'expected `{ requests, bytes }`, both at least 1');
  }
  const { endpoint, host } = checkUrl(options.url);
  return {
    ...options,
    endpoint,
    host,
    requestTimeoutMs: duration(options, 'requestTimeoutMs'),
    startTimeoutMs: duration(options, 'startTimeoutMs'),
    connectTimeoutMs: duration(options, 'connectTimeoutMs'),
    queue: queue ?? DEFAULTS.queue,
  };
}

/** Checks how a session is started. */
export function checkStart(how: StartWith): StagedoorError | undefined {
  const ways = isRecord(how) ? (['guest', 'params', 'token', 'stored'] as const).filter((way) => way in how) : [];
  if (ways.length !== 1)
    return invalid('start', 'expected exactly one of `guest`, `username` with `params`, `token` and `stored`');
  const { guest, username, token, stored } = how as {
    guest?: unknown;
    username?: unknown;
    token?: unknown;
    stored?: unknown;
  };
  if (ways[0] === 'guest' && (typeof guest !== 'string' || guest === '')) return invalid('guest', 'expected a name');
  if (ways[0] === 'params' && (typeof username !== 'string' || username === ''))
    return invalid('username', 'expected a name');
  if (ways[0] === 'token' && typeof token !== 'function' && (typeof token !== 'string' || token === '')) {
    return invalid('token', 'expected a token, or a function that returns one');
  }
  if (ways[0] === 'stored' && stored !== true) return invalid('stored', 'expected true');
  return undefined;
}

function checkUrl(url: Options['url']): { endpoint: string; host: string } {
  const { URL } = globalThis as unknown as { URL: new (text: string) => ParsedUrl };
  const text = typeof url === 'string' ? url : (url as { href?: unknown } | undefined)?.href;
  let parsed: ParsedUrl;
  try {
    parsed = new URL(String(text));
  } catch {
    throw invalid('url', 'expected an absolute URL, such as https://gateway.example.com');
  }
  const protocol = PROTOCOLS[parsed.protocol];
  if (!protocol) throw invalid('url', 'expected a URL with https:, wss:, http: or ws:');
  if (parsed.username || parsed.password)
    throw invalid('url', 'credentials do not belong into a URL: give them to `start`');
  if (parsed.search || parsed.hash) throw invalid('url', 'expected a URL without a query and a fragment');
  if (protocol === 'ws:' && environment().location?.protocol === 'https:' && !isLoopback(parsed.hostname)) {
    throw invalid('url', 'a page loaded by https: cannot connect by ws: or http:; use wss: or https:');
  }
  const path = parsed.pathname.replace(/\/+$/, '');
  return {
    endpoint: `${protocol}//${parsed.host}${path.endsWith('/v1/connect') ? path : `${path}/v1/connect`}`,
    host: parsed.host,
  };
}

interface ParsedUrl {
  readonly protocol: string;
  readonly username: string;
  readonly password: string;
  readonly search: string;
  readonly hash: string;
  readonly host: string;
  readonly hostname: string;
  readonly pathname: string;
}

const PROTOCOLS: Partial<Record<string, 'ws:' | 'wss:'>> = {
  'http:': 'ws:',
  'ws:': 'ws:',
  'https:': 'wss:',
  'wss:': 'wss:',
};

const KNOWN: ReadonlySet<string> = new Set<keyof Options>([
  'url',
  'app',
  'client',
  'instance',
  'storage',
  'sessionHandler',
  'loader',
  'webSocket',
  'requestTimeoutMs',
  'startTimeoutMs',
  'connectTimeoutMs',
  'queue',
  'onListenerError',
  'onFrame',
]);

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]' || hostname.endsWith('.localhost')
  );
}

function duration(options: Options, name: 'requestTimeoutMs' | 'startTimeoutMs' | 'connectTimeoutMs'): number {
  const value = options[name] ?? DEFAULTS[name];
  if (typeof value !== 'number' || !(value > 0)) throw invalid(name, 'expected a number of milliseconds above 0');
  return value;
}

function checkMethod(options: Options, name: 'sessionHandler' | 'loader', method: string): void {
  const value = options[name] as Record<string, unknown> | undefined;
  if (value !== undefined && typeof value[method] !== 'function')
    throw invalid(name, `expected an object with \`${method}\``);
}

function invalid(field: string, problem: string): StagedoorError {
  return new StagedoorError('invalid_options', `${field}: ${problem}`, { field, hint: `Change \`${field}\`.` });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
