// The wish to be in a room, and how it is fulfilled: the first join, and joining again in a new session.

import { Backoff } from '../core/backoff.js';
import { StagedoorError } from '../core/errors.js';
import type { TokenReason } from '../core/tokens.js';
import type { ReplyBody } from '../wire/commands.js';
import type { ErrorCode } from '../wire/protocol.js';
import type { MembershipStatus, RoomOptions } from './api.js';
import type { Channel, RequestOptions } from './channel.js';

/** What a membership reports to its room. */
export interface MembershipHandler {
  /** The status changed, other than by entering or leaving the room. */
  changed(status: MembershipStatus): void;
  /** The room was entered. Called before any later frame. */
  entered(joined: ReplyBody<'joined'>, isRejoin: boolean): void;
  /** The room could not be joined again. */
  refused(error: StagedoorError): void;
  /** The room was left by the program. */
  left(): void;
}

/** The membership of this client in one room. */
export class Membership {
  readonly #channel: Channel;
  readonly #room: string;
  readonly #handler: MembershipHandler;
  #options: Pick<RoomOptions<never>, 'token' | 'data'>;
  #status: MembershipStatus = 'out';
  #isWanted = false;
  #hasLeft = false;
  #isLeaving = false;
  #joining: Promise<void> | undefined;
  /** Grows with each loss of the membership: a rejoin of an earlier one stops. */
  #epoch = 0;

  constructor(
    channel: Channel,
    room: string,
    options: Pick<RoomOptions<never>, 'token' | 'data'>,
    handler: MembershipHandler,
  ) {
    this.#channel = channel;
    this.#room = room;
    this.#options = options;
    this.#handler = handler;
  }

  get status(): MembershipStatus {
    return this.#status;
  }

  get isWanted(): boolean {
    return this.#isWanted;
  }

  /** Changes how the room is joined next time. */
  configure(options: Pick<RoomOptions<never>, 'token' | 'data'>): void {
    this.#options = options;
  }

  /** Joins the room; concurrent calls are one. */
  join(options: RequestOptions): Promise<void> {
    if (this.#joining) return this.#joining;
    if (this.#isWanted && (this.#status === 'in' || this.#status === 'suspended')) return Promise.resolve();
    this.#isWanted = true;
    this.#hasLeft = false;
    this.#setStatus('joining');
    const joining = this.#channel.within(this.#firstJoin(options), options).catch((error: unknown) => {
      if (this.#joining === joining) this.#withdraw();
      throw error;
    });
    this.#joining = joining;
    const finish = (): void => {
      if (this.#joining === joining) this.#joining = undefined;
    };
    joining.then(finish, finish);
    return joining;
  }

  /** Leaves the room. */
  async leave(options: RequestOptions): Promise<void> {
    if (!this.#isWanted && this.#status === 'out') return;
    const mayBeIn = this.#status !== 'removed' && this.#status !== 'ended';
    this.#isWanted = false;
    this.#hasLeft = true;
    this.#joining = undefined;
    this.#epoch += 1;
    this.#setStatus('out');
    this.#channel.release(this.#room);
    this.#handler.left();
    if (mayBeIn) await this.#sendLeave(options);
  }

  /** The gateway ended the membership. */
  ended(status: 'removed' | 'ended' | 'out'): void {
    this.#isWanted = false;
    this.#epoch += 1;
    this.#setStatus(status);
    this.#channel.release(this.#room);
  }

  /** The connection was lost; the membership goes on. */
  suspend(): void {
    if (this.#status === 'in') this.#setStatus('suspended');
  }

  /** The session was resumed. */
  resumed(): void {
    if (this.#status === 'suspended') this.#setStatus('in');
  }

  /** All missed frames of a resumed session arrived, and it is in this room or not. */
  reconcile(isMember: boolean): void {
    if (isMember && this.#hasLeft && !this.#isWanted) this.#leaveQuietly();
    if (!isMember && this.#status === 'in') this.rejoin();
  }

  /** The session is new: the room is joined again if it is wanted. */
  rejoin(): void {
    this.#hasLeft = false;
    // A first join goes on by itself.
    if (!this.#isWanted || this.#joining) return;
    this.#epoch += 1;
    this.#setStatus('joining');
    this.#channel.hold(this.#room);
    const epoch = this.#epoch;
    void this.#rejoin(epoch).finally(() => {
      if (epoch === this.#epoch) this.#channel.release(this.#room);
    });
  }

  async #firstJoin(options: RequestOptions): Promise<void> {
    await this.#channel.needSession();
    for (;;) {
      try {
        await this.#ask('start', options, false);
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
        await this.#ask('reauth', {}, true);
        return;
      } catch (thrown) {
        if (epoch !== this.#epoch) return;
        const error = thrown instanceof StagedoorError ? thrown : new StagedoorError('stopped', String(thrown));
        const canAskAgain = typeof this.#options.token === 'function' && TOKEN_CODES.has(error.code);
        if (canAskAgain && freshTokens < MAX_FRESH_TOKENS) freshTokens += 1;
        else if (!TEMPORARY_CODES.has(error.code)) {
          this.ended('out');
          this.#handler.refused(error);
          return;
        }
        await this.#channel.sleep(backoff.next(error.retryAfterMs));
      }
    }
  }

  async #ask(reason: TokenReason, options: RequestOptions, isRejoin: boolean): Promise<void> {
    const { token: source, data } = this.#options;
    const token = source === undefined ? undefined : await this.#channel.token(source, reason);
    if (!this.#isWanted) return;
    const join = { room: this.#room, ...(token !== undefined && { token }), ...(data !== undefined && { data }) };
    await this.#channel.call({ join }, 'joined', {
      ...options,
      room: this.#room,
      isUrgent: true,
      onReply: (body) => {
        if (!this.#isWanted) {
          if (!this.#isLeaving) this.#leaveQuietly();
          return;
        }
        this.#status = 'in';
        this.#handler.entered(body, isRejoin);
      },
      onLate: () => {
        this.#enteredLate();
      },
    });
  }

  /** The token of the room will expire: the room is joined again with a new one. */
  renewToken(): void {
    if (typeof this.#options.token !== 'function' || this.#status !== 'in') return;
    this.#ask('renew', {}, true).catch((error: unknown) => {
      this.#channel.report(error, 'room token');
    });
  }

  /** A join took effect after its caller gave up: the room is left again. */
  #enteredLate(): void {
    if (this.#isWanted) this.rejoin();
    else this.#leaveQuietly();
  }

  #leaveQuietly(): void {
    this.#sendLeave({}).catch((error: unknown) => {
      this.#channel.report(error, 'leave');
    });
  }

  #withdraw(): void {
    this.#isWanted = false;
    // A join that was sent may still take effect.
    this.#hasLeft = true;
    if (this.#status === 'joining') this.#setStatus('out');
  }

  async #sendLeave(options: RequestOptions): Promise<void> {
    this.#isLeaving = true;
    try {
      await this.#channel.call({ leave: { room: this.#room } }, 'left', { ...options, room: this.#room });
    } catch (error) {
      if (!(error instanceof StagedoorError) || !GONE_CODES.has(error.code)) throw error;
    } finally {
      this.#isLeaving = false;
    }
  }

  #setStatus(status: MembershipStatus): void {
    if (this.#status === status) return;
    this.#status = status;
    this.#handler.changed(status);
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
const TOKEN_CODES: ReadonlySet<AnyCode> = new Set<ErrorCode>([
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
  'stopped',
  'connection_lost',
]);

/** How many new tokens a rejoin asks for. */
const MAX_FRESH_TOKENS = 3;
