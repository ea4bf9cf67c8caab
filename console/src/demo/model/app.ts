// The page as a whole: which screen it shows, and what was chosen on the first one.

import type { Role } from '@stagedoor/client';
import { effect, signal } from '@preact/signals';
import { type DemoConfig, loadConfig } from './config.js';
import { Devices } from './devices.js';
import { FrameLog } from './frame-log.js';
import { type Invitation, onInvitation, takeInvitation } from './invitation.js';
import { roomToken } from './roles.js';
import { RoomSession } from './room-session.js';
import { type Sentence, sentenceOf, untilText } from './sentences.js';
import { Speakers } from './speakers.js';
import { clearStay, readStay, type Stay, writeStay } from './stay.js';

/** What the page shows. */
export type Screen =
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'entry' }
  | { readonly kind: 'entering' }
  | { readonly kind: 'room'; readonly session: RoomSession; readonly config: DemoConfig }
  | { readonly kind: 'left'; readonly why: Sentence; readonly draft: string };

/** The role on the first screen; `guest` is the default role of the app. */
export type ChosenRole = Role | 'guest';

/** The page. */
export class App {
  readonly screen = signal<Screen>({ kind: 'loading' });
  readonly devices = new Devices();
  readonly speakers = new Speakers();
  readonly frames = new FrameLog();
  readonly name = signal(suggestName());
  readonly room = signal('lobby');
  readonly role = signal<ChosenRole>('guest');
  readonly invitation = signal<Invitation | undefined>(undefined);
  readonly problem = signal<Sentence | undefined>(undefined);
  readonly isDevelopment = signal(false);
  readonly version = signal('');
  #config: DemoConfig | undefined;

  constructor() {
    const invitation = takeInvitation();
    if (invitation) this.#invite(invitation);
    onInvitation((pasted) => {
      // In a room it waits on the first screen.
      this.#invite(pasted);
    });
  }

  /** Loads the configuration; after a reload it enters the room again. */
  async start(): Promise<void> {
    this.screen.value = { kind: 'loading' };
    try {
      this.#config = await loadConfig();
    } catch (error) {
      this.screen.value = { kind: 'failed', why: error instanceof Error ? error.message : String(error) };
      return;
    }
    this.isDevelopment.value = this.#config.isDevelopment;
    this.version.value = this.#config.version;
    this.screen.value = { kind: 'entry' };
    if (this.#config.isDevelopment) this.#suggestRole();
    const stay = readStay();
    if (stay && !this.invitation.value) await this.#return(stay);
  }

  /** Enters the chosen room. */
  async enter(): Promise<void> {
    const config = this.#config;
    // The gateway takes names in this form alone.
    const name = this.name.value.trim().normalize('NFC');
    const room = (this.invitation.value?.room ?? this.room.value).trim();
    if (!config || this.screen.value.kind !== 'entry') return;
    if (name === '' || room === '') {
      this.problem.value = { what: 'A name and a room are needed.', todo: 'Fill in both fields.' };
      return;
    }
    this.problem.value = undefined;
    this.screen.value = { kind: 'entering' };
    try {
      const entry = { name, room, token: this.#tokenFor(room) };
      const session: RoomSession = new RoomSession(config, entry, this, (why) => {
        this.#left(why, session.chat.draft.value);
      });
      await session.enter(entry);
      writeStay({ name, room, role: this.role.value, invitation: this.invitation.value });
      this.screen.value = { kind: 'room', session, config };
      if (session.room.state.value.capabilities.publish) await session.publishing.start();
    } catch (error) {
      clearStay();
      this.problem.value = sentenceOf(error);
      this.screen.value = { kind: 'entry' };
    }
  }

  /** Leaves the room for the first screen. */
  async leave(): Promise<void> {
    const { value } = this.screen;
    if (value.kind !== 'room') return;
    clearStay();
    this.devices.close();
    this.screen.value = { kind: 'entry' };
    await value.session.leave();
  }

  /** Back to the first screen. */
  again(): void {
    this.problem.value = undefined;
    this.screen.value = { kind: 'entry' };
  }

  /** Forgets the invitation. */
  declineInvitation(): void {
    this.invitation.value = undefined;
    this.problem.value = undefined;
  }

  #left(why: Sentence, draft: string): void {
    clearStay();
    this.devices.close();
    this.screen.value = { kind: 'left', why, draft };
  }

  #invite(invitation: Invitation | 'unreadable'): void {
    if (invitation === 'unreadable') {
      this.problem.value = {
        what: 'The invitation in the address is damaged.',
        todo: 'Copy the whole link, or ask for a new one. You can also enter without it.',
      };
      return;
    }
    this.invitation.value = invitation;
    if (invitation.username !== undefined) this.name.value = invitation.username;
    if (invitation.expiresAtMs < Date.now()) {
      this.problem.value = {
        what: `The invitation expired: it was valid until ${untilText(invitation.expiresAtMs)}.`,
        todo: 'Ask for a new one, or enter without it.',
      };
    }
  }

  /** The first window moderates, so that there is something to moderate in the second one. */
  #suggestRole(): void {
    this.role.value = 'moderator';
    effect(() => {
      if (this.speakers.isSecond.value && this.role.peek() === 'moderator') this.role.value = 'publisher';
    });
  }

  #tokenFor(room: string): (() => Promise<string>) | string | undefined {
    const invitation = this.invitation.value;
    if (invitation) return invitation.token;
    const role = this.role.value;
    if (!this.#config?.isDevelopment || role === 'guest') return undefined;
    return async () => (await roomToken(room, role)).token;
  }

  async #return(stay: Stay): Promise<void> {
    this.name.value = stay.name;
    this.room.value = stay.room;
    this.role.value = stay.role;
    this.invitation.value = stay.invitation;
    await this.enter();
  }
}

function suggestName(): string {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  return NAMES[random % NAMES.length] ?? 'Ada';
}

const NAMES = ['Ada', 'Alan', 'Barbara', 'Donald', 'Edsger', 'Frances', 'Grace', 'Jean', 'Ken', 'Margaret', 'Radia'];
