// Texts from others: always text, isolated from the direction of the text around them, and shortened.

import { clamp, hueOf, initial } from './clamp.js';

/** A name. */
export function Name({ name, limit = 40 }: { name: string; limit?: number }) {
  return (
    <bdi class="name" title={clamp(name, 200)}>
      {clamp(name, limit)}
    </bdi>
  );
}

/** A circle with the first character of a name. */
export function Avatar({ name, isLarge = false }: { name: string; isLarge?: boolean }) {
  return (
    <span class={isLarge ? 'avatar large' : 'avatar'} style={{ '--hue': String(hueOf(name)) }} aria-hidden="true">
      {initial(name)}
    </span>
  );
}

/** A moment as hours, minutes and seconds. */
export function Time({ atMs, withMs = false }: { atMs: number; withMs?: boolean }) {
  const date = new Date(atMs);
  const text = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0'));
  const ms = withMs ? `.${String(date.getMilliseconds()).padStart(3, '0')}` : '';
  return <time dateTime={date.toISOString()}>{text.join(':') + ms}</time>;
}
