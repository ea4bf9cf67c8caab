'use client';
// The public names of the package. The directive marks hooks and provider as client components.

export type { LeftEvent } from './membership.js';
export { type Source, useObservable } from './observable.js';
export { MissingProviderError, StagedoorProvider, type StagedoorProviderProps, useSessionManager } from './provider.js';
export { type RoomView, useParticipants, useRoom, useSignal, useStream } from './room.js';
export { type SessionView, useConnection, useSession } from './session.js';
