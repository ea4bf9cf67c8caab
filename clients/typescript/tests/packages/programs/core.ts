// A program that uses the client alone: it passes `undefined` for each optional option, by type and at run time.
import {
  type Block,
  type ErrorDetails,
  type MuteAllOptions,
  type NewStream,
  type Options,
  type RequestOptions,
  type RoomOptions,
  SessionManager,
  type SessionObserver,
  StagedoorError,
  type StartWith,
  type StreamChange,
} from '@stagedoor/client';

/** The optional fields of `T` that do not take `undefined`. */
type Rejecting<T> = T extends unknown
  ? { [K in keyof T]-?: object extends Pick<T, K> ? (undefined extends Required<T>[K] ? never : K) : never }[keyof T]
  : never;
type None<T extends never> = T;
export type Checked = [
  None<Rejecting<Block>>,
  None<Rejecting<ErrorDetails>>,
  None<Rejecting<MuteAllOptions>>,
  None<Rejecting<NewStream>>,
  None<Rejecting<Options>>,
  None<Rejecting<RequestOptions>>,
  None<Rejecting<RoomOptions>>,
  None<Rejecting<SessionObserver>>,
  None<Rejecting<StartWith>>,
  None<Rejecting<StreamChange>>,
  None<Rejecting<NonNullable<Parameters<SessionManager['stop']>[0]>>>,
];

const required = { url: 'https://gateway.example.com', app: 'demo' };
const optional: { [K in Exclude<keyof Options, 'url' | 'app'>]-?: undefined } = {
  client: undefined,
  instance: undefined,
  storage: undefined,
  sessionHandler: undefined,
  loader: undefined,
  webSocket: undefined,
  requestTimeoutMs: undefined,
  startTimeoutMs: undefined,
  connectTimeoutMs: undefined,
  queue: undefined,
  onListenerError: undefined,
  onFrame: undefined,
};
const manager = new SessionManager({ ...required, ...optional });
const room = manager.room<{ chat: { text: string } }>('lobby', {
  token: undefined,
  data: undefined,
  signals: undefined,
});
const stop = room.on('signal', ({ data }) => data.text, { signal: undefined });
manager.addObserver({ stateChanged: undefined, sessionChanged: undefined, connectionChanged: undefined });
try {
  await room.send('chat', { text: 'hi' }, { to: undefined, timeoutMs: undefined, signal: undefined, ref: undefined });
  throw new Error('sent without a session');
} catch (error) {
  if (!(error instanceof StagedoorError) || error.code !== 'no_active_session') throw error;
}
stop();
await manager.stop({ secure: undefined, signal: undefined });

// @ts-expect-error -- the data of a declared signal has a type.
room.send('chat', { text: 1 }).catch(() => undefined);
// @ts-expect-error -- exactly one way to start.
manager.start({}).catch(() => undefined);
// @ts-expect-error -- one target.
export const both: Parameters<typeof room.moderation.mute>[0] = { participant: 'p', username: 'u' };
