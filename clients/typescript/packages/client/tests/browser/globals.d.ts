// The global scope of the pages of media tests: see `pages/media.js`.

import type * as client from '../../src/index.js';
import type * as webrtc from '../../src/webrtc/index.js';
import type { Peer } from '../../src/webrtc/peer.js';

interface At {
  manager: client.SessionManager;
  room: client.Room;
  local: MediaStream;
  published: webrtc.PublishedMedia;
  watched: webrtc.WatchedMedia;
  errors: string[];
  frames: client.WireFrame[];
  /** Whether no sound was sent any more when a mute was acknowledged. */
  acknowledgements: boolean[];
  connections: RTCPeerConnection[];
  /** How long after the network came back the page had what a test waits for. */
  afterMs: Promise<number>;
  /** The element that plays the sound. */
  speaker: HTMLAudioElement;
  /** What `turn` rejects with. */
  turnError: Error;
  /** A track of a test. */
  track: MediaStreamTrack;
}

type Helpers = typeof client &
  typeof webrtc & {
    at: At;
    Peer: typeof Peer;
    join(url: string, room: string, guest: string): Promise<string>;
    isSilent(): boolean;
    glare(
      url: string,
      room: string,
      connections: number,
      rounds: number,
    ): Promise<{ rounds: number; collisions: number; answersToRolledBack: number; errors: string[] }>;
    offers(): number;
    open(kinds?: { audio?: boolean; video?: boolean }): Promise<MediaStream>;
    publish(options?: webrtc.PublishOptions & { kinds?: { audio?: boolean; video?: boolean } }): Promise<string>;
    watch(stream: string, options?: webrtc.WatchOptions): Promise<void>;
    loudness(media: MediaStream | null, ms?: number): Promise<number>;
    untilLoud(media: MediaStream | null, isLoud: boolean): Promise<void>;
    untilDecoded(frames: number): Promise<number>;
    until<T>(observable: client.Observable<T>, match: (value: T) => boolean): Promise<T>;
    played(element: HTMLMediaElement): Promise<void>;
    readonly turn: () => Promise<RTCConfiguration>;
    stat(report: unknown, type: string, kind: string, field: string): Promise<number>;
  };

declare global {
  var helpers: Helpers;
}
