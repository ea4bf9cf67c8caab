// The session manager of a React tree.

import { type SessionManager, StagedoorError } from '@stagedoor/client';
import { createContext, createElement, type ReactElement, type ReactNode, useContext } from 'react';

const Context = createContext<SessionManager | null>(null);

/** The properties of {@link StagedoorProvider}. */
export interface StagedoorProviderProps {
  /** The manager, made outside of rendering; the provider neither starts nor stops it. */
  readonly manager: SessionManager;
  /** The components that use it. */
  readonly children?: ReactNode;
}

/** Gives a session manager to the hooks below it. */
export function StagedoorProvider({ manager, children }: StagedoorProviderProps): ReactElement {
  return createElement(Context.Provider, { value: manager }, children);
}

/** A hook was used outside a {@link StagedoorProvider}, or the provider has no manager. Its code is `no_provider`. */
export class MissingProviderError extends StagedoorError {
  override readonly name = 'MissingProviderError';

  constructor() {
    super('no_provider', 'there is no session manager in this React tree', {
      hint: 'Render the component inside <StagedoorProvider manager={manager}>.',
    });
  }
}

/** The session manager of the nearest provider. Throws {@link MissingProviderError} if there is none. */
export function useSessionManager(): SessionManager {
  const manager = useContext(Context);
  if (!manager) throw new MissingProviderError();
  return manager;
}
