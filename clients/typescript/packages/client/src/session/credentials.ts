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
  /** How the program started the session. */
  how: StartWith = { stored: true };
  /** The session, or the last one. */
  session: Session | undefined;
  /** The highest `seq` received. */
  lastSeq = 0;
  readonly #config: Config;
  readonly #storage: Storage<Session>;
  readonly #instance: Instance;
  readonly #tokens: Tokens;
  #instanceId: string | undefined;
  /** Resumes the session; absent if it cannot be resumed. */
  #secret: string | undefined;
  /** The session of a sibling: this page is a duplicate, and was started by a copy of its storage. */
  #sibling: Ticket | undefined;
  #accessToken: string | undefined;
  #reason: TokenReason = 'start';
  #freshToken: string | undefined;
  #clockOffsetMs = 0;

  constructor(config: Config, storage: Storage<Session>, instance: Instance, tokens: Tokens) {
    this.#config = config;
    this.#storage = storage;
    this.#instance = instance;
    this.#tokens = tokens;
  }

  /** What resumes the session, if it can be resumed. */
  get ticket(): Ticket | undefined {
    const [session, secret] = [this.session?.id, this.#secret];
    return session !== undefined && secret !== undefined ? { session, secret } : undefined;
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
    this.how = how;
    this.#secret = this.#sibling = this.#accessToken = this.session = this.#freshToken = undefined;
    this.lastSeq = 0;
    this.#reason = 'start';
  }

  /** Takes the client instance, and what the tab stored for it. */
  async acquire(): Promise<void> {
    const record = this.#storage.read();
    const former = this.#instanceId;
    const { id, isOwner } = await this.#instance.acquire(former ?? record?.instance);
    if (former !== undefined && former !== id) {
      this.#sibling = this.ticket;
      // An access token is bound to its instance.
      this.#secret = this.#accessToken = undefined;
      this.lastSeq = 0;
    }
    this.#instanceId = id;
    if (!this.session && record && (former === undefined || 'stored' in this.how)) await this.#restore(record, isOwner);
  }

  /** The first message of the next connection. Rejects with `Denied` if a token function does. */
  async opening(): Promise<Opening> {
    const { ticket } = this;
    if (ticket) return { resume: { ...ticket, last_seq: this.lastSeq, ...(await this.#freshCredentials()) } };
    const { app, client } = this.#config;
    const start = {
      app,
      instance: this.#instanceId ?? '',
      ...(await this.#startCredentials()),
      ...(client && { client: { ...client } }),
      ...(this.#sibling && { previous: { ...this.#sibling, keep: true } }),
    };
    return { start };
  }

  /** A session was started. */
  started({ session, access_token, resume, server, scopes }: Started): void {
    this.setClock(server.time_ms);
    this.#sibling = undefined;
    const { username, guest, name, properties } = session.user;
    this.session = {
      id: session.id,
      instance: session.instance,
      user: Object.freeze({
        username,
        guest,
        name: name ?? undefined,
        properties: (properties ?? undefined) as Session['user']['properties'],
      }),
      expiresAtMs: 0,
      scopes,
    };
    this.#opened(resume.secret, session.expires_at_ms, scopes, access_token);
  }

  /** The session was resumed. */
  resumed({ access_token, expires_at_ms, resume, scopes }: Resumed): void {
    this.#opened(resume.secret, expires_at_ms, scopes, access_token);
  }

  /** The session was renewed. */
  renewed({ access_token, expires_at_ms, scopes }: Renewed): void {
    this.#setExpiry(expires_at_ms, scopes, access_token);
  }

  /** A frame with this number was received. Returns false if it was received before. */
  received(seq: number): boolean {
    if (seq <= this.lastSeq) return false;
    this.lastSeq = seq;
    return true;
  }

  /** A new token of the program, for the next resume. */
  offer(token: string): void {
    this.#freshToken = token;
  }

  /** The session is gone; with `isRevoked` its access token is void too. */
  sessionLost(isRevoked: boolean): void {
    this.#secret = undefined;
    this.lastSeq = 0;
    if (isRevoked) this.#accessToken = this.#freshToken = undefined;
    this.persist();
  }

  /** Whether the access token can start a session. */
  get hasAccess(): boolean {
    return this.#accessToken !== undefined && !this.#isExpired;
  }

  /** Whether a new session can be started without the program. */
  canRestart(): boolean {
    const { how } = this;
    return this.hasAccess || !('stored' in how || ('token' in how && typeof how.token === 'string'));
  }

  /** Stores what the next page of this tab needs. */
  persist(): void {
    const instance = this.#instanceId;
    if (instance === undefined) return;
    const { session, lastSeq } = this;
    this.#storage.write({ instance, session, secret: this.#secret, lastSeq, accessToken: this.#accessToken });
  }

  /** The program ended the session: nothing of it remains, except the client instance. */
  clear(): void {
    this.#secret = this.#accessToken = this.session = this.#freshToken = undefined;
    this.persist();
  }

  async #restore(record: StoredSession<Session>, isOwner: boolean): Promise<void> {
    const { session, secret } = record;
    if (!session || !(await this.#isSameUser(session))) return;
    if (isOwner) {
      this.session = session;
      this.#secret = secret;
      this.lastSeq = record.lastSeq ?? 0;
      if ('stored' in this.how) this.#accessToken = record.accessToken;
    } else if (secret !== undefined) {
      this.#sibling = { session: session.id, secret };
    }
  }

  /** Whether the stored session is of the user that the program starts now. */
  async #isSameUser({ user: { username, guest } }: Session): Promise<boolean> {
    const { how } = this;
    if ('stored' in how) return true;
    if ('guest' in how) return guest && username === how.guest;
    if ('params' in how) return !guest && username === how.username;
    this.#freshToken = await this.#tokens.get(how.token, 'start');
    return !guest && subjectOf(this.#freshToken) === username;
  }

  /** What renews an expired session in the same step as the resume. */
  async #freshCredentials(): Promise<{ auth_token?: string } | { params?: unknown }> {
    const { how } = this;
    if (this.#isExpired && this.#freshToken === undefined && 'token' in how && typeof how.token === 'function') {
      this.#freshToken = await this.#tokens.get(how.token, 'renew');
    }
    if (this.#freshToken !== undefined) return { auth_token: this.#freshToken };
    return this.#isExpired && 'params' in how ? { params: how.params } : {};
  }

  async #startCredentials(): Promise<{ username?: string; credentials: WireCredentials }> {
    const { how } = this;
    if (this.hasAccess) return { credentials: { token: this.#accessToken ?? '' } };
    if ('guest' in how) return { username: how.guest, credentials: { guest: {} } };
    if ('params' in how) return { username: how.username, credentials: { params: how.params } };
    if ('stored' in how)
      throw new StagedoorError('no_stored_session', 'this tab stored no session that can be continued');
    const token = this.#freshToken ?? (await this.#tokens.get(how.token, this.#reason));
    this.#freshToken = undefined;
    return { credentials: { token } };
  }

  get #isExpired(): boolean {
    return this.session !== undefined && this.serverNow() >= this.session.expiresAtMs;
  }

  #opened(
    secret: string,
    expiresAtMs: number,
    scopes: readonly string[],
    accessToken: string | null | undefined,
  ): void {
    this.#reason = 'reauth';
    this.#freshToken = undefined;
    this.#secret = secret;
    this.#setExpiry(expiresAtMs, scopes, accessToken);
  }

  #setExpiry(expiresAtMs: number, scopes: readonly string[], accessToken: string | null | undefined): void {
    this.#accessToken = accessToken ?? this.#accessToken;
    if (this.session) this.session = Object.freeze({ ...this.session, expiresAtMs, scopes });
    this.persist();
  }
}
