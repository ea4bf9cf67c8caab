// A gateway whose replay buffers are small, so that a resume begins with a reset.

import type { Room } from '../../src/index.js';

const FRAMES = 16;

/** Its settings. */
export const SMALL_RING = `
[resume]
ring_frames = ${String(FRAMES)}
`;

/** Sends what does not fit into a replay buffer. */
export async function overflow(sender: Room): Promise<void> {
  for (let n = 0; n < 2 * FRAMES; n += 1) await sender.send('noise', n);
}
