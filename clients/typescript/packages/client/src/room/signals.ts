// Parsers of signals: a function that throws, or a Standard Schema.

import type { Parser, Parsers } from './events.js';

/** Parses the data of a signal. Without any parsers, all data is accepted. */
export function parseSignal<S>(
  parsers: Parsers<S> | undefined,
  name: string,
  data: unknown,
  accept: (data: unknown) => void,
  reject: (error: unknown) => void,
): void {
  if (!parsers) {
    accept(data);
    return;
  }
  const parser = Object.hasOwn(parsers, name) ? (parsers as Record<string, Parser<unknown>>)[name] : undefined;
  if (!parser) {
    reject(new TypeError(`no parser for signals with the name ${JSON.stringify(name)}`));
    return;
  }
  try {
    if (typeof parser === 'function') {
      accept(parser(data));
      return;
    }
    const result = parser['~standard'].validate(data);
    if (result instanceof Promise) throw new TypeError('an asynchronous schema cannot keep the order of signals');
    if (result.issues) throw new TypeError(result.issues.map((issue) => issue.message).join('; '));
    accept(result.value);
  } catch (error) {
    reject(error);
  }
}
