// A document for React, without the rest of a browser: the client stays one of Node, and so do `fetch` and timers.

import { Window } from 'happy-dom';

const window = new Window({ url: 'http://localhost' });
Object.assign(globalThis, {
  window,
  document: window.document,
  navigator: window.navigator,
  Node: window.Node,
  Element: window.Element,
  HTMLElement: window.HTMLElement,
  HTMLIFrameElement: window.HTMLIFrameElement,
  MutationObserver: window.MutationObserver,
});
