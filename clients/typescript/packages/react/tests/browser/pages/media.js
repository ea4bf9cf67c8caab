// A page that shows the video of a stream with React.

import { createElement, StrictMode, version } from 'react';
import { createRoot } from 'react-dom/client';

import { helpers } from '../../../../client/tests/browser/pages/media.js';
import { useMedia } from '../../../dist/media.js';

const { at } = helpers;
const root = createRoot(globalThis.document.body.appendChild(globalThis.document.createElement('main')));

function Video({ stream }) {
  return createElement('video', { ref: useMedia(at.room, stream) });
}

globalThis.reactPage = {
  version,
  /** Shows a stream; null shows none. */
  show: (stream) => root.render(createElement(StrictMode, null, stream && createElement(Video, { stream }))),
  /** How often the page sent a command. */
  sent: (command) =>
    at.frames.filter(({ direction, text }) => direction === 'out' && text.includes(`"${command}":{`)).length,
};
