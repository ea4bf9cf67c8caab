// Runs both probes, for runtimes with a command line.
import { run as client } from './client.js';
import { input } from './input.js';
import { run as server } from './server.js';

console.log(JSON.stringify({ client: await client(input), server: await server(input) }));
