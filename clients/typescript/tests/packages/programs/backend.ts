// A program that uses both packages, as a backend in Node or a page does.
import { SessionManager } from '@stagedoor/client';
import {
  type AuthDecision,
  type AuthWebhookOptions,
  authWebhook,
  type CallOptions,
  mintSessionToken,
  type RoomTokenClaims,
  serverApi,
  type ServerApiOptions,
  type ServerTokenClaims,
  type SessionTokenClaims,
  type VerifyOptions,
  verifyWebhook,
} from '@stagedoor/server';

type Rejecting<T> = T extends unknown
  ? { [K in keyof T]-?: object extends Pick<T, K> ? (undefined extends Required<T>[K] ? never : K) : never }[keyof T]
  : never;
type None<T extends never> = T;
export type Checked = [
  None<Rejecting<AuthDecision>>,
  None<Rejecting<AuthWebhookOptions>>,
  None<Rejecting<CallOptions>>,
  None<Rejecting<RoomTokenClaims>>,
  None<Rejecting<ServerApiOptions>>,
  None<Rejecting<ServerTokenClaims>>,
  None<Rejecting<SessionTokenClaims>>,
  None<Rejecting<VerifyOptions>>,
];

const secret = 'change-me-change-me-change-me-abcdef';
export const manager = new SessionManager({ url: new URL('https://gateway.example.com'), app: 'demo' });
const token = (): Promise<string> =>
  mintSessionToken(secret, { app: 'demo', username: 'ada', expiresIn: '5m', keyId: undefined, rooms: undefined });
export const start = (signal: AbortSignal) => manager.start({ token, signal });

const handler: (request: Request) => Promise<Response> = authWebhook(() => ({ allow: true, name: undefined }), {
  secret: 'whsec_bG9uZy1lbm91Z2gtYW5kLXJhbmRvbS1lbm91Z2gtMzI=',
  onError: undefined,
  toleranceS: undefined,
});
export const handled = (request: Request) => handler(request);
export const verified = (body: Uint8Array, headers: Headers) => verifyWebhook(body, headers, 'whsec_eA==');

const api = serverApi({ url: 'https://gateway.example.com', key: 'sk_x', app: 'demo', timeoutMs: undefined });
export async function ban(username: string): Promise<number | undefined> {
  const result = await api.banUser({ username, for_ms: 60_000 }, { signal: undefined, idempotencyKey: undefined });
  return result.ok ? result.value.sessions_ended : undefined;
}
// @ts-expect-error -- the user is missing.
export const unnamed = () => api.banUser({ for_ms: 1 });
