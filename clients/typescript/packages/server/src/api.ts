// The server API, typed by its OpenAPI document. Errors are values.

import type { components, operations } from './openapi.js';
import { OPERATIONS } from './operations.js';

type Operations = typeof OPERATIONS;
type Name = keyof Operations & keyof operations;

type Path<K extends Name> = operations[K]['parameters'] extends { path: infer P } ? Omit<P, 'app'> : unknown;
type Query<K extends Name> = operations[K]['parameters'] extends { query?: infer Q }
  ? [Q] extends [never]
    ? unknown
    : NonNullable<Q>
  : unknown;
type Body<K extends Name> = operations[K] extends { requestBody?: { content: { 'application/json': infer B } } }
  ? B
  : unknown;
type Success<K extends Name> = {
  [S in keyof operations[K]['responses'] & (200 | 201 | 202)]: operations[K]['responses'][S] extends {
    content: { 'application/json': infer B };
  }
    ? B
    : undefined;
}[keyof operations[K]['responses'] & (200 | 201 | 202)];

/** The arguments of an operation: its path, query and body in one object. */
export type Arguments<K extends Name> = Path<K> & Query<K> & Body<K>;

/** A problem as the gateway describes it. */
export type Problem = components['schemas']['Problem'];

/** The result of an operation. */
export type Result<T> =
  | { readonly ok: true; readonly status: number; readonly value: T; readonly requestId: string | undefined }
  | { readonly ok: false; readonly status: number; readonly error: ApiError; readonly requestId: string | undefined };

/** Why an operation failed. */
export interface ApiError {
  /** The code of the problem, or `unreachable` if there was no answer. */
  readonly code: string;
  /** What was wrong. */
  readonly message: string;
  /** Whether the call may have taken effect: repeat it with the same `idempotencyKey`. */
  readonly outcome: 'refused' | 'unknown';
  /** Milliseconds to wait before a retry. */
  readonly retryAfterMs: number | undefined;
  /** The whole problem. */
  readonly problem: Problem | undefined;
}

/** Options of one call. */
export interface CallOptions {
  /** Gives up. */
  signal?: AbortSignal | undefined;
  /** With it, a repeated call gets the same answer for 24 hours and has no second effect. */
  idempotencyKey?: string | undefined;
}

type Camel<S extends string> = S extends `${infer A}_${infer B}` ? `${A}${Capitalize<Camel<B>>}` : S;

/** The operations of the server API, by name. */
export type ServerApi = {
  readonly [K in Name as Camel<K>]: (args: Arguments<K>, options?: CallOptions) => Promise<Result<Success<K>>>;
};

/** The address of the server API, and the key for it. */
export interface ServerApiOptions {
  /** The address of the server API, such as `https://gateway.example.com`. */
  url: string | URL;
  /** A server key (`sk_…`) or a server token. */
  key: string | (() => string | Promise<string>);
  /** The id of the app. */
  app: string;
  /** How long one call may take, in milliseconds (30 000). */
  timeoutMs?: number | undefined;
  /** The `fetch` to use. */
  fetch?: typeof fetch | undefined;
}

/** A client of the server API. */
export function serverApi(options: ServerApiOptions): ServerApi {
  const entries = Object.entries(OPERATIONS).map(([name, [method, path]]) => {
    const camel = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
    return [
      camel,
      (args: Record<string, unknown>, call?: CallOptions) => send(options, method, path, args, call ?? {}),
    ];
  });
  return Object.fromEntries(entries) as ServerApi;
}

async function send(
  { url, key, app, timeoutMs = 30_000, fetch: send = fetch }: ServerApiOptions,
  method: string,
  template: string,
  args: Record<string, unknown>,
  { signal, idempotencyKey }: CallOptions,
): Promise<Result<unknown>> {
  const rest = new Map<string, unknown>(
    Object.entries<unknown>({ ...args, app }).filter(([, value]) => value !== undefined),
  );
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = rest.get(name);
    rest.delete(name);
    return encodeURIComponent(typeof value === 'string' || typeof value === 'number' ? value : '');
  });
  rest.delete('app');
  const target = new URL(path, url);
  if (method === 'GET') for (const [name, value] of rest) target.searchParams.set(name, String(value));
  const timeout = AbortSignal.timeout(timeoutMs);
  let response: Response;
  try {
    response = await send(target, {
      method,
      headers: {
        authorization: `Bearer ${typeof key === 'string' ? key : await key()}`,
        ...(method !== 'GET' && { 'content-type': 'application/json' }),
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      },
      ...(method !== 'GET' && { body: JSON.stringify(Object.fromEntries(rest)) }),
      // Not `error`, which Workers do not have: a redirect is a result that is not ok.
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    return await read(response);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const failed = {
      code: 'unreachable',
      message,
      outcome: 'unknown',
      retryAfterMs: undefined,
      problem: undefined,
    } as const;
    return { ok: false, status: 0, error: failed, requestId: undefined };
  }
}

async function read(response: Response): Promise<Result<unknown>> {
  const { status, headers } = response;
  const requestId = headers.get('x-request-id') ?? undefined;
  const text = await response.text();
  if (response.ok) {
    const isJson = headers.get('content-type')?.includes('json') ?? false;
    return { ok: true, status, value: isJson && text ? JSON.parse(text) : text || undefined, requestId };
  }
  const problem = parseProblem(text);
  const after = problem?.retry_after_ms ?? Number(headers.get('retry-after')) * 1_000;
  const error: ApiError = {
    code: problem?.code ?? `http_${String(status)}`,
    message: problem?.detail ?? problem?.title ?? `HTTP ${String(status)}`,
    outcome: status >= 500 ? 'unknown' : 'refused',
    retryAfterMs: after > 0 ? after : undefined,
    problem,
  };
  return { ok: false, status, error, requestId };
}

function parseProblem(text: string): Problem | undefined {
  try {
    return JSON.parse(text) as Problem;
  } catch {
    return undefined;
  }
}
