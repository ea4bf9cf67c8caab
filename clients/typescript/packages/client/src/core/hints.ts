// What to change, by the code of an error. Loaded with the first start: an error that reaches the program has its hint.

import type { Hints } from './errors.js';

/** The hints of errors that carry none of their own. */
export const HINTS: Hints = {
  auth_denied: 'Check the app id and the credentials; in a token, `iss` must be the app id.',
  auth_token_required: 'Give a token function to `start`, or a `sessionHandler`.',
  blocked: 'A moderator blocked this user; wait until the block ends.',
  connection_lost: 'Repeat the call with the same `ref`: it has no second effect.',
  deadline: 'Raise `timeoutMs`, or repeat the call with the same `ref`.',
  denied: 'The token function threw `Denied`: ask the user to sign in.',
  forbidden: 'The role or the token lacks the scope in `missing`.',
  lagged: 'Read faster, raise `limit`, or use `on`.',
  loader_failed: 'The loader must call `start` and wait for its success.',
  name_taken: 'Choose another name, or use a token.',
  no_active_session: 'Call `start` first, or set the option `loader`.',
  no_stored_session: 'Start with `guest`, `params` or `token`.',
  no_websocket: 'Node 20 has no WebSocket: `npm install ws` and pass `webSocket: WebSocket` from it, or use Node 22.',
  not_a_gateway: 'Check `url`: it must lead to a Stagedoor gateway, also through proxies.',
  not_confirmed: 'The session goes on. Call `stop({ secure: true })` again once the connection is back.',
  not_in_room: 'Call `join()` first.',
  origin_denied: "Add this page's origin to `listen.allowed_origins` of the gateway.",
  queue_full: 'Wait for earlier calls, or raise the option `queue`.',
  rate_limited: 'Wait for `retryAfterMs`.',
  session_active: 'Another session of this client instance is protected: end it first.',
  session_ended: 'Start again.',
  stopped: '`stop()` was called.',
  token_expired: 'Get a new token.',
  token_revoked: 'Get a new token.',
  unreachable: 'Check `url`, the network and that the gateway runs.',
  unsupported_version: 'Update the package or the gateway: they speak different protocol versions.',
};
