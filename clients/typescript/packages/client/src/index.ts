/// <reference lib="esnext.disposable" preserve="true" />
// The public names of the package.

export type { AbortSignalLike, PlatformAbortSignal } from './core/abort.js';
export {
  Denied,
  DeadlineError,
  type ErrorDetails,
  LaggedError,
  LoaderError,
  type LocalCode,
  NoActiveSessionError,
  type Outcome,
  SessionActiveError,
  StagedoorError,
} from './core/errors.js';
export type { Observable } from './core/observable.js';
export type { SessionSnapshot, SessionState } from './core/states.js';
export type { TokenReason, TokenRequest, TokenSource } from './core/tokens.js';
export type { Action, Receipts } from './room/actions.js';
export type {
  ForcedMute,
  MembershipStatus,
  NewStream,
  OwnStream,
  Room,
  RoomOptions,
  RoomState,
  SentSignal,
  StreamChange,
  Subscription,
  TrackLike,
} from './room/api.js';
export type { RequestOptions } from './room/channel.js';
export type {
  AnySignals,
  Parser,
  Parsers,
  RoomEvent,
  RoomEvents,
  SignalEvent,
  SignalFrom,
  SignalMap,
  StandardResult,
} from './room/events.js';
export type {
  Actor,
  BlockScope,
  Capabilities,
  Counts,
  LeaveReason,
  Link,
  Participant,
  ParticipantId,
  Role,
  RoomMute,
  Stream,
  StreamEndReason,
  StreamId,
  StreamKind,
} from './room/model.js';
export type { Block, FeedEntry, Moderation, MuteAllOptions, Target } from './room/moderation-api.js';
export type {
  ConnectionSnapshot,
  Json,
  Loader,
  Manager,
  Options,
  Renewal,
  Session,
  SessionHandler,
  SessionObserver,
  SessionUser,
  StartResult,
  StartWith,
  WireFrame,
} from './session/api.js';
export { SessionManager, startSession } from './session/manager.js';
export type { KeyValueStore, WebSocketConstructor, WebSocketLike } from './shell/environment.js';
export type { InstanceOption } from './shell/instance.js';
export type {
  ActiveBlock,
  BlockSource,
  ErrorCode,
  Outcome as ReceiptOutcome,
  OutcomeCounts,
  Receipt,
  Scope,
  Target as ReceiptTarget,
} from './wire/protocol.js';
