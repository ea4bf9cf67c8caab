// The screens of the page.

import { useEffect, useRef } from 'preact/hooks';
import type { App } from '../model/app.js';
import { EntryScreen } from './entry.js';
import { LeftScreen } from './left.js';
import { RoomScreen } from './room.js';

/** The page. */
export function Page({ app }: { app: App }) {
  const screen = app.screen.value;
  const place = screen.kind === 'entering' ? 'entry' : screen.kind;
  const former = useRef(place);
  useEffect(() => {
    // A new screen is read from its heading, and the keyboard starts there.
    if (former.current !== place && former.current !== 'loading') document.querySelector<HTMLElement>('h1')?.focus();
    former.current = place;
  }, [place]);
  switch (screen.kind) {
    case 'loading':
      return (
        <main class="centered" aria-busy="true">
          <p class="muted">Loading…</p>
        </main>
      );
    case 'failed':
      return (
        <main class="centered">
          <h1 tabIndex={-1}>The page cannot start</h1>
          <p role="alert">{screen.why}</p>
          <button type="button" class="primary" onClick={() => void app.start()}>
            Try again
          </button>
        </main>
      );
    case 'entry':
    case 'entering':
      return <EntryScreen app={app} isEntering={screen.kind === 'entering'} />;
    case 'room':
      return <RoomScreen app={app} session={screen.session} />;
    case 'left':
      return <LeftScreen app={app} why={screen.why} draft={screen.draft} />;
  }
}
