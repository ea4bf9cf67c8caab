// A room that is not joined.

import type { Capabilities, Counts, RoomMute } from '../wire/protocol.js';

export const NO_CAPABILITIES: Capabilities = Object.freeze({
  publish: false,
  subscribe: false,
  signal: false,
  moderate: false,
});
export const NO_COUNTS: Counts = Object.freeze({ participants: 0, publishers: 0, streams: 0 });
export const NO_MUTE: RoomMute = Object.freeze({ active: false, lock: false });
