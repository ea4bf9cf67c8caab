// The frames on the wire. The client package blanks tokens and secrets before they come here.

import { useComputed, useSignal } from '@preact/signals';
import { Icon } from '../../ui/icons.js';
import { useFollowEnd } from '../../ui/follow-end.js';
import { Time } from '../../ui/text.js';
import { type FrameLog, type LoggedFrame, MAX_FRAMES } from '../model/frame-log.js';

/** The frames, newest last. */
export function FramesPanel({ log }: { log: FrameLog }) {
  const filter = useSignal('');
  const shown = useComputed(() => {
    const text = filter.value.trim().toLowerCase();
    return text === '' ? log.shown.value : log.shown.value.filter((frame) => frame.text.toLowerCase().includes(text));
  });
  const { ref, hasMore, onScroll, toEnd } = useFollowEnd<HTMLDivElement>(shown.value);
  const isPaused = log.isPaused.value;
  return (
    <div class="frames">
      <div class="frames-tools">
        <label class="visually-hidden" for="frame-filter">
          Filter the frames
        </label>
        <input
          id="frame-filter"
          type="search"
          placeholder="Filter"
          value={filter.value}
          onInput={(event) => (filter.value = event.currentTarget.value)}
        />
        <button
          type="button"
          aria-pressed={isPaused}
          onClick={() => {
            log.setPaused(!isPaused);
          }}
        >
          Pause
        </button>
        <button
          type="button"
          onClick={() => {
            log.clear();
          }}
        >
          Clear
        </button>
        <span class="muted">
          {log.total.value} frames{log.total.value > MAX_FRAMES && `, the last ${String(MAX_FRAMES)} are kept`}
        </span>
      </div>
      <div class="frames-list" ref={ref} onScroll={onScroll} tabIndex={0} role="region" aria-label="Frames">
        {shown.value.map((frame) => (
          <Frame key={frame.key} frame={frame} />
        ))}
        {shown.value.length === 0 && <p class="empty muted">No frame matches.</p>}
      </div>
      {hasMore.value && (
        <button type="button" class="newer" onClick={toEnd}>
          Newer frames
        </button>
      )}
    </div>
  );
}

function Frame({ frame }: { frame: LoggedFrame }) {
  const isOpen = useSignal(false);
  return (
    <details class={`frame ${frame.direction}`} onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
      <summary>
        <Time atMs={frame.atMs} withMs />
        <span class="frame-direction">
          <Icon name={frame.direction} />
          <span class="visually-hidden">{frame.direction === 'in' ? 'received' : 'sent'}</span>
        </span>
        <span class="frame-name">{frame.name}</span>
        <span class="frame-text muted" aria-hidden="true">
          {frame.text.slice(0, 200)}
        </span>
        <span class="frame-size muted">{frame.size} B</span>
      </summary>
      {isOpen.value && <pre>{pretty(frame.text)}</pre>}
    </details>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
