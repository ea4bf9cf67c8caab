'use client';
// Media of other participants: `@stagedoor/react/media`, apart from the rest, so that only its users load WebRTC.

import type { Room, SignalMap, StreamId } from '@stagedoor/client';
import { type WatchedMedia, watchMedia, type WatchOptions } from '@stagedoor/client/webrtc';
import { type RefCallback, useEffect, useRef, useState } from 'react';

import { type RoomView, stableRoom, useStream } from './room.js';

/**
 * Watches a stream while it is visible and the component is mounted; null otherwise. `useObservable` reads its
 * `link`, `audio` and `playback`. Components that watch one stream share a connection, with the options of the first.
 */
export function useWatchedMedia<S extends SignalMap>(
  room: Room<S> | RoomView<S>,
  id: StreamId,
  options?: WatchOptions,
): WatchedMedia | null {
  const stable = stableRoom(room);
  const isVisible = useStream(stable, id) !== null;
  const [watched, setWatched] = useState<WatchedMedia | null>(null);
  const newest = useRef(options);
  useEffect(() => {
    newest.current = options;
  });
  useEffect(() => {
    if (!isVisible) return undefined;
    const media = watchMedia(stable, id, newest.current);
    setWatched(media);
    return () => {
      setWatched(null);
      // A new mount shares the connection before this microtask.
      queueMicrotask(() => {
        media.stop().catch(() => undefined);
      });
    };
  }, [stable, id, isVisible]);
  return watched;
}

/** A ref that shows the video of a stream in a `<video>` element, and plays its sound while the element is mounted. */
export function useMedia<S extends SignalMap>(
  room: Room<S> | RoomView<S>,
  id: StreamId,
  options?: WatchOptions,
): RefCallback<HTMLVideoElement> {
  const watched = useWatchedMedia(room, id, options);
  const [element, setElement] = useState<HTMLVideoElement | null>(null);
  useEffect(() => (watched && element ? watched.attach(element) : undefined), [watched, element]);
  return setElement;
}
