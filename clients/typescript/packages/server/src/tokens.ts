// Tokens of an app, minted offline with its secret.

import { base64url, hmacKey, sign, utf8 } from './bytes.js';

/** A role in a room. */
export type Role = 'subscriber' | 'publisher' | 'publisher_only' | 'moderator';

/** What all tokens have. */
export interface CommonClaims {
  /** The id of the app. */
  app: string;
  /** How long the token can be used: seconds, or a text such as `30s`, `5m`, `24h`, `30d`. */
  expiresIn: number | string;
  /** The id of the key, if the app has several. */
  keyId?: string | undefined;
}

/** The claims of a session token. */
export interface SessionTokenClaims extends CommonClaims {
  /** The user. */
  username: string;
  /** How long the session lasts, in the form of `expiresIn`; by default until the token expires. */
  sessionLasts?: number | string | undefined;
  /** Binds the token to one client instance. */
  instance?: string | undefined;
  /** The display name. */
  name?: string | undefined;
  /** Rooms without room tokens, and the role there; `*` may end a name. */
  rooms?: Readonly<Record<string, Role>> | undefined;
  /** The scopes; by default all that the role allows. */
  scopes?: readonly string[] | undefined;
  /** Whether the user may remove users from the whole app. */
  appModerator?: boolean | undefined;
}

/** The claims of a room token. */
export interface RoomTokenClaims extends CommonClaims {
  /** The room. */
  room: string;
  /** The role; by default the default role of the app. */
  role?: Role | undefined;
  /** Binds the token to one user. */
  username?: string | undefined;
  /** Connection data, visible to all; at most 1 000 characters. */
  data?: string | undefined;
  /** An id: with it, only one session can use the token. */
  id?: string | undefined;
  /** The layout classes of the participant's streams. */
  layoutClasses?: readonly string[] | undefined;
  /** Whether the user may remove users from the whole app. */
  appModerator?: boolean | undefined;
}

/** The claims of a server token. */
export interface ServerTokenClaims extends CommonClaims {
  /** The name of the caller in the audit log. */
  name?: string | undefined;
}

/** Mints a token that starts a session. */
export async function mintSessionToken(secret: string, claims: SessionTokenClaims): Promise<string> {
  const lasts = claims.sessionLasts;
  return await mint(secret, 'session', 30 * DAY_S, claims, {
    sub: required(claims.username, 'username'),
    instance: claims.instance,
    name: claims.name,
    rooms: claims.rooms,
    scopes: claims.scopes,
    app_moderator: claims.appModerator,
    ttl_s: lasts === undefined ? undefined : seconds(lasts, 'sessionLasts'),
  });
}

/** Mints a token that joins a room. */
export async function mintRoomToken(secret: string, claims: RoomTokenClaims): Promise<string> {
  return await mint(secret, 'room', 30 * DAY_S, claims, {
    room: required(claims.room, 'room'),
    role: claims.role,
    sub: claims.username,
    data: claims.data,
    jti: claims.id,
    layout_classes: claims.layoutClasses,
    app_moderator: claims.appModerator,
  });
}

/** Mints a token for the server API; it lasts an hour at most. */
export async function mintServerToken(secret: string, claims: ServerTokenClaims): Promise<string> {
  return await mint(secret, 'server', 60 * 60, claims, { sub: claims.name });
}

async function mint(
  secret: string,
  scope: 'session' | 'room' | 'server',
  maximumS: number,
  { app, expiresIn, keyId }: CommonClaims,
  claims: Record<string, unknown>,
): Promise<string> {
  if (required(secret, 'secret').length < MIN_SECRET_CHARS) {
    throw new TypeError(`secret: expected at least ${String(MIN_SECRET_CHARS)} characters`);
  }
  const lifetime = seconds(expiresIn, 'expiresIn');
  if (lifetime > maximumS) throw new RangeError(`expiresIn: a ${scope} token lasts ${String(maximumS)} s at most`);
  const iat = Math.floor(Date.now() / 1_000);
  const header = { alg: 'HS256', kid: keyId, typ: 'JWT' };
  const payload = { iss: required(app, 'app'), aud: 'stagedoor', scope, iat, exp: iat + lifetime, ...claims };
  const text = [header, payload].map((part) => base64url(utf8(JSON.stringify(part)))).join('.');
  return `${text}.${base64url(await sign(await hmacKey(utf8(secret)), text))}`;
}

const DAY_S = 24 * 60 * 60;
/** HS256 needs a key as long as its hash. */
const MIN_SECRET_CHARS = 32;

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 60 * 60, d: DAY_S };

function seconds(value: number | string, name: string): number {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(String(value)) ?? [];
  const result = typeof value === 'number' ? Math.floor(value) : Number(count) * (UNITS[unit ?? ''] ?? NaN);
  if (result >= 1) return result;
  throw new TypeError(`${name}: expected seconds, or a text such as 30s, 5m, 24h or 30d`);
}

function required(value: string, name: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new TypeError(`${name}: expected a text`);
}
