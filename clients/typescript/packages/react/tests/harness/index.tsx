// Rendering as a page does it: without `act`, in React's own time.

import type { ReactNode } from 'react';
import { createRoot, hydrateRoot } from 'react-dom/client';
import { expect, vi } from 'vitest';

import type { SessionManager } from '@stagedoor/client';
import { cleanUp } from '../../../client/tests/harness/index.js';
import { StagedoorProvider } from '../../src/index.js';

/** A rendered tree. */
export interface Screen {
  readonly element: HTMLElement;
  /** Its text. */
  readonly text: string;
  render(node: ReactNode): void;
  unmount(): void;
  /** Waits until the text matches. */
  shows(text: string | RegExp): Promise<void>;
}

/** Renders a tree, or hydrates `html` with it. */
export function show(node: ReactNode, html?: string): Screen {
  const element = document.createElement('div');
  document.body.append(element);
  if (html !== undefined) element.innerHTML = html;
  const root = html === undefined ? createRoot(element) : hydrateRoot(element, node);
  if (html === undefined) root.render(node);
  let isMounted = true;
  const screen: Screen = {
    element,
    get text() {
      return element.textContent;
    },
    render: (next) => root.render(next),
    unmount: () => {
      if (isMounted) root.unmount();
      isMounted = false;
    },
    shows: (text) =>
      mutated(element, () => (typeof text === 'string' ? screen.text.includes(text) : text.test(screen.text))),
  };
  cleanUp(() => {
    screen.unmount();
    element.remove();
  });
  return screen;
}

/** Renders a tree with a session manager. */
export function showWith(manager: SessionManager, node: ReactNode): Screen {
  return show(<StagedoorProvider manager={manager}>{node}</StagedoorProvider>);
}

/** Waits until the DOM matches. */
function mutated(element: HTMLElement, match: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!match()) return;
      observer.disconnect();
      resolve();
    };
    const observer = new MutationObserver(look);
    observer.observe(element, { childList: true, subtree: true, characterData: true, attributes: true });
    look();
  });
}

/** What was written to the console in this test. */
export function consoleOutput(): readonly string[] {
  const output: string[] = [];
  for (const method of ['error', 'warn'] as const) {
    const spy = vi.spyOn(console, method).mockImplementation((...data: unknown[]) => {
      output.push(data.map(String).join(' '));
    });
    cleanUp(() => spy.mockRestore());
  }
  return output;
}

/** Fails if anything was written to the console, at the end of the test. */
export function silentConsole(): void {
  const output = consoleOutput();
  cleanUp(() => expect(output).toEqual([]));
}
