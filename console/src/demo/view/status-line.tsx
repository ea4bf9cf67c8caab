// The newest receipt in one line, read aloud; at most one in a second.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { RoomSession } from '../model/room-session.js';
import { Title } from './receipts.js';

const MIN_INTERVAL_MS = 1_000;
const SHOWN_MS = 8_000;

/** The line. */
export function StatusLine({ session }: { session: RoomSession }) {
  const { value: newest } = session.log.status;
  const shown = useSignal(newest);
  const since = useSignal(0);
  useEffect(() => {
    const wait = newest ? Math.max(0, since.value + MIN_INTERVAL_MS - Date.now()) : 0;
    const show = setTimeout(() => {
      shown.value = newest;
      since.value = Date.now();
    }, wait);
    const hide = setTimeout(() => (shown.value = undefined), wait + SHOWN_MS);
    return () => {
      clearTimeout(show);
      clearTimeout(hide);
    };
  }, [newest]);
  return (
    <div class="status-line" role="status">
      {shown.value && (
        <p>
          <Title title={shown.value.title} />: {shown.value.text}
        </p>
      )}
    </div>
  );
}
