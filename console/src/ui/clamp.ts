// Texts from others: shortened, and without characters that would break the layout.

/** At most `limit` characters (code points) in one line. */
export function clamp(text: string, limit: number): string {
  // No text of this length is shown whole, so what follows is not looked at.
  const characters = Array.from(text.slice(0, limit * 2 + 2));
  const line = characters.slice(0, limit).join('').replace(CONTROLS, '␣');
  return characters.length > limit || text.length > limit * 2 + 2 ? `${line}…` : line;
}

/** The first visible character, for an avatar. */
export function initial(name: string): string {
  const visible = /[\p{L}\p{N}\p{S}]/u.exec(name.slice(0, 256));
  return visible ? visible[0].toUpperCase() : '?';
}

/** A hue from 0 to 359 that belongs to a name. */
export function hueOf(name: string): number {
  let hash = 7;
  for (const character of name.slice(0, 256)) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 100_003;
  return hash % 360;
}

/** Controls, and characters that reorder text. */
const CONTROLS = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
