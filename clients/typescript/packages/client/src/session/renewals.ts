// Renewals of the session: asks the program's handler, or the credentials that it gave to `start`. One at a time, and
// not before the gateway's `next_prompt_ms` once it was postponed.

import { Denied, StagedoorError } from '../core/errors.js';
import type { ErrorReporter } from '../core/observable.js';
import type { Tokens } from '../core/tokens.js';
import type { ReplyBody } from '../wire/commands.js';
import type { Renew } from '../wire/protocol.js';
import type { Renewal, SessionHandler } from './api.js';
import type { Credentials } from './credentials.js';

/** What renewals need of the session. */
export interface RenewalChannel {
  readonly report: ErrorReporter;
  isLive(): boolean;
  renew(body: Renew): Promise<void>;
  postpone(): Promise<ReplyBody<'postponed'>>;
  /** The program denied a token: the session ends. */
  denied(error: Denied): void;
}

/** The renewals of one manager. */
export class Renewals {
  readonly #channel: RenewalChannel;
  readonly #credentials: Credentials;
  readonly #tokens: Tokens;
  readonly #handler: SessionHandler | undefined;
  /** The running renewal; a session that ended makes it void. */
  #open: object | undefined;
  #notBeforeMs = 0;

  constructor(channel: RenewalChannel, credentials: Credentials, tokens: Tokens, handler: SessionHandler | undefined) {
    this.#channel = channel;
    this.#credentials = credentials;
    this.#tokens = tokens;
    this.#handler = handler;
  }

  /** The gateway asks for a renewal, or the token expired. */
  prompt(): void {
    if (this.#open || this.#credentials.serverNow() < this.#notBeforeMs) return;
    const renewal = {};
    this.#open = renewal;
    if (this.#handler) this.#askHandler(this.#handler, renewal);
    else void this.#finish(renewal, this.#renewByCredentials());
  }

  /** A resume renewed the session in the same step. */
  renewedByResume(): void {
    this.#open = undefined;
  }

  /** The session ended. */
  reset(): void {
    this.#open = undefined;
    this.#notBeforeMs = 0;
  }

  #askHandler(handler: SessionHandler, renewal: object): void {
    let isUsed = false;
    const once = (act: () => Promise<void>): void => {
      if (isUsed || this.#open !== renewal) return;
      isUsed = true;
      void this.#finish(renewal, act());
    };
    const methods: Renewal = {
      renew: () => {
        once(() => this.#renew({}));
      },
      renewWithAuthToken: (token) => {
        once(() => this.#renewWith(token));
      },
      unableToRetrieveAuthToken: () => {
        once(() => this.#postpone());
      },
    };
    const failed = (error: unknown): void => {
      this.#channel.report(error, 'sessionWillRenewAccessToken');
      methods.unableToRetrieveAuthToken();
    };
    try {
      Promise.resolve(handler.sessionWillRenewAccessToken(methods)).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  async #renewByCredentials(): Promise<void> {
    const { how } = this.#credentials;
    if ('params' in how) await this.#renew({ params: how.params });
    else if ('token' in how && typeof how.token === 'function')
      await this.#renewWith(await this.#tokens.get(how.token, 'renew'));
    else await this.#renew({});
  }

  /** While the connection is lost, the token goes into the next `resume`. */
  async #renewWith(token: string): Promise<void> {
    if (this.#channel.isLive()) await this.#renew({ auth_token: token });
    else this.#credentials.offer(token);
  }

  async #renew(body: Renew): Promise<void> {
    await this.#channel.renew(body);
    this.#notBeforeMs = 0;
  }

  async #postpone(): Promise<void> {
    const { next_prompt_ms } = await this.#channel.postpone();
    this.#notBeforeMs = next_prompt_ms;
  }

  async #finish(renewal: object, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (this.#open !== renewal) return;
      if (error instanceof Denied) this.#channel.denied(error);
      else if (error instanceof StagedoorError && error.outcome === 'refused') await this.#postponeAfter(error);
    } finally {
      if (this.#open === renewal) this.#open = undefined;
    }
  }

  /** The gateway refused the renewal: it asks again later. */
  async #postponeAfter(error: StagedoorError): Promise<void> {
    this.#channel.report(error, 'renew');
    // Past the maximum age of a session nothing can be postponed: the session expires.
    await this.#postpone().catch(() => undefined);
  }
}
