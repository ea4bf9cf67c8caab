import { SessionManager } from '@stagedoor/client';
import { StagedoorProvider } from '@stagedoor/react';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { App } from './App.js';

const manager = new SessionManager({ url: 'http://127.0.0.1:7080', app: 'demo' });
// A reload continues the session of this tab.
void manager.start({ stored: true });

const root = document.querySelector('#root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <StagedoorProvider manager={manager}>
        <App />
      </StagedoorProvider>
    </StrictMode>,
  );
}
