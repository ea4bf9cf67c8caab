// What publishing and watching have in common.

import { type Room, StagedoorError } from '../index.js';

/** A room, without its signals: their types do not matter here. */
export type MediaRoom = Room<object>;

/** Options of published and watched media. */
export interface MediaOptions {
  /**
   * The configuration of connections, such as STUN and TURN servers; or a function that gets it. The function is called
   * for each connection and before each ICE restart, at both ends, so that TURN credentials may be short-lived. If it
   * throws or takes more than 4 seconds, the error is reported, and the former configuration, or none, is used.
   */
  configuration?: RTCConfiguration | (() => RTCConfiguration | Promise<RTCConfiguration>) | undefined;
  /** Gets errors of work in the background. By default they are reported as uncaught errors. */
  onError?: ((error: unknown) => void) | undefined;
}

/**
 * A path of media to another participant: not yet connected; media flows; the path is lost and is restored, or the
 * gateway cannot be reached for that; over.
 */
export type LinkStatus = 'connecting' | 'connected' | 'interrupted' | 'ended';

/** Throws where the platform has no WebRTC. */
export function needWebRtc(): void {
  if (!('RTCPeerConnection' in globalThis))
    throw new StagedoorError('no_webrtc', 'this platform has no RTCPeerConnection', {
      hint: 'Use a browser, or leave out media here. Some browsers turn WebRTC off by a setting or an extension.',
    });
}

/** Whether an error has this code. */
export function hasCode(error: unknown, ...codes: StagedoorError['code'][]): boolean {
  return error instanceof StagedoorError && codes.includes(error.code);
}
