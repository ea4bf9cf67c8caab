// A video element that shows one track, without sound.

import { useEffect, useRef } from 'preact/hooks';

/** Shows a track. */
export function Video({
  track,
  label,
  isMirrored = false,
}: {
  track: MediaStreamTrack;
  label: string;
  isMirrored?: boolean;
}) {
  const element = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = element.current;
    if (!video) return undefined;
    video.srcObject = new MediaStream([track]);
    return () => {
      video.srcObject = null;
    };
  }, [track]);
  return <video ref={element} class={isMirrored ? 'mirrored' : ''} aria-label={label} autoPlay muted playsInline />;
}
