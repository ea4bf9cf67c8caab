// After a room was left against the will of this participant: why, and what to do.

import { useSignal } from '@preact/signals';
import type { App } from '../model/app.js';
import type { Sentence } from '../model/sentences.js';

/** Says why, and offers what was typed. */
export function LeftScreen({ app, why, draft }: { app: App; why: Sentence; draft: string }) {
  const isCopied = useSignal(false);
  const copy = (): void => {
    navigator.clipboard.writeText(draft).then(
      () => (isCopied.value = true),
      () => undefined,
    );
  };
  return (
    <main class="centered">
      <h1 tabIndex={-1}>You are out of the room</h1>
      <div role="alert">
        <p>
          <strong>{why.what}</strong>
        </p>
        <p>{why.todo}</p>
      </div>
      {draft.trim() !== '' && (
        <div class="field">
          <label for="draft">What you were typing was not sent</label>
          <textarea id="draft" readOnly rows={3} value={draft} />
          <button type="button" onClick={copy}>
            {isCopied.value ? 'Copied' : 'Copy it'}
          </button>
        </div>
      )}
      <button
        type="button"
        class="primary"
        onClick={() => {
          app.again();
        }}
      >
        Back to the start
      </button>
    </main>
  );
}
