// Camera and microphone.

import { type LocalCode, StagedoorError } from '../index.js';

/**
 * Opens camera and microphone; by default both.
 *
 * @throws StagedoorError `insecure_origin`, `device_denied`, `device_not_found`, `device_in_use` or `device_failed`;
 *   `hint` is a sentence for the user.
 */
export async function openDevices(
  constraints: MediaStreamConstraints = { audio: true, video: true },
): Promise<MediaStream> {
  // Only pages of secure origins have it.
  const devices = globalThis.navigator.mediaDevices as MediaDevices | undefined;
  try {
    if (!devices) throw new DOMException('the page has no access to devices', 'insecure_origin');
    return await devices.getUserMedia(constraints);
  } catch (error) {
    const { name, message } = error as { name: string; message: string };
    const [code, hint] = ERRORS[name] ?? OTHER;
    throw new StagedoorError(code, message || name, { hint, cause: error });
  }
}

const NOT_FOUND: [LocalCode, string] = [
  'device_not_found',
  'Connect a camera or microphone, or join without; a chosen device may have been unplugged.',
];
const OTHER: [LocalCode, string] = ['device_failed', 'Check the chosen devices and their settings, then try again.'];

const ERRORS: Partial<Record<string, [LocalCode, string]>> = {
  insecure_origin: [
    'insecure_origin',
    'Open the page over https, or on localhost: browsers allow no devices elsewhere.',
  ],
  NotAllowedError: [
    'device_denied',
    "Allow camera and microphone in the browser's settings for this page, then try again.",
  ],
  NotFoundError: NOT_FOUND,
  OverconstrainedError: NOT_FOUND,
  NotReadableError: ['device_in_use', 'Close other programs and windows that use the camera or microphone.'],
};
