// Modules that are loaded later: bundlers make files of their own of them.

import { StagedoorError } from './errors.js';

/** A module that is loaded later, or what is made of it. */
export interface Lazy<T> {
  /** It, once it is loaded. */
  readonly value: T | undefined;
  /** Loads it, or waits for the running load. After a failure the next call tries again. */
  load(): Promise<T>;
}

/** A module; `load` calls `import()`. */
export function makeLazy<T>(load: () => Promise<T>): Lazy<T> {
  let loading: Promise<T> | undefined;
  let value: T | undefined;
  const failed = (cause: unknown): never => {
    loading = undefined;
    throw new StagedoorError('module_not_loaded', 'a file of the package could not be loaded', { cause, hint: HINT });
  };
  return {
    get value() {
      return value;
    },
    load: () => (loading ??= load().then((loaded) => (value = loaded), failed)),
  };
}

/** What `make` makes of a module, once. */
export function mapLazy<M, T extends object>(module: Lazy<M>, make: (module: M) => T): Lazy<T> {
  let made: T | undefined;
  const from = (loaded: M): T => (made ??= make(loaded));
  return {
    get value() {
      return made ?? (module.value && from(module.value));
    },
    load: async () => from(await module.load()),
  };
}

const HINT = 'Reload the page: its files were replaced, or the network is down.';
