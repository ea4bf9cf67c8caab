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

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string' && value !== '';
const isFunction: Check = (value) => typeof value === 'function';
const hasMethod =
  (name: string): Check =>
  (value) =>
    isRecord(value) && isFunction(value[name]);

const FUNCTION = [isFunction, 'a function'] as const;
const DURATION = [
  (value: unknown) => typeof value === 'number' && value > 0,
  'a number of milliseconds above 0',
] as const;

/** All options: whether a value is right, and what was expected. */
const OPTIONS: Record<keyof Options, readonly [isValid: Check, expected: string]> = {
  url: [(url) => isText(url) || isRecord(url), 'a URL'],
  app: [isText, 'the id of the app'],
  client: [(client) => isRecord(client) && isText(client.name) && isText(client.version), '`{ name, version }`'],
  instance: [
    (instance) => typeof instance === 'string' && /^(tab|memory|[A-Za-z0-9._~-]{8,64})$/.test(instance),
    "'tab', 'memory' or an id of 8 to 64 characters A-Z a-z 0-9 . _ ~ -",
  ],
  storage: [
    (storage) => storage === 'session' || storage === 'memory' || hasMethod('getItem')(storage),
    "'session', 'memory' or an object with getItem, setItem and removeItem",
  ],
  sessionHandler: [hasMethod('sessionWillRenewAccessToken'), 'an object with `sessionWillRenewAccessToken`'],
  loader: [hasMethod('load'), 'an object with `load`'],
  webSocket: FUNCTION,
  requestTimeoutMs: DURATION,
  startTimeoutMs: DURATION,
  connectTimeoutMs: DURATION,
  queue: [
    (queue) => isRecord(queue) && Number(queue.requests) >= 1 && Number(queue.bytes) >= 1,
    '`{ requests, bytes }`, both at least 1',
  ],
  onListenerError: FUNCTION,
  onFrame: FUNCTION,
};

/** The ways to start a session. */
const WAYS: Record<string, readonly [isValid: Check, expected: string]> = {
  guest: [isText, 'a name'],
  params: [() => true, ''],
  token: [(token) => isFunction(token) || isText(token), 'a token, or a function that returns one'],
  stored: [(stored) => stored === true, 'true'],
};

/** Checks the options. Throws an error with the name of the wrong one. */
export function checkOptions(options: Options): Config {
  if (!isRecord(options)) throw invalid('options', 'expected an object with `url` and `app`');
  const unknownOption = Object.keys(options).find((name) => !Object.hasOwn(OPTIONS, name));
  if (unknownOption) throw invalid(unknownOption, 'unknown option');
  for (const [name, [isValid, expected]] of Object.entries(OPTIONS)) {
    const value = (options as Record<string, unknown>)[name];
    const isRequired = name === 'url' || name === 'app';
    if ((isRequired || value !== undefined) && !isValid(value)) throw invalid(name, `expected ${expected}`);
  }
  const { requestTimeoutMs = 10_000, startTimeoutMs = 30_000, connectTimeoutMs = 10_000 } = options;
  const { queue = { requests: 64, bytes: 256 * 1024 } } = options;
  return { ...options, ...checkUrl(options.url), requestTimeoutMs, startTimeoutMs, connectTimeoutMs, queue };
}

/** Checks how a session is started. */
export function checkStart(how: StartWith): StagedoorError | undefined {
  const given: Record<string, unknown> = isRecord(how) ? how : {};
  const [way, ...others] = Object.entries(WAYS).filter(([name]) => name in given);
  if (!way || others.length > 0)
    return invalid('start', 'expected exactly one of `guest`, `username` with `params`, `token` and `stored`');
  const [name, [isValid, expected]] = way;
  if (!isValid(given[name])) return invalid(name, `expected ${expected}`);
  return name === 'params' && !isText(given.username) ? invalid('username', 'expected a name') : undefined;
}

function checkUrl(url: Options['url']): { endpoint: string; host: string } {
  const { URL } = globalThis as unknown as { URL: new (text: string) => ParsedUrl };
  let parsed: ParsedUrl;
  try {
    parsed = new URL(typeof url === 'string' ? url : url.href);
  } catch {
    throw invalid('url', 'expected an absolute URL, such as https://gateway.example.com');
  }
  const { host, hostname, pathname, username, password, search, hash } = parsed;
  const protocol = parsed.protocol.replace('http', 'ws');
  if (!/^wss?:$/.test(protocol)) throw invalid('url', 'expected a URL with https:, wss:, http: or ws:');
  if (username || password) throw invalid('url', 'credentials do not belong into a URL: give them to `start`');
  if (search || hash) throw invalid('url', 'expected a URL without a query and a fragment');
  if (protocol === 'ws:' && environment().location?.protocol === 'https:' && !LOOPBACK.test(hostname)) {
    throw invalid('url', 'a page loaded by https: cannot connect by ws: or http:; use wss: or https:');
  }
  const path = pathname.replace(/\/+$/, '').replace(/\/v1\/connect$/, '');
  return { endpoint: `${protocol}//${host}${path}/v1/connect`, host };
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

const LOOPBACK = /^((.+\.)?localhost|127\.0\.0\.1|\[::1\])$/;

function invalid(field: string, problem: string): StagedoorError {
  return new StagedoorError('invalid_options', `${field}: ${problem}`, { field, hint: `Change \`${field}\`.` });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
