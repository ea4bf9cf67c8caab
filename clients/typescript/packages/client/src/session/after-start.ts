// What is needed once a session starts, and not before: rooms, renewals, the hints of errors, and what belongs to the
// options `loader` and `onFrame`. One file for bundlers.

export { HINTS } from '../core/hints.js';
export { makeEngine } from '../room/engine.js';
export { makeTap } from './frame-tap.js';
export { Loads } from './loader.js';
export { Renewals } from './renewals.js';
