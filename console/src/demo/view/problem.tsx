// A problem in a sentence, and what to do.

import type { ComponentChildren } from 'preact';
import { Icon } from '../../ui/icons.js';
import type { Sentence } from '../model/sentences.js';

/** A problem. */
export function Problem({ problem, children }: { problem: Sentence | undefined; children?: ComponentChildren }) {
  return (
    <div role="alert" class="problem-place">
      {problem && (
        <div class="problem">
          <Icon name="alert" />
          <p>
            <strong>{problem.what}</strong> {problem.todo}
          </p>
          {children}
        </div>
      )}
    </div>
  );
}
