// Idempotency keys: a request that is repeated with its key has no second effect.

/** 128 random bits; `crypto.randomUUID` is missing on insecure origins. */
export function newRef(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
