// Names of commands, replies and pushes with their bodies.

import type { Command, Push, Reply } from './protocol.js';

/** A member of a union whose members have one key each. */
type KeysOf<U> = U extends unknown ? { [K in keyof U]-?: U[K] extends undefined ? never : K }[keyof U] : never;
type BodyOf<U, K extends PropertyKey> = U extends Record<K, infer Body> ? Body : never;

/** The name of a command. */
export type CommandName = KeysOf<Command>;
/** The body of a command. */
export type CommandBody<K extends CommandName> = BodyOf<Command, K>;
/** A command whose optional fields may be undefined: JSON leaves those out. */
export type CommandDraft = Draft<Command>;
/** The body of a command in a draft. */
export type BodyDraft<K extends CommandName> = Draft<CommandBody<K>>;
type Draft<T> = unknown extends T
  ? T
  : { [K in keyof T]: Draft<T[K]> | (object extends Pick<T, K> ? undefined : never) };
/** The name of a reply. */
export type ReplyName = KeysOf<Reply>;
/** The body of a reply. */
export type ReplyBody<K extends ReplyName> = BodyOf<Reply, K>;
/** The name of a push. */
export type PushName = KeysOf<Push>;
/** The body of a push. */
export type PushBody<K extends PushName> = BodyOf<Push, K>;

/** The name and the body of a push; the name may be unknown to this version. */
export function entryOf(push: Push): [name: string, body: unknown] {
  const entry = Object.entries(push).find(([name]) => name !== 'seq');
  return entry ?? ['', undefined];
}
