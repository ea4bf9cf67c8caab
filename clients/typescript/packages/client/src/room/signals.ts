// Parsers of signals: a function that throws, or a Standard Schema.

import type { Parser, Parsers } from './events.js';

/** Parses the data of a signal; throws what its parser throws. Without any parsers, all data is accepted. */
export function parseSignal<S>(parsers: Parsers<S> | undefined, name: string, data: unknown): unknown {
  if (!parsers) return data;
  const parser = Object.hasOwn(parsers, name) ? (parsers as Record<string, Parser<unknown>>)[name] : undefined;
  if (!parser) throw new TypeError(`no parser for signals with the name ${JSON.stringify(name)}`);
  if (typeof parser === 'function') return parser(data);
  const result = parser['~standard'].validate(data);
  if (result instanceof Promise) throw new TypeError('an asynchronous schema cannot keep the order of signals');
  if (result.issues) throw new TypeError(result.issues.map((issue) => issue.message).join('; '));
  return result.value;
}
