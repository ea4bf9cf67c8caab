// The public names of `@stagedoor/client/webrtc`: media of a room, peer to peer, negotiated over its `relay`.

export { openDevices } from './devices.js';
export type { LinkStatus, MediaOptions } from './options.js';
export type { TrackKind } from './peer.js';
export { type PublishedMedia, publishMedia, type PublishOptions, type SourceStatus } from './publish.js';
export type { Playback } from './speaker.js';
export { type WatchedLink, type WatchedMedia, watchMedia, type WatchOptions } from './watch.js';
