// Texts of the gateway as frames. Pure.

import type { Disconnect, Push, Reply, WireError } from '../wire/protocol.js';

/** One message of the gateway. `seq` is absent where the protocol does not number it. */
export type ServerFrame =
  | { readonly kind: 'reply'; readonly id: number; readonly seq: number | undefined; readonly ok: Reply }
  | { readonly kind: 'error'; readonly id: number; readonly seq: number | undefined; readonly error: WireError }
  | { readonly kind: 'push'; readonly seq: number | undefined; readonly push: Push }
  | { readonly kind: 'ping' }
  | { readonly kind: 'disconnect'; readonly disconnect: Disconnect };

/** Reads a frame; undefined if the text is none. A push with an unknown name is a frame, for its `seq` counts. */
export function decodeFrame(text: unknown): ServerFrame | undefined {
  const message = parse(text);
  if (!message) return undefined;
  const { id, seq, ok, error, ping, disconnect } = message;
  if (!isNumber(seq) && seq !== undefined && seq !== null) return undefined;
  const number = seq ?? undefined;
  if (isNumber(id)) {
    if (isObject(ok)) return { kind: 'reply', id, seq: number, ok: ok as Reply };
    if (isObject(error) && typeof error.code === 'string') {
      return { kind: 'error', id, seq: number, error: error as unknown as WireError };
    }
    return undefined;
  }
  if (isObject(ping)) return { kind: 'ping' };
  if (isObject(disconnect)) {
    return isNumber(disconnect.code)
      ? { kind: 'disconnect', disconnect: disconnect as unknown as Disconnect }
      : undefined;
  }
  if (number === undefined) return undefined;
  return { kind: 'push', seq: number, push: message as unknown as Push };
}

function parse(text: unknown): Record<string, unknown> | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
