// The global scope of the page: see `pages/media.js`.

interface ReactPage {
  readonly version: string;
  show(stream: string | null): void;
  sent(command: 'subscribe' | 'unsubscribe'): number;
}

declare global {
  var reactPage: ReactPage;
}

export {};
