// What this client can show the gateway: how the program started the session, the access token, the resume secret, and
// what the tab stored. Decides the first message of a connection.

import { StagedoorError } from '../core/errors.js';
import { subjectOf, type Tokens, type TokenReason } from '../core/tokens.js';
import type { Instance } from '../shell/instance.js';
import type { Storage, StoredSession } from '../shell/storage.js';
import type { Credentials as WireCredentials, Renewed, Resume, Resumed, Start, Started } from '../wire/protocol.js';
import type { Session, StartWith } from './api.js';
import type { Config } from './options.js';

/** The first message of a connection. */
export type Opening = { readonly start: Start } | { readonly resume: Resume };

interface Ticket {
  readonly session: string;
  readonly secret: string;
}

/** The credentials of one manager. */
export class Credentials {
  readonly #config: Config;
  readonly #storage: Storage;
  readonly #instance: Instance;
  readonly #tokens: Tokens;
  #how: StartWith = { stored: true };
  #instanceId: string | undefined;
  #ticket: Ticket | undefined;
  /** The session of a sibling: this page is a duplicate, and was started by a copy of its storage. */
  #sibling: Ticket | undefined;
  #accessToken: string | undefined;
  #session: Session | undefined;
  #lastSeq = 0;
  #reason: TokenReason = 'start';
  #freshToken: string | undefined;
  #clockOffsetMs = 0;

  constructor(config: Config, storage: Storage, instance: Instance, tokens: Tokens) {
    this.#config = config;
    this.#storage = storage;
    this.#instance = instance;
    this.#tokens = tokens;
  }

  /** How the program started the session. */
  get how(): StartWith {
    return this.#how;
  }

  /** The session, or the last one. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** Whether there is a session to resume. */
  get hasTicket(): boolean {
    return this.#ticket !== undefined;
  }

  /** The highest `seq` received. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** The gateway's clock, in milliseconds since the Unix epoch. */
  serverNow(): number {
    return Date.now() + this.#clockOffsetMs;
  }

  /** Corrects the clock by a time of the gateway. */
  setClock(serverMs: number): void {
    this.#clockOffsetMs = serverMs - Date.now();
  }

  /** Begins with what the program gave, and with nothing of an earlier session. */
  begin(how: StartWith): void {
    this.#how = how;
    this.#ticket = this.#sibling = this.#accessToken = this.#session = this.#freshToken = undefined;
    this.#lastSeq = 0;
    this.#reason = 'start';
  }

  /** Takes the client instance, and what the tab stored for it. */
  async acquire(): Promise<void> {
    const record = this.#storage.read();
    const { id, isOwner } = await this.#instance.acquire(this.#instanceId ?? record?.instance);
    const isOther = this.#instanceId !== undefined && this.#instanceId !== id;
    if (isOther) {
      this.#sibling = this.#ticket;
      // An access token is bound to its instance.
      this.#accessToken = undefined;
      this.#lastSeq = 0;
    }
    if (isOther || this.#instanceId === undefined) this.#ticket = undefined;
    const isFirst = this.#instanceId === undefined;
    this.#instanceId = id;
    if (!this.#session && record && (isFirst || 'stored' in this.#how)) await this.#restore(record, isOwner);
  }

  /** The first message of the next connection. Rejects with `Denied` if a token function does. */
  async opening(): Promise<Opening> {
    if (this.#ticket) return { resume: await this.#resume(this.#ticket) };
    const { app, client } = this.#config;
    const previous = this.#sibling && { ...this.#sibling, keep: true };
    const start = {
      app,
      instance: this.#instanceId ?? '',
      ...(await this.#start()),
      ...(client && { client: { ...client } }),
      ...(previous && { previous }),
    };
    return { start };
  }

  /** A session was started. */
  started({ session, access_token, resume, server, scopes }: Started): void {
    this.#reason = 'reauth';
    this.#sibling = this.#freshToken = undefined;
    this.setClock(server.time_ms);
    this.#accessToken = access_token;
    this.#ticket = { session: session.id, secret: resume.secret };
    const { username, guest, name, properties } = session.user;
    this.#session = Object.freeze({
      id: session.id,
      instance: session.instance,
      user: Object.freeze({
        username,
        guest,
        name: name ?? undefined,
        properties: (properties ?? undefined) as Session['user']['properties'],
      }),
      expiresAtMs: session.expires_at_ms,
      scopes,
    });
    this.persist();
  }

  /** The session was resumed. */
  resumed({ access_token, expires_at_ms, resume, scopes }: Resumed): void {
    this.#reason = 'reauth';
    this.#freshToken = undefined;
    if (this.#ticket) this.#ticket = { ...this.#ticket, secret: resume.secret };
    this.#setExpiry(expires_at_ms, access_token ?? undefined, scopes);
  }

  /** The session was renewed. */
  renewed({ access_token, expires_at_ms, scopes }: Renewed): void {
    this.#setExpiry(expires_at_ms, access_token, scopes);
  }

  /** A frame with this number was received. Returns false if it was received before. */
  received(seq: number): boolean {
    if (seq <= this.#lastSeq) return false;
    this.#lastSeq = seq;
    return true;
  }

  /** A new token of the program, for the next resume. */
  offer(token: string): void {
    this.#freshToken = token;
  }

  /** The session is gone; with `isRevoked` its access token is void too. */
  sessionLost(isRevoked: boolean): void {
    this.#ticket = undefined;
    this.#lastSeq = 0;
    if (isRevoked) this.#accessToken = this.#freshToken = undefined;
    this.persist();
  }

  /** Whether a new session can be started without the program. */
  canRestart(): boolean {
    if (this.#accessToken !== undefined && !this.#isExpired()) return true;
    return !('stored' in this.#how) && !('token' in this.#how && typeof this.#how.token === 'string');
  }

  /** Stores what the next page of this tab needs. */
  persist(): void {
    const instance = this.#instanceId;
    if (instance === undefined) return;
    this.#storage.write({
      instance,
      username: this.#session?.user.username,
      guest: this.#session?.user.guest,
      session: this.#ticket?.session,
      secret: this.#ticket?.secret,
      lastSeq: this.#lastSeq,
      accessToken: this.#accessToken,
      expiresAtMs: this.#session?.expiresAtMs,
    });
  }

  /** The program ended the session: nothing of it remains, except the client instance. */
  clear(): void {
    this.#ticket = this.#accessToken = this.#session = this.#freshToken = undefined;
    this.persist();
  }

  async #restore(record: StoredSession, isOwner: boolean): Promise<void> {
    const { session, secret, accessToken, expiresAtMs } = record;
    if (!(await this.#isSameUser(record))) return;
    const ticket = session !== undefined && secret !== undefined ? { session, secret } : undefined;
    if (!isOwner) {
      this.#sibling = ticket;
      return;
    }
    this.#ticket = ticket;
    this.#lastSeq = record.lastSeq ?? 0;
    if ('stored' in this.#how) this.#accessToken = accessToken;
    this.#session = Object.freeze({
      id: session ?? '',
      instance: record.instance,
      user: Object.freeze({
        username: record.username ?? '',
        guest: record.guest ?? false,
        name: undefined,
        properties: undefined,
      }),
      expiresAtMs: expiresAtMs ?? 0,
      scopes: [],
    });
  }

  /** Whether the stored session is of the user that the program starts now. */
  async #isSameUser({ username, guest }: StoredSession): Promise<boolean> {
    const how = this.#how;
    if ('stored' in how) return true;
    if ('guest' in how) return guest === true && username === how.guest;
    if ('params' in how) return guest === false && username === how.username;
    const token = await this.#tokens.get(how.token, 'start');
    this.#freshToken = token;
    return guest === false && subjectOf(token) === username;
  }

  async #resume(ticket: Ticket): Promise<Resume> {
    const resume = { ...ticket, last_seq: this.#lastSeq };
    const how = this.#how;
    if (this.#freshToken === undefined && this.#isExpired() && 'token' in how && typeof how.token === 'function') {
      this.#freshToken = await this.#tokens.get(how.token, 'renew');
    }
    if (this.#freshToken !== undefined) return { ...resume, auth_token: this.#freshToken };
    return this.#isExpired() && 'params' in how ? { ...resume, params: how.params } : resume;
  }

  async #start(): Promise<{ username?: string; credentials: WireCredentials }> {
    const how = this.#how;
    if (this.#accessToken !== undefined && !this.#isExpired()) return { credentials: { token: this.#accessToken } };
    if ('guest' in how) return { username: how.guest, credentials: { guest: {} } };
    if ('params' in how) return { username: how.username, credentials: { params: how.params } };
    if ('stored' in how)
      throw new StagedoorError('no_stored_session', 'this tab stored no session that can be continued');
    const token = this.#freshToken ?? (await this.#tokens.get(how.token, this.#reason));
    this.#freshToken = undefined;
    return { credentials: { token } };
  }

  #isExpired(): boolean {
    return this.#session !== undefined && this.serverNow() >= this.#session.expiresAtMs;
  }

  #setExpiry(expiresAtMs: number, accessToken: string | undefined, scopes: readonly string[]): void {
    this.#accessToken = accessToken ?? this.#accessToken;
    if (this.#session) {
      this.#session = Object.freeze({ ...this.#session, expiresAtMs, scopes });
    }
    this.persist();
  }
}
