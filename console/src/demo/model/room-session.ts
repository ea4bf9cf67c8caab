// One stay in a room: session, room, chat, moderation and frames, from entering until leaving.

import {
  type Actor,
  type FeedEntry,
  type Participant,
  type ParticipantId,
  type Room,
  type RoomEvents,
  SessionManager,
  type Stream,
  type TokenSource,
} from '@stagedoor/client';
import type { MediaOptions } from '@stagedoor/client/webrtc';
import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import { clamp } from '../../ui/clamp.js';
import { follow } from '../../ui/observe.js';
import { Chat, type DemoSignals, parseChat } from './chat.js';
import type { DemoConfig } from './config.js';
import type { Devices } from './devices.js';
import type { FrameLog } from './frame-log.js';
import { ModerationLog } from './moderation-log.js';
import { Publishing } from './publishing.js';
import { roleName } from './roles.js';
import { Explained, isolate, NEW_INVITATION, reasonText, type Sentence, sentenceOf, untilText } from './sentences.js';
import type { Speakers } from './speakers.js';
import { Watching } from './watching.js';

/** How a room is entered. */
export interface Entry {
  readonly name: string;
  readonly room: string;
  readonly token: TokenSource | undefined;
}

/** What a window has in every room. */
export interface WindowParts {
  readonly devices: Devices;
  readonly frames: FrameLog;
  readonly speakers: Speakers;
}

/** A person in the roster. */
export interface Person {
  readonly participant: Participant;
  readonly isMe: boolean;
  /** Whether another person has the same name. */
  readonly isNamesake: boolean;
  readonly streams: readonly Stream[];
}

/** A stay in a room. */
export class RoomSession {
  readonly manager: SessionManager;
  readonly room: Room<DemoSignals>;
  readonly chat: Chat;
  readonly log = new ModerationLog();
  readonly publishing: Publishing;
  readonly watching: Watching;
  readonly session;
  readonly user;
  readonly connection;
  readonly state;
  readonly people: ReadonlySignal<readonly Person[]>;
  /** Who of the moderators asks to turn the microphone on. */
  readonly unmuteRequest = signal<string | undefined>(undefined);
  /** The sessions of the room; undefined for those who do not moderate. */
  readonly feed = signal<ReadonlyMap<ParticipantId, FeedEntry> | undefined>(undefined);
  readonly frames: FrameLog;
  readonly #names = new Map<ParticipantId, string>();
  readonly #ended = new AbortController();
  readonly #onEnd: (why: Sentence) => void;
  #isJoined = false;
  #sessionId: string | undefined;
  /** Why the former session is gone, once there is a new one. */
  #lostBy: number | string | undefined;

  constructor(config: DemoConfig, entry: Entry, window: WindowParts, onEnd: (why: Sentence) => void) {
    const { devices, frames, speakers } = window;
    this.#onEnd = onEnd;
    this.frames = frames;
    this.manager = new SessionManager({
      url: config.url,
      app: config.app,
      client: { name: 'stagedoor-demo', version: '1' },
      startTimeoutMs: START_TIMEOUT_MS,
      onFrame: (frame) => {
        frames.add(frame);
      },
      onListenerError: (error) => {
        console.warn(error);
      },
    });
    this.room = this.manager.room<DemoSignals>(entry.room, { token: entry.token, signals: { chat: parseChat } });
    const { signal: until } = this.#ended;
    this.session = follow(this.manager.state, until);
    this.user = follow(this.manager.session, until);
    this.connection = follow(this.manager.connection, until);
    this.state = follow(this.room.state, until);
    const participants = follow(this.room.participants, until);
    const streams = follow(this.room.streams, until);
    this.people = computed(() => peopleOf(participants.value, streams.value, this.state.value.me?.id));
    this.chat = new Chat(this.room, () => this.user.value?.user.username ?? entry.name, until);
    const media: MediaOptions = {
      configuration: { iceServers: [...config.iceServers] },
      onError: (error) => {
        console.warn(error);
      },
    };
    this.publishing = new Publishing(this.room, devices, media, until);
    const mayWatch = computed(() => this.state.value.capabilities.subscribe);
    this.watching = new Watching(this.room, this.people, mayWatch, speakers.element, media, until);
    this.#listen(until);
  }

  /**
   * Starts the session and joins the room; after a reload it continues the session of this tab. Rejects with what
   * prevented it.
   */
  async enter({ name }: Entry): Promise<void> {
    try {
      const started = await this.manager.start({ guest: name });
      if (started.failed) throw this.#whyRejected() ?? started.error;
      this.#sessionId = started.session.id;
      await this.room.join();
    } catch (error) {
      this.#ended.abort();
      void this.manager.stop();
      throw error;
    }
    this.#isJoined = true;
  }

  /** Leaves the room and ends the session. */
  async leave(): Promise<void> {
    this.#isJoined = false;
    this.#ended.abort();
    await this.manager.stop();
  }

  /** The name of a participant who is or was here. */
  nameOf(id: ParticipantId): string | undefined {
    return this.room.participants.value.get(id)?.username ?? this.#names.get(id);
  }

  /** The name of the owner of a stream, or of a participant. */
  targetName(id: string): string | undefined {
    const owner = this.room.streams.value.get(id)?.participant;
    return this.nameOf(owner ?? id);
  }

  #actor(by: Actor): string {
    return 'participant' in by ? (this.nameOf(by.participant) ?? 'A moderator') : 'The server';
  }

  #listen(until: AbortSignal): void {
    const { room, chat } = this;
    const on = <K extends keyof RoomEvents<DemoSignals>>(
      type: K,
      fn: (event: RoomEvents<DemoSignals>[K]) => void,
    ): void => {
      room.on(type, fn, { signal: until });
    };
    on('joined', ({ isRejoin }) => {
      for (const { id, username } of room.participants.value.values()) this.#remember(id, username);
      const isAlone = room.participants.value.size === 1;
      chat.notice(isRejoin ? this.#whyBack() : isAlone ? ALONE : 'You entered the room.');
    });
    on('participantJoined', ({ participant }) => {
      this.#remember(participant.id, participant.username);
      if (this.#isJoined && !this.#isReturning) chat.notice('entered.', participant.username);
    });
    on('participantLeft', ({ participant, reason }) => {
      if (!this.#isReturning) chat.notice(LEAVE_REASONS[reason] ?? 'left.', participant.username);
    });
    on('participantChanged', ({ participant, previous }) => {
      const { username, link, role } = participant;
      if (link !== previous.link) {
        chat.notice(link === 'suspended' ? 'lost the connection and may return.' : 'is back.', username);
      }
      if (role !== previous.role) chat.notice(`has another role now: ${roleName(role)}.`, username);
    });
    on('unmuteRequested', ({ by }) => {
      this.unmuteRequest.value = this.#actor(by);
    });
    on('mute', ({ active, lock, by, stream, participant }) => {
      const me = room.state.value.me?.id;
      const owner = stream === undefined ? participant : room.streams.value.get(stream)?.participant;
      const actor = this.#actor(by);
      if (owner === undefined) {
        const all = active ? `muted everyone${lock ? ' and locked it' : ''}` : 'ended the mute of the room';
        chat.notice(`${all}.`, actor);
      } else if (owner === me) {
        const text = active ? `muted you${lock ? ' and locked it' : ''}` : 'lifted your mute: you may talk again';
        chat.notice(`${text}.`, actor);
        if (active) this.unmuteRequest.value = undefined;
      }
    });
    on('left', (event) => {
      if (event.why === 'left' || !this.#isJoined) return;
      // The end of the session says more.
      if (event.why === 'stopped') return;
      this.#end(this.#whyLeft(event));
    });
    const stopEnd = effect(() => {
      const { state, code, reason, untilMs } = this.session.value;
      if (state === 'establishing') this.#lostBy = code;
      // A session that was lost is replaced by a new one, unless the client gave up.
      const isOver = state === 'terminated' || (state === 'notLoggedIn' && this.connection.value.status === 'idle');
      if (isOver) this.#end(whySessionEnded(String(reason ?? code ?? ''), code, untilMs));
    });
    until.addEventListener('abort', stopEnd);
    const stopFeed = this.#followFeed();
    until.addEventListener('abort', stopFeed);
  }

  /** Follows the session feed while this participant moderates. */
  #followFeed(): () => void {
    const mayModerate = computed(
      () =>
        this.state.value.capabilities.moderate && ['in', 'joining', 'suspended'].includes(this.state.value.membership),
    );
    return effect(() => {
      if (!mayModerate.value) {
        this.feed.value = undefined;
        return undefined;
      }
      const controller = new AbortController();
      this.room.moderation.feed({ signal: controller.signal }).subscribe(
        (entries) => {
          this.feed.value = entries;
        },
        { signal: controller.signal },
      );
      return () => {
        controller.abort();
      };
    });
  }

  #remember(id: ParticipantId, username: string): void {
    this.#names.set(id, username);
    const [oldest] = this.#names.keys();
    if (this.#names.size > MAX_NAMES && oldest !== undefined) this.#names.delete(oldest);
  }

  /** Why a banned user gets no session: the state has the reason and the end of the ban. */
  #whyRejected(): Explained | undefined {
    const { state, code, reason, untilMs } = this.manager.state.value;
    if (state !== 'terminated') return undefined;
    return new Explained(whySessionEnded(reason ?? '', code, untilMs));
  }

  /** Whether the roster is that of a new session: it says nothing of who left and who entered. */
  get #isReturning(): boolean {
    return this.manager.get()?.id !== this.#sessionId;
  }

  /** Why the room was entered again. */
  #whyBack(): string {
    if (!this.#isReturning) return 'You are in the room again.';
    this.#sessionId = this.manager.get()?.id;
    const why = LOSSES[String(this.#lostBy)] ?? 'Your session ended.';
    return `${why} You are in the room again, as the same guest.`;
  }

  #whyLeft({ why, by, reason, untilMs, error }: RoomEvents<DemoSignals>['left']): Sentence {
    if (error?.code === 'token_invalid' && this.#lostBy === 4401) {
      return { what: 'The gateway was restarted and does not accept this invitation any more.', todo: NEW_INVITATION };
    }
    if (error) return sentenceOf(error);
    if (why === 'ended')
      return { what: 'A moderator ended this room.', todo: 'Enter another room, or this one again.' };
    const actor = by ? this.#actor(by) : 'A moderator';
    const because = reasonText(reason);
    const isBlocked = untilMs !== undefined && untilMs > Date.now();
    return {
      what: `${isolate(actor)} removed you from the room.${because}`,
      todo: isBlocked ? `You may return after ${untilText(untilMs)}.` : 'You may enter again.',
    };
  }

  #end(why: Sentence): void {
    if (!this.#isJoined) return;
    this.#isJoined = false;
    this.#ended.abort();
    void this.manager.stop();
    this.#onEnd(why);
  }
}

function peopleOf(
  participants: ReadonlyMap<ParticipantId, Participant>,
  streams: ReadonlyMap<string, Stream>,
  me: ParticipantId | undefined,
): readonly Person[] {
  const names = new Map<string, number>();
  for (const { username } of participants.values()) names.set(username, (names.get(username) ?? 0) + 1);
  const byOwner = new Map<ParticipantId, Stream[]>();
  for (const stream of streams.values()) {
    byOwner.set(stream.participant, [...(byOwner.get(stream.participant) ?? []), stream]);
  }
  return [...participants.values()]
    .map((participant) => ({
      participant,
      isMe: participant.id === me,
      isNamesake: (names.get(participant.username) ?? 0) > 1,
      streams: byOwner.get(participant.id) ?? [],
    }))
    .sort((a, b) => rank(a) - rank(b) || a.participant.username.localeCompare(b.participant.username));
}

function rank({ isMe, participant }: Person): number {
  return isMe ? 0 : participant.role === 'moderator' ? 1 : 2;
}

function whySessionEnded(reason: string, code: number | string | undefined, untilMs: number | undefined): Sentence {
  const until = untilMs === undefined ? '' : ` The ${code === BANNED ? 'ban' : 'block'} ends at ${untilText(untilMs)}.`;
  const known = typeof code === 'number' ? ENDS[code] : undefined;
  if (known) return { what: `${known.what}${reasonText(reason)}`, todo: `${known.todo}${until}` };
  return { what: `Your session ended: ${clamp(reason, 200)}.`, todo: `Enter the room again.${until}` };
}

const BANNED = 4011;

const ENDS: Partial<Record<number, Sentence>> = {
  4003: { what: 'The gateway does not know this session any more: it was restarted.', todo: 'Enter the room again.' },
  4010: { what: 'You were removed from the app.', todo: 'Ask its operator when you may return.' },
  4011: { what: 'You are banned from this app.', todo: 'Ask its operator.' },
  4013: { what: 'This session continues in another window.', todo: 'Use that window, or enter again here.' },
  4015: { what: 'An operator ended your session.', todo: 'You may enter again.' },
};

/** Who presses “Enter” does not wait longer for a gateway that is away. */
const START_TIMEOUT_MS = 8_000;

const ALONE = 'You entered the room and are alone: open this page in a second window to have a person to talk to.';

/** Why a session was replaced by a new one, by its close code. */
const LOSSES: Partial<Record<string, string>> = {
  4400: 'The connection was away for too long.',
  4003: 'The gateway was restarted.',
  4401: 'The gateway was restarted.',
};

const LEAVE_REASONS: Partial<Record<string, string>> = {
  force_disconnected: 'was removed by a moderator.',
  banned: 'was banned.',
  network_lost: 'did not return in time.',
  token_expired: 'left: the token expired.',
};

/** Names of participants who left are remembered for receipts. */
const MAX_NAMES = 1_000;
