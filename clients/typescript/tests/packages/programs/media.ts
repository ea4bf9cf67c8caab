// A program that publishes and watches media in rooms of any signals.
import type { Room, SignalMap } from '@stagedoor/client';
import { type PublishedMedia, publishMedia, watchMedia } from '@stagedoor/client/webrtc';

export const publish = (room: Room<{ chat: { text: string } }>, media: MediaStream): Promise<PublishedMedia> =>
  publishMedia(room, media, {
    kind: undefined,
    name: undefined,
    layoutClasses: undefined,
    muted: undefined,
    configuration: undefined,
    onError: undefined,
    signal: undefined,
    timeoutMs: undefined,
    ref: undefined,
  });
export const watch = <S extends SignalMap>(room: Room<S>, stream: string) =>
  watchMedia(room, stream, { speaker: undefined, configuration: undefined, onError: undefined });
