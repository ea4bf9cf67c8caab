// Runs the client without the globals that a runtime at the edge of a network lacks.
for (const name of ['process', 'Buffer', 'WebSocket', 'window', 'document', 'navigator', 'setImmediate']) {
  delete globalThis[name];
}
const { run } = await import('./client.js');
const { input } = await import('./input.js');
console.log(JSON.stringify({ client: await run(input) }));
