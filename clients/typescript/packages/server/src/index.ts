// The public names of the package.

export {
  type ApiError,
  type Arguments,
  type CallOptions,
  type Problem,
  type Result,
  serverApi,
  type ServerApi,
  type ServerApiOptions,
} from './api.js';
export {
  type CommonClaims,
  mintRoomToken,
  mintServerToken,
  mintSessionToken,
  type Role,
  type RoomTokenClaims,
  type ServerTokenClaims,
  type SessionTokenClaims,
} from './tokens.js';
export {
  type AuthDecision,
  type AuthRequest,
  authWebhook,
  type AuthWebhookOptions,
  type HeadersLike,
  type HeadersObject,
  type VerifyOptions,
  verifyWebhook,
  WebhookError,
  type WebhookEvent,
} from './webhooks.js';
