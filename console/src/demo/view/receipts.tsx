// The moderator's receipts: what became of each command, step by step with its time.

import { Icon } from '../../ui/icons.js';
import { Name, Time } from '../../ui/text.js';
import type { ActionTitle, LoggedAction, Step } from '../model/moderation-log.js';
import type { RoomSession } from '../model/room-session.js';

/** The receipts, newest first. */
export function ReceiptsPanel({ session }: { session: RoomSession }) {
  const actions = session.log.actions.value;
  if (actions.length === 0) {
    return (
      <p class="empty muted">
        Nothing yet. Mute or remove a participant: each command appears here with its receipts, which say what became of
        it at each target and after how many milliseconds. A time with + says when the receipt arrived here.
      </p>
    );
  }
  return (
    <ol class="receipts" tabIndex={0} aria-label="Receipts">
      {actions.map((action) => (
        <Receipt key={action.key} action={action} session={session} />
      ))}
    </ol>
  );
}

/** A command in words. */
export function Title({ title }: { title: ActionTitle }) {
  return (
    <>
      {title.verb}
      {title.user !== undefined && (
        <>
          {' '}
          <Name name={title.user} limit={30} />
        </>
      )}
      {title.detail}
    </>
  );
}

function Receipt({ action, session }: { action: LoggedAction; session: RoomSession }) {
  return (
    <li class="receipt">
      <div class="receipt-head">
        <span class="receipt-title">
          <Title title={action.title} />
        </span>
        <Time atMs={action.atMs} />
      </div>
      <ol class="steps">
        {action.steps.map((step, index) => (
          <StepItem key={index} step={step} session={session} />
        ))}
        {action.status === 'waiting' && (
          <li class="badge step">{session.connection.value.status === 'live' ? 'sent' : 'waits for the connection'}</li>
        )}
      </ol>
      {action.error && (
        <p class="warn-text receipt-error">
          {action.error.what} {action.error.todo}{' '}
          {action.repeat && (
            <button type="button" onClick={action.repeat}>
              Repeat
            </button>
          )}
        </p>
      )}
    </li>
  );
}

function StepItem({ step, session }: { step: Step; session: RoomSession }) {
  const named = step.targets.filter(({ outcome }) => outcome !== 'enforced').slice(0, MAX_NAMED);
  return (
    <li class={`badge step ${STEP_CLASSES[step.kind] ?? ''}`}>
      {step.kind === 'enforced' && <Icon name="check" />}
      {step.text}
      {named.map(({ id, outcome }) => (
        <span key={id}>
          {' · '}
          <Name name={session.targetName(id) ?? id} limit={20} />
          {step.targets.length > 1 && `: ${outcome}`}
        </span>
      ))}
      <span class="step-time">
        <span class="visually-hidden">, arrived here at </span>+{step.arrivedMs} ms
      </span>
    </li>
  );
}

const STEP_CLASSES: Partial<Record<Step['kind'], string>> = {
  enforced: 'good',
  ignored: 'danger',
  declined: 'danger',
  pending: 'warn',
  offline: 'warn',
  ended: 'danger',
  'not sent': 'warn',
  'outcome unknown': 'warn',
  rejected: 'danger',
};

/** More targets are counted and not named. */
const MAX_NAMED = 5;
