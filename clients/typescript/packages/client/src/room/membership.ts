// The wish to be in a room, and how it is fulfilled: the first join, and joining again in a new session.

import { Backoff } from '../core/backoff.js';
import { asStagedoorError, StagedoorError } from '../core/errors.js';
import type { TokenReason } from '../core/tokens.js';
import type { ReplyBody } from '../wire/commands.js';
import type { MembershipStatus, RoomOptions } from './api.js';
import type { Channel, RequestOptions } from './channel.js';
import type { RoomEvents } from './events.js';

/** How a room is joined. */
export type JoinOptions = Pick<RoomOptions<never>, 'token' | 'data'>;
/** Why a room was left. */
export type LeaveEvent = RoomEvents<object>['left'];

/** What a membership reports to its room. */
export interface MembershipHandler {
  /** The status changed, other than by entering or leaving the room. */
  changed(): void;
  /** The room was entered. Called before any later frame. */
  entered(joined: ReplyBody<'joined'>, isRejoin: boolean): void;
  /** The room was left. */
  left(event: LeaveEvent): void;
}

/** The membership of this client in one room. */
export class Membership {
  status: MembershipStatus = 'out';
  readonly #channel: Channel;
  readonly #options: () => JoinOptions;
  readonly #handler: MembershipHandler;
  #isWanted = false;
  #hasLeft = false;
  #isLeaving = false;
  #joining: Promise<void> | undefined;
  /** Grows with each loss of the membership: a rejoin of an earlier one stops. */
  #epoch = 0;

  constructor(channel: Channel, options: () => JoinOptions, handler: MembershipHandler) {
    this.#channel = channel;
    this.#options = options;
    this.#handler = handler;
  }

  /** Joins the room; concurrent calls are one. */
  join(options: RequestOptions = {}): Promise<void> {
    if (this.#joining) return this.#joining;
    if (this.#isWanted && (this.status === 'in' || this.status === 'suspended')) return Promise.resolve();
    this.#isWanted = true;
    this.#hasLeft = false;
    this.#setStatus('joining');
    const joining = this.#channel
      .within(this.#firstJoin(options), options)
      .catch((error: unknown) => {
        if (this.#joining === joining) this.#withdraw();
        throw error;
      })
      .finally(() => {
        if (this.#joining === joining) this.#joining = undefined;
      });
    this.#joining = joining;
    return joining;
  }

  /** Leaves the room. */
  async leave(options?: RequestOptions): Promise<void> {
    if (this.#isOut) return;
    const mayBeIn = this.status !== 'removed' && this.status !== 'ended';
    this.#hasLeft = true;
    this.end('out', { why: 'left' });
    if (mayBeIn) await this.#sendLeave(options);
  }

  /** The session ended. */
  stopped(): void {
    if (!this.#isOut) this.end('out', { why: 'stopped' });
  }

  /** The membership is over. */
  end(status: 'removed' | 'ended' | 'out', event: LeaveEvent): void {
    this.#isWanted = false;
    this.#joining = undefined;
    this.#epoch += 1;
    this.status = status;
    this.#channel.release();
    this.#handler.left(event);
  }

  /** The connection was lost; the membership goes on. */
  suspend(): void {
    if (this.status === 'in') this.#setStatus('suspended');
  }

  /** The session was resumed. */
  resumed(): void {
    if (this.status === 'suspended') this.#setStatus('in');
  }

  /** All missed frames of a resumed session arrived, and it is in this room or not. */
  reconcile(isMember: boolean): void {
    if (isMember && this.#hasLeft && !this.#isWanted) this.#leaveQuietly();
    if (!isMember && this.status === 'in') this.rejoin();
  }

  /** The session is new: the room is joined again if it is wanted. */
  rejoin(): void {
    this.#hasLeft = false;
    // A first join goes on by itself.
    if (!this.#isWanted || this.#joining) return;
    const epoch = (this.#epoch += 1);
    this.#channel.hold();
    this.#setStatus('joining');
    void this.#rejoin(epoch).finally(() => {
      if (epoch === this.#epoch) this.#channel.release();
    });
  }

  /** The token of the room will expire: the room is joined again with a new one. */
  renewToken(): void {
    if (typeof this.#options().token !== 'function' || this.status !== 'in') return;
    this.#channel.inBackground(this.#ask('renew', true), 'room token');
  }

  get #isOut(): boolean {
    return !this.#isWanted && this.status === 'out';
  }

  async #firstJoin(options: RequestOptions): Promise<void> {
    await this.#channel.needSession();
    for (;;) {
      try {
        await this.#ask('start', false, options);
        break;
      } catch (error) {
        // The session was replaced by a new one, which is not in the room.
        if (!this.#isWanted || !(error instanceof StagedoorError) || error.code !== 'connection_lost') throw error;
      }
    }
    if (!this.#isWanted) throw new StagedoorError('stopped', 'the room was left', { outcome: 'refused' });
  }

  async #rejoin(epoch: number): Promise<void> {
    const backoff = new Backoff(Math.random);
    for (let freshTokens = 0; epoch === this.#epoch;) {
      try {
        await this.#ask('reauth', true);
        return;
      } catch (thrown) {
        if (epoch !== this.#epoch) return;
        const error = asStagedoorError(thrown, 'stopped');
        const canAskAgain = typeof this.#options().token === 'function' && TOKEN_CODES.has(error.code);
        if (canAskAgain && freshTokens < MAX_FRESH_TOKENS) freshTokens += 1;
        else if (!TEMPORARY_CODES.has(error.code)) {
          this.end('out', { why: 'refused', error });
          return;
        }
        await this.#channel.sleep(backoff.next(error.retryAfterMs));
      }
    }
  }

  async #ask(reason: TokenReason, isRejoin: boolean, options?: RequestOptions): Promise<void> {
    const { token: source, data } = this.#options();
    const token = source === undefined ? undefined : await this.#channel.token(source, reason);
    if (!this.#isWanted) return;
    await this.#channel.call('join', { room: this.#channel.room, token, data }, 'joined', {
      ...options,
      isUrgent: true,
      onReply: (body) => {
        if (this.#isWanted) {
          this.status = 'in';
          this.#handler.entered(body, isRejoin);
        } else if (!this.#isLeaving) {
          this.#leaveQuietly();
        }
      },
      // The caller gave up before: the room is left again.
      onLate: () => {
        if (this.#isWanted) this.rejoin();
        else this.#leaveQuietly();
      },
    });
  }

  #leaveQuietly(): void {
    this.#channel.inBackground(this.#sendLeave(), 'leave');
  }

  #withdraw(): void {
    this.#isWanted = false;
    // A join that was sent may still take effect.
    this.#hasLeft = true;
    if (this.status === 'joining') this.#setStatus('out');
  }

  async #sendLeave(options?: RequestOptions): Promise<void> {
    this.#isLeaving = true;
    try {
      await this.#channel.call('leave', { room: this.#channel.room }, 'left', options);
    } catch (error) {
      if (!(error instanceof StagedoorError) || !GONE_CODES.has(error.code)) throw error;
    } finally {
      this.#isLeaving = false;
    }
  }

  #setStatus(status: MembershipStatus): void {
    if (this.status === status) return;
    this.status = status;
    this.#handler.changed();
  }
}

type AnyCode = StagedoorError['code'];

/** A later attempt may succeed. */
const TEMPORARY_CODES: ReadonlySet<AnyCode> = new Set<AnyCode>([
  'rate_limited',
  'overloaded',
  'draining',
  'engine_unavailable',
  'too_many_requests_in_flight',
  'auth_unavailable',
  'connection_lost',
  'deadline',
]);

/** A new room token may be accepted. */
const TOKEN_CODES: ReadonlySet<AnyCode> = new Set<AnyCode>([
  'room_ended',
  'token_expired',
  'token_invalid',
  'token_revoked',
  'token_used',
]);

/** The session is not in the room any more: it has left. */
const GONE_CODES: ReadonlySet<AnyCode> = new Set<AnyCode>([
  'not_in_room',
  'session_ended',
  'no_active_session',
  'connection_lost',
]);

/** How many new tokens a rejoin asks for. */
const MAX_FRESH_TOKENS = 3;
