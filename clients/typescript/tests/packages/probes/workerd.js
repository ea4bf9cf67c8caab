// Runs both probes for each request, as Workers do.
import { run as client } from './client.js';
import { run as server } from './server.js';

export default {
  async fetch(request) {
    const input = await request.json();
    return Response.json({ client: await client(input), server: await server(input) });
  },
};
