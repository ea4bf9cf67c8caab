// Runs the client in a worker or a service worker of a browser.
import { run } from './client.js';

// Not `addEventListener`, which is watched.
onmessage = ({ data, source }) => {
  run(data).then(
    (result) => (source ?? self).postMessage({ client: result }),
    (error) => (source ?? self).postMessage({ error: String(error) }),
  );
};
