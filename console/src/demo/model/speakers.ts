// Whether this window plays sound. Two windows on one machine would hear each other, so one of them starts silent.

import { type ReadonlySignal, signal } from '@preact/signals';

/** The speakers of this window. */
export class Speakers {
  /** Plays the sound of all streams. */
  readonly element = new Audio();
  readonly #isOn = signal(true);
  readonly #isSecond = signal(false);

  /** Whether sound is played. */
  get isOn(): ReadonlySignal<boolean> {
    return this.#isOn;
  }

  /** Whether another window of this browser came first. */
  get isSecond(): ReadonlySignal<boolean> {
    return this.#isSecond;
  }

  constructor() {
    // Insecure origins have no locks, and no microphones either.
    if (!isSecureContext || !('locks' in navigator)) return;
    void navigator.locks.request('stagedoor-demo-speakers', { ifAvailable: true }, (lock) => {
      if (lock === null) {
        this.set(false);
        this.#isSecond.value = true;
        return;
      }
      // Held until the window closes.
      return new Promise<never>(() => undefined);
    });
  }

  /** Switches them. */
  set(isOn: boolean): void {
    this.#isOn.value = isOn;
    this.element.muted = !isOn;
  }
}
