// A client in a process of its own, which a test stops and continues. Reports in lines of JSON.

import process from 'node:process';

import WebSocket from 'ws';

import { SessionManager } from '../../dist/index.js';

const [url, name] = process.argv.slice(2);
const report = (what, details) => {
  process.stdout.write(`${JSON.stringify({ what, ...details })}\n`);
};
process.on('unhandledRejection', (error) => {
  report('unhandled', { error: String(error) });
});

const manager = new SessionManager({ url, app: 'demo', webSocket: WebSocket });
await manager.start({ guest: 'sleeper' });
const room = manager.room(name);
await room.join();
manager.addObserver({
  connectionChanged: ({ status }) => {
    report('connection', { status });
  },
});
room.on('signal', ({ data }) => {
  report('signal', { data });
});
report('live', { session: manager.get()?.id });
// Each line on the input is a call.
process.stdin.on('data', (lines) => {
  for (const line of String(lines).trim().split('\n')) {
    room.send('n', line).then(
      () => {
        report('done', { line, session: manager.get()?.id });
      },
      (error) => {
        report('failed', { line, code: error.code });
      },
    );
  }
});
