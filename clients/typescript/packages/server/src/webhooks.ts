// Deliveries of the gateway: webhooks, and the questions of the auth webhook. Signed as in Standard Webhooks.

import { fromBase64, hmacKey, isSigned } from './bytes.js';
import type { Role } from './tokens.js';

/** Why a delivery is not accepted. */
export class WebhookError extends Error {
  /** What is wrong with it. */
  readonly code: 'missing_header' | 'too_old' | 'too_new' | 'wrong_signature' | 'malformed';

  constructor(code: WebhookError['code'], message: string) {
    super(message);
    this.name = 'WebhookError';
    this.code = code;
  }
}

/** An event of the gateway. */
export interface WebhookEvent {
  /** The same at each delivery: process it once. */
  readonly id: string;
  /** Such as `participant.joined`. */
  readonly type: string;
  /** When it happened, in milliseconds since the Unix epoch. */
  readonly at_ms: number;
  /** The id of the app. */
  readonly app: string;
  /** The room, and the version of the change. */
  readonly room?: string;
  readonly version?: number;
  /** The id of the request that caused it. */
  readonly request?: string;
  /** What happened; depends on the type. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** The part of `Headers` that is used. */
export interface HeadersObject {
  /** A header by its name, or null. */
  get(name: string): string | null;
}

/** Headers: a `Headers` object, or a record as in Node. */
export type HeadersLike = HeadersObject | Readonly<Record<string, string | readonly string[] | undefined>>;

/** Options of verification. */
export interface VerifyOptions {
  /** How far the time of the delivery may be from now, in seconds (300). */
  toleranceS?: number | undefined;
}

/**
 * Verifies a delivery, and returns its event. `rawBody` is the body as it came; `secrets` are `whsec_…`.
 * Throws {@link WebhookError}.
 */
export async function verifyWebhook(
  rawBody: string | Uint8Array,
  headers: HeadersLike,
  secrets: string | readonly string[],
  options: VerifyOptions = {},
): Promise<WebhookEvent> {
  return (await verify(rawBody, headers, secrets, options)) as WebhookEvent;
}

/** A question of the gateway: may this user start or renew a session? */
export interface AuthRequest {
  readonly app: string;
  readonly username: string;
  /** The `params` that the client gave to `start`. */
  readonly auth_params: unknown;
  readonly instance: string;
  readonly address: string;
  readonly user_agent?: string | null;
  readonly purpose: 'start' | 'renew';
}

/** The answer to it. */
export type AuthDecision =
  | { readonly allow: false; /** The user sees it. */ readonly message?: string | undefined }
  | {
      readonly allow: true;
      /** The display name. */
      readonly name?: string | undefined;
      /** Properties that other users see. */
      readonly properties?: unknown;
      /** Rooms without room tokens, and the role there; `*` may end a name. */
      readonly rooms?: Readonly<Record<string, Role>> | undefined;
      readonly scopes?: readonly string[] | undefined;
      /** How long the session lasts, in seconds. */
      readonly ttlS?: number | undefined;
      readonly appModerator?: boolean | undefined;
    };

/** Options of the handler. */
export interface AuthWebhookOptions extends VerifyOptions {
  /** The secrets of the auth webhook: `whsec_…`. */
  secret: string | readonly string[];
  /** Gets what `decide` threw. By default it is printed. */
  onError?: ((error: unknown) => void) | undefined;
}

/** Makes a handler of the auth webhook. What `decide` throws is answered with 500, so that clients try again. */
export function authWebhook(
  decide: (request: AuthRequest) => AuthDecision | Promise<AuthDecision>,
  options: AuthWebhookOptions,
): (request: Request) => Promise<Response> {
  return async (request) => {
    if (request.method !== 'POST') return json(405, { message: 'method not allowed' });
    let question: AuthRequest;
    try {
      question = (await verify(await request.text(), request.headers, options.secret, options)) as AuthRequest;
    } catch (error) {
      // Not 401: the gateway must not take a wrong secret for a denied user.
      return json(500, { message: error instanceof WebhookError ? error.message : 'cannot read the request' });
    }
    try {
      const decision = await decide(question);
      if (!decision.allow) return json(403, decision.message === undefined ? {} : { message: decision.message });
      const { name, properties, rooms, scopes, ttlS, appModerator } = decision;
      return json(200, { name, properties, rooms, scopes, ttl_s: ttlS, app_moderator: appModerator });
    } catch (error) {
      (options.onError ?? console.error)(error);
      return json(500, { message: 'internal error' });
    }
  };
}

const DEFAULT_TOLERANCE_S = 300;

async function verify(
  rawBody: string | Uint8Array,
  headers: HeadersLike,
  secrets: string | readonly string[],
  { toleranceS = DEFAULT_TOLERANCE_S }: VerifyOptions,
): Promise<unknown> {
  const body = typeof rawBody === 'string' ? rawBody : new TextDecoder().decode(rawBody);
  const [id, timestamp, signatures] = ['id', 'timestamp', 'signature'].map((name) =>
    header(headers, `webhook-${name}`),
  );
  if (!id || !timestamp || !signatures) throw new WebhookError('missing_header', 'expected the webhook headers');
  const age = Date.now() / 1_000 - Number(timestamp);
  if (!/^\d+$/.test(timestamp)) throw new WebhookError('malformed', 'webhook-timestamp: expected seconds');
  if (age > toleranceS) throw new WebhookError('too_old', 'the delivery is too old: check the clocks');
  if (age < -toleranceS) throw new WebhookError('too_new', 'the delivery is from the future: check the clocks');
  if (
    !(await hasSignature(`${id}.${timestamp}.${body}`, signatures, typeof secrets === 'string' ? [secrets] : secrets))
  ) {
    throw new WebhookError('wrong_signature', 'no signature matches: check the secret, and pass the body as it came');
  }
  try {
    return JSON.parse(body);
  } catch {
    throw new WebhookError('malformed', 'the body is not JSON');
  }
}

async function hasSignature(text: string, signatures: string, secrets: readonly string[]): Promise<boolean> {
  for (const secret of secrets) {
    const bytes = fromBase64(secret.replace(/^whsec_/, ''));
    if (!bytes?.length) throw new TypeError('secret: expected whsec_ and base64');
    const key = await hmacKey(bytes);
    for (const signature of signatures.split(' ')) {
      const [version, value = ''] = signature.split(',');
      const mac = version === 'v1' ? fromBase64(value) : undefined;
      if (mac && (await isSigned(key, mac, text))) return true;
    }
  }
  return false;
}

function header(headers: HeadersLike, name: string): string | undefined {
  if (typeof headers.get === 'function')
    return (headers as { get(name: string): string | null }).get(name) ?? undefined;
  const record = headers as Readonly<Record<string, string | readonly string[] | undefined>>;
  const key = Object.keys(record).find((one) => one.toLowerCase() === name);
  const value = key === undefined ? undefined : record[key];
  return typeof value === 'string' ? value : value?.[0];
}

function json(status: number, body: object): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });
}
