// Frames for debugging, with all secrets blanked.

import type { WireFrame } from './api.js';

const SECRETS: ReadonlySet<string> = new Set(['access_token', 'auth_token', 'params', 'secret', 'token']);

/** Hands frames to `onFrame`. */
export function makeTap(
  onFrame: (frame: WireFrame) => void,
  report: (error: unknown, where: string) => void,
): (direction: 'in' | 'out', text: string) => void {
  return (direction, text) => {
    try {
      onFrame(Object.freeze({ direction, text: blank(text), atMs: Date.now() }));
    } catch (error) {
      report(error, 'onFrame');
    }
  };
}

function blank(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text, (key, value: unknown) => (SECRETS.has(key) ? '…' : value)));
  } catch {
    return '…';
  }
}
