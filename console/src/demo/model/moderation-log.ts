// The moderation commands of this window, each with its receipts and their times. Bounded.

import type { Action, Receipts, RequestOptions } from '@stagedoor/client';
import { signal } from '@preact/signals';
import { newRef } from './ref.js';
import { type Effect, effectOf, type Sentence, sentenceOf } from './sentences.js';

/** What a command does, for people. */
export interface ActionTitle {
  /** Such as `Mute` or `Lock the room`. */
  readonly verb: string;
  /** The name of the user it concerns. */
  readonly user?: string | undefined;
  /** Such as `and lock`. */
  readonly detail?: string | undefined;
}

/** A message about a command. */
export interface Step {
  /** When it arrived, in milliseconds since the command was sent. */
  readonly arrivedMs: number;
  readonly kind: 'accepted' | Outcome | 'ended' | Effect;
  readonly text: string;
  /** Targets that are named in the receipt. */
  readonly targets: readonly { readonly id: string; readonly outcome: Outcome }[];
}

type Outcome = keyof Receipts['counts'];

/** A command with its receipts. */
export interface LoggedAction {
  readonly key: number;
  readonly atMs: number;
  readonly title: ActionTitle;
  readonly steps: readonly Step[];
  readonly status: 'waiting' | 'accepted' | 'settled' | 'failed';
  readonly error: Sentence | undefined;
  /** Repeats a command whose outcome is unknown: it has no second effect. */
  readonly repeat: (() => void) | undefined;
}

/** Sends a command. */
export type Command = (options: RequestOptions) => Promise<Action>;

/** Older commands are removed. */
const MAX_ACTIONS = 100;
const MAX_STEPS = 20;

/** The log. */
export class ModerationLog {
  /** The commands, newest first. */
  readonly actions = signal<readonly LoggedAction[]>([]);
  /** The newest change in one sentence, for the status line. */
  readonly status = signal<{ readonly title: ActionTitle; readonly text: string } | undefined>(undefined);
  #nextKey = 0;

  /** Sends a command and follows its receipts. Resolves when it was accepted or failed. */
  async run(title: ActionTitle, command: Command): Promise<void> {
    this.#nextKey += 1;
    const key = this.#nextKey;
    const entry: LoggedAction = {
      key,
      atMs: Date.now(),
      title,
      steps: [],
      status: 'waiting',
      error: undefined,
      repeat: undefined,
    };
    this.actions.value = [entry, ...this.actions.value].slice(0, MAX_ACTIONS);
    await this.#send(key, title, command, newRef());
  }

  async #send(key: number, title: ActionTitle, command: Command, ref: string): Promise<void> {
    const sentAt = performance.now();
    this.#change(key, { status: 'waiting', error: undefined, repeat: undefined });
    let action: Action;
    try {
      action = await command({ ref });
    } catch (error) {
      const sentence = sentenceOf(error);
      const effect = effectOf(error);
      const repeat = (): void => void this.#send(key, title, command, ref);
      this.#step(key, sentAt, 'failed', { kind: effect, text: effect, targets: [] });
      this.#change(key, { error: sentence, repeat: effect === 'rejected' ? undefined : repeat });
      this.status.value = { title, text: sentence.what };
      return;
    }
    const targets = action.targets === 1 ? '1 target' : `${String(action.targets)} targets`;
    this.#step(key, sentAt, 'accepted', { kind: 'accepted', text: `accepted, ${targets}`, targets: [] });
    this.#follow(key, title, action, sentAt);
  }

  #follow(key: number, title: ActionTitle, action: Action, sentAt: number): void {
    const controller = new AbortController();
    let last: Receipts | undefined;
    action.receipts.subscribe(
      (receipts) => {
        // The first value is there before any receipt.
        if (last || receipts.targets.length > 0 || receipts.elapsedMs > 0) {
          const step = stepOf(receipts);
          this.#step(key, sentAt, isSettled(receipts) ? 'settled' : 'accepted', step);
          this.status.value = { title, text: step.text };
        }
        last = receipts;
      },
      { signal: controller.signal },
    );
    action.settled({ signal: controller.signal }).then(
      () => {
        if (action.targets === 0) {
          this.#change(key, { status: 'settled' });
          this.status.value = { title, text: 'nothing to do' };
        }
        controller.abort();
      },
      () => {
        this.#step(key, sentAt, 'settled', { kind: 'ended', text: 'no further receipts', targets: [] });
        controller.abort();
      },
    );
  }

  #step(key: number, sentAt: number, status: LoggedAction['status'], received: Omit<Step, 'arrivedMs'>): void {
    const action = this.actions.value.find((entry) => entry.key === key);
    const step = { ...received, arrivedMs: Math.round(performance.now() - sentAt) };
    if (action) this.#change(key, { status, steps: [...action.steps, step].slice(-MAX_STEPS) });
  }

  #change(key: number, change: Partial<LoggedAction>): void {
    this.actions.value = this.actions.value.map((entry) => (entry.key === key ? { ...entry, ...change } : entry));
  }
}

function isSettled({ counts }: Receipts): boolean {
  return counts.pending === 0 && counts.offline === 0;
}

function stepOf({ counts, targets, elapsedMs }: Receipts): Omit<Step, 'arrivedMs'> {
  const present = OUTCOMES.filter((outcome) => counts[outcome] > 0);
  const total = present.reduce((sum, outcome) => sum + counts[outcome], 0);
  const text = present.map((outcome) => (total === 1 ? outcome : `${String(counts[outcome])} ${outcome}`)).join(', ');
  return {
    kind: present.find((outcome) => outcome !== 'enforced') ?? 'enforced',
    text: `${text === '' ? 'enforced' : text} after ${String(elapsedMs)} ms`,
    targets: targets.map((receipt) => ({ id: targetId(receipt.target), outcome: receipt.outcome })),
  };
}

function targetId(target: Receipts['targets'][number]['target']): string {
  return Object.values(target).find((id): id is string => typeof id === 'string') ?? '';
}

/** The outcomes, with those first that need attention. */
const OUTCOMES: readonly Outcome[] = ['ignored', 'declined', 'offline', 'pending', 'enforced'];
